// Where in a server's stream a byte is.

package peers

// The walker follows a server's stream through records (RFC 5246 6.2.1) and
// plaintext handshake messages (7.4), one byte at a time. It is deliberately
// apart from the project's own decoders, which the relay is there to test.

// A placeKind says what a byte belongs to.
type placeKind int

const (
	inHeader placeKind = iota // of a record or a handshake message
	inBody                    // of a plaintext handshake message
	inSealed                  // the payload of a protected record
	inOther                   // the payload of an alert or a ChangeCipherSpec
)

// A place says where in the stream a byte is.
type place struct {
	kind        placeKind
	messageType byte // with inBody
	offset      int  // in the body or payload
	length      int  // of the body or payload
	complete    int  // messages that are complete with this byte
}

const (
	recordHeader      = 5  // RFC 5246 6.2.1
	messageHeader     = 4  // RFC 5246 7.4
	changeCipherSpec  = 20 // RFC 5246 6.2.1, ContentType
	handshakeProtocol = 22
)

type walker struct {
	record     [recordHeader]byte
	recordHas  int // bytes of the header seen
	recordPos  int // bytes of the payload seen
	message    [messageHeader]byte
	messageHas int
	messagePos int
	sealed     bool
	complete   int
}

// step takes the next byte and says where it is.
func (w *walker) step(b byte) place {
	at := place{complete: w.complete}
	if w.recordHas < recordHeader {
		w.record[w.recordHas] = b
		w.recordHas++
		w.endRecord()
		return at
	}
	at.offset, at.length = w.recordPos, w.recordLength()
	w.recordPos++
	switch {
	case w.sealed:
		at.kind = inSealed
		w.countRecord()
	case w.record[0] == handshakeProtocol:
		at = w.stepMessage(b)
	default:
		at.kind = inOther
		w.countRecord()
	}
	w.endRecord()
	at.complete = w.complete
	return at
}

// stepMessage takes a byte of the plaintext handshake stream, whose messages
// may share a record or span several.
func (w *walker) stepMessage(b byte) place {
	var at place
	if w.messageHas < messageHeader {
		w.message[w.messageHas] = b
		w.messageHas++
	} else {
		at.kind, at.messageType = inBody, w.message[0]
		at.offset, at.length = w.messagePos, w.messageLength()
		w.messagePos++
	}
	if w.messageHas == messageHeader && w.messagePos == w.messageLength() {
		w.complete++
		w.messageHas, w.messagePos = 0, 0
	}
	return at
}

func (w *walker) recordLength() int { return int(w.record[3])<<8 | int(w.record[4]) }

func (w *walker) messageLength() int {
	return int(w.message[1])<<16 | int(w.message[2])<<8 | int(w.message[3])
}

func (w *walker) countRecord() {
	if w.recordPos == w.recordLength() {
		w.complete++
	}
}

// endRecord makes ready for the next record after the last byte of this one.
func (w *walker) endRecord() {
	if w.recordHas < recordHeader || w.recordPos < w.recordLength() {
		return
	}
	w.sealed = w.sealed || w.record[0] == changeCipherSpec
	w.recordHas, w.recordPos = 0, 0
}
