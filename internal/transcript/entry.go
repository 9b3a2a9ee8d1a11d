// The entries of a transcript, and what each can hold.

package transcript

import (
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Dir says in which direction an entry went, seen from this side.
type Dir uint8

const (
	Out   Dir = iota // sent by this machine
	In               // received
	Local            // neither: a decision or the result
)

// String is the direction's name in JSON.
func (d Dir) String() string { return name(d, "out", "in", "local") }

// Layer says where an entry belongs.
type Layer uint8

const (
	Link  Layer = iota // packet I/O, IP and ICMP
	Guard              // the RST guard
	TCP
	TLS
)

// String is the layer's name in JSON.
func (l Layer) String() string { return name(l, "link", "guard", "tcp", "tls") }

// Type says what an entry is, and so which of its pointers is set.
type Type uint8

const (
	TypeSegment  Type = iota // a frame that holds a TCP segment: Frame
	TypeRecord               // a TLS record: Record
	TypeMessage              // a TLS message: Message
	TypeDecision             // something decided or noticed: Decision
	TypeResult               // how it all ended, the last entry: Result
	TypeOctets               // octets of a stream that are not TLS: Octets
)

// String is the type's name in JSON.
func (t Type) String() string {
	return name(t, "segment", "record", "message", "decision", "result", "octets")
}

func name[T ~uint8](v T, names ...string) string {
	if int(v) < len(names) {
		return names[v]
	}
	return "unknown"
}

// An Entry is one line of the transcript. It does not change once a listener
// has seen it.
type Entry struct {
	At    time.Duration // since the recording began
	Dir   Dir
	Layer Layer
	Type  Type

	// Frame is the frame that the entry is (a segment), that carries it (for an
	// outgoing record or message, the one with its first byte; for an incoming
	// one, the one that completed it), or that it is about. Nil if there is
	// none.
	Frame *Frame

	Record   *Record
	Message  *Message
	Decision *Decision
	Result   *Result
	Octets   *Octets
}

// Octets are a run of a stream that is not TLS: what precedes TLS, or
// records whose beginning is missing.
type Octets struct {
	Why         string // "preamble": said in another protocol; "unplaced": of a record that is not all there; "foreign": no TLS, after some; "wrapper": around TLS
	Raw         []byte // of a preamble, if it is not too long; otherwise nil
	Offset, End int64  // in its direction's byte stream
}

// A Record is one TLS record (RFC 5246, section 6.2).
type Record struct {
	Type      tlsmsg.ContentType
	Version   tlsmsg.Version
	Offset    int64  // of its first byte in its direction's byte stream
	Wire      []byte // as on the wire, header included
	Encrypted bool
	Plaintext []byte // the fragment, decrypted; of TLS 1.3 without type and padding
	Epoch     handshake.Epoch
	Inner     tlsmsg.ContentType // the type of what it holds, which TLS 1.3 encrypts; 0: unknown
	Padding   int                // of TLS 1.3, in bytes
	Missing   int                // octets at its end that are missing from the capture and from Wire
}

// End is the offset after the record's last byte in the byte stream.
func (r *Record) End() int64 { return r.Offset + int64(len(r.Wire)+r.Missing) }

// A Message is one TLS message: a handshake message, or the content of a
// ChangeCipherSpec, Alert or application-data record.
type Message struct {
	Content   tlsmsg.ContentType
	Type      tlsmsg.HandshakeType // of a handshake message
	Raw       []byte               // decrypted, the handshake header included
	Encrypted bool
	Sealed    bool // it could not be decrypted here: Raw is a record's fragment as on the wire
	// MeansNothing marks a ChangeCipherSpec that changes no keys.
	MeansNothing bool
	Offset, End  int64          // in its direction's byte stream: the records that carry it
	Context      tlsmsg.Context // what decoding it depends on
	Decompressed bool           // it was sent as a CompressedCertificate
	Inner        []byte         // the ClientHello that is encrypted in this one, whole; nil: none, or it is not known
}

// A Decision is something that a machine, the link or the guard decided or
// noticed, and why.
type Decision struct {
	Name string // stable identifier in snake_case, for programs
	Text string // a sentence for people; may hold text from the network
	// Event is the value that the decision was made from, a tcb.Event or a
	// handshake.Event with absolute sequence numbers, or nil.
	Event any
}

// A Secret is one line of a key log, which decrypts the connection.
type Secret struct {
	Label                string
	ClientRandom, Secret []byte
}

// A Transcript is what was kept of one connection.
type Transcript struct {
	Entries []*Entry
	Secrets []Secret
	// PreMaster is what the master secret was derived from, if this side did
	// that. No key log holds it.
	PreMaster []byte
	// Truncated says that the recorder's limit was reached: except for the
	// result, entries after the decision "transcript_full" are missing.
	Truncated bool
}

// Frames returns the frames in order, including kernel-sent RSTs and packets
// that are not segments.
func (t *Transcript) Frames() []*Frame {
	var frames []*Frame
	for _, e := range t.Entries {
		if f := e.Frame; f != nil && (len(frames) == 0 || f.Number > frames[len(frames)-1].Number) {
			frames = append(frames, f)
		}
	}
	return frames
}

// Carriers returns the frames of one direction that hold bytes of its stream
// between from and end (exclusive), including retransmissions.
func (t *Transcript) Carriers(dir Dir, from, end int64) []*Frame {
	var frames []*Frame
	for _, f := range t.Frames() {
		if f.Dir == dir && !f.KernelSent && f.Stream.Start < end && from < f.Stream.End {
			frames = append(frames, f)
		}
	}
	return frames
}

// Result returns the result, or nil while there is none.
func (t *Transcript) Result() *Result {
	if n := len(t.Entries); n > 0 {
		return t.Entries[n-1].Result
	}
	return nil
}
