// Splits a direction's octets into TLS records and messages, also around gaps.

package observe

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

const (
	// maxMessage bounds a handshake message, as in our own connections.
	maxMessage = 128 << 10
	// maxMarks bounds how many frames are remembered for one unfinished record,
	// and maxMarked their bytes.
	maxMarks  = 4096
	maxMarked = 1 << 20
)

// half is one direction's record layer.
type half struct {
	buf    []byte // in order, from offset on
	base   int64  // of buf[0] in the stream
	marks  []mark // the frames that brought buf, by offset
	marked int    // bytes of these frames

	wrap      wrapped
	tls       bool  // it has begun
	told      int64 // end of the octets that records and remarks cover
	skip      int64 // octets left of a record that lies partly in a gap
	resync    bool  // the next record's beginning is not known
	given     bool  // given up: this is not TLS
	any       bool  // there was a record
	passed    int64 // octets skipped to find it
	uncertain int   // records that may have been lost in a gap

	encrypted bool         // ChangeCipherSpec went by
	state     *suite.State // nil: cannot be decrypted
	broken    bool         // a failed decryption was reported
	half13

	messages   tlsmsg.Assembler
	began      int64             // offset of the record in which the current message begins
	first      *transcript.Frame // the frame that brought that record
	alert      []byte            // half of one
	alertBegan int64             // offset of its record
	finished   bool              // a Finished, or what must be one, was seen
}

// A mark says which frame brought the octets from an offset on.
type mark struct {
	at    int64
	frame *transcript.Frame
}

// append adds octets that f released: by bringing them, by filling the hole
// before them, or by bringing what they answer.
func (c *Connection) append(h *half, p chunk, f *transcript.Frame) {
	if h.given {
		return
	}
	if f.Dir != p.frame.Dir {
		f = p.frame
	}
	data, start := p.data, p.start
	if h.skip > 0 {
		n := min(h.skip, int64(len(data)))
		h.skip -= n
		c.recorder.Octets(f, &transcript.Octets{Why: "unplaced", Offset: start, End: start + n})
		data, start = data[n:], start+n
	}
	if len(h.buf) == 0 {
		h.base = start
		h.unmark(len(h.marks))
	}
	if len(h.marks) < maxMarks && h.marked < maxMarked {
		h.marks = append(h.marks, mark{start, f})
		h.marked += len(f.Raw)
	}
	if h.wrap.on {
		c.unwrap(h, f, data, start)
		return
	}
	h.buf = append(h.buf, data...)
}

// frameAt returns the frame that brought an octet.
func (h *half) frameAt(offset int64) *transcript.Frame {
	frame := h.marks[0].frame
	for _, m := range h.marks {
		if m.at > offset {
			break
		}
		frame = m.frame
	}
	return frame
}

func (h *half) drop(n int) {
	h.buf = h.buf[n:]
	h.base += int64(n)
	h.crossed()
	for len(h.marks) > 1 && h.marks[1].at <= h.base {
		h.unmark(1)
	}
	if len(h.buf) == 0 {
		h.buf = nil
	}
}

// unmark drops the first n marks.
func (h *half) unmark(n int) {
	for _, m := range h.marks[:n] {
		h.marked -= len(m.frame.Raw)
	}
	h.marks = h.marks[n:]
}

// records splits off the whole records of a direction. f is the current frame.
func (c *Connection) records(dir transcript.Dir, h *half, f *transcript.Frame) {
	for !h.given && len(h.buf) > 0 {
		if !h.tls && !c.begins(dir, h, f) {
			return
		}
		if h.resync && !c.resynchronize(dir, h, f) {
			return
		}
		rec, n, err := tlsmsg.NextRecord(h.buf)
		if err != nil {
			c.notTLS(dir, h, f, err)
			return
		}
		if n == 0 {
			return
		}
		at := h.frameAt(h.offset(n - 1))
		if dir == transcript.Out {
			at = h.frameAt(h.base)
		}
		event := handshake.RecordEvent{Dir: directionOf(dir), Type: rec.Type, Version: rec.Version,
			Offset: h.base, Wire: bytes.Clone(h.buf[:n])}
		if c.record(dir, h, at, &event); !h.given { // else there is nothing left
			h.drop(n)
			h.told = h.base
		}
	}
}

// notTLS ends the decoding of a direction.
func (c *Connection) notTLS(dir transcript.Dir, h *half, f *transcript.Frame, err error) {
	h.given, h.buf, h.marks = true, nil, nil
	var not *tlsmsg.NotTLSError
	if errors.As(err, &not) && !h.any {
		c.ending.notTLS = fmt.Sprintf("what the %s says is %v", sideOf(dir), err)
		c.remark(f, transcript.TCP, "not_tls", fmt.Sprintf("the %s does not speak TLS here: %v", sideOf(dir), err))
		return
	}
	c.remark(f, transcript.TLS, "not_a_record", fmt.Sprintf("what the %s sends from here on is no TLS record: %v", sideOf(dir), err))
}

// record handles one whole record.
func (c *Connection) record(dir transcript.Dir, h *half, at *transcript.Frame, e *handshake.RecordEvent) {
	fragment := e.Wire[tlsmsg.RecordHeaderLen:]
	c.shared.any, h.any = true, true
	e.Encrypted = c.isEncrypted(h, e.Type, fragment, len(fragment))
	plaintext, ok := fragment, true
	if e.Encrypted {
		plaintext, ok = c.open(dir, h, at, e)
	}
	if ok {
		e.Plaintext = bytes.Clone(plaintext)
		if e.Inner == 0 {
			e.Inner = e.Type
		}
	}
	c.recorder.Observed(at, *e)
	if !ok {
		c.recorder.Sealed(at, e, bytes.Clone(fragment))
		c.sealed(dir, h, at, e)
		return
	}
	c.content(dir, h, at, e, e.Plaintext)
}

// isEncrypted reports whether a record is protected. In TLS 1.3 its type says
// so; in older versions a ChangeCipherSpec before it does, if it was seen. The
// fragment, of size bytes, may be cut.
func (c *Connection) isEncrypted(h *half, typ tlsmsg.ContentType, fragment []byte, size int) bool {
	switch {
	case c.shared.version >= tlsmsg.VersionTLS13:
		return typ == tlsmsg.ContentApplicationData
	case h.encrypted, typ == tlsmsg.ContentApplicationData: // before a ServerHello, early data of TLS 1.3
		return true
	case (c.shared.haveClientHello || c.shared.haveServerHello) && !c.shared.incomplete:
		return false
	}
	// The beginning of the connection, or a part of it, is missing.
	switch typ {
	case tlsmsg.ContentHandshake:
		return !h.messages.Pending() && !plausible(fragment)
	case tlsmsg.ContentAlert:
		return size != 2
	}
	return false
}

// plausible reports whether a fragment may begin a handshake message in the
// clear: it has a known type and a possible length.
func plausible(b []byte) bool {
	if len(b) < tlsmsg.HeaderLen || tlsmsg.New(tlsmsg.HandshakeType(b[0])) == nil {
		return false
	}
	return int(b[1])<<16|int(b[2])<<8|int(b[3]) <= maxMessage
}

// content passes a record's content on by its type, as the machines do.
func (c *Connection) content(dir transcript.Dir, h *half, at *transcript.Frame, e *handshake.RecordEvent, plaintext []byte) {
	if e.Inner != tlsmsg.ContentHandshake {
		if e.Inner == tlsmsg.ContentApplicationData && len(plaintext) == 0 {
			return
		}
		if e.Inner == tlsmsg.ContentAlert && len(plaintext) > 0 {
			c.alerts(dir, h, at, e, plaintext)
			return
		}
		c.message(at, e.Inner, 0, plaintext, e.Encrypted, e.Offset, e.Offset+int64(len(e.Wire)))
		c.otherContent(dir, h, at, e.Inner, plaintext)
		return
	}
	if !h.messages.Pending() {
		h.began, h.first = e.Offset, at
	}
	h.messages.Write(plaintext)
	for {
		raw, err := h.messages.Next()
		if err != nil {
			h.given, h.buf = true, nil
			c.remark(at, transcript.TLS, "not_a_message", fmt.Sprintf("the %s's handshake messages cannot be followed any further: %v", sideOf(dir), err))
			return
		}
		if raw == nil {
			return
		}
		frame := at
		if dir == transcript.Out {
			frame = h.first
		}
		c.message(frame, e.Inner, tlsmsg.HandshakeType(raw[0]), raw, e.Encrypted, h.began, e.Offset+int64(len(e.Wire)))
		c.handshakeMessage(dir, h, frame, raw)
	}
}

// alertLen is an alert's length: a level and a description.
const alertLen = 2

// alerts handles each alert in a record. The last one may continue in the next
// record of this type (RFC 5246, section 6.2.1).
func (c *Connection) alerts(dir transcript.Dir, h *half, at *transcript.Frame, e *handshake.RecordEvent, plaintext []byte) {
	from, to := e.Offset, e.Offset+int64(len(e.Wire))
	if len(h.alert) > 0 {
		from, plaintext, h.alert = h.alertBegan, append(h.alert, plaintext...), nil
	}
	for ; len(plaintext) >= alertLen; plaintext = plaintext[alertLen:] {
		c.message(at, e.Inner, 0, plaintext[:alertLen], e.Encrypted, from, to)
		c.otherContent(dir, h, at, e.Inner, plaintext[:alertLen])
		from = e.Offset
	}
	if len(plaintext) > 0 {
		h.alert, h.alertBegan = bytes.Clone(plaintext), from
	}
}

func (c *Connection) message(f *transcript.Frame, content tlsmsg.ContentType, typ tlsmsg.HandshakeType, raw []byte, encrypted bool, from, to int64) {
	c.recorder.Observed(f, handshake.MessageEvent{Dir: directionOf(f.Dir), Content: content, Type: typ,
		Raw: bytes.Clone(raw), Encrypted: encrypted, Offset: from, End: to, Context: c.shared.context,
		MeansNothing: c.meansNothing(f.Dir, content)})
}

// gap skips octets that the capture does not hold.
func (c *Connection) gap(dir transcript.Dir, h *half, p chunk, f *transcript.Frame) {
	c.ending.gaps++
	if c.streams[dir].snapped {
		if !c.saidSnapped {
			c.saidSnapped = true
			c.remark(f, transcript.TCP, "snap_length", "the capture keeps only the beginning of each frame (a snap length): TLS shows as far as that goes. To see it all, capture with tcpdump -s 0")
		}
	} else {
		c.remark(f, transcript.TCP, "gap", fmt.Sprintf("%d bytes of the %s are missing from the capture, from byte %d of its stream on", p.missing, sideOf(dir), p.start))
	}
	h.told = p.start + p.missing
	h.wrap = wrapped{}
	if h.given {
		return
	}
	if !h.tls {
		c.opening.tentative = c.opening.tentative && dir == transcript.In
		c.say(dir, h, len(h.buf), "preamble")
	}
	lost := p.missing
	if n := recordLength(h.buf); n > 0 { // its header tells how much of the gap belongs to it
		c.cut(dir, h)
		rest := int64(n) - int64(len(h.buf))
		h.skip = max(0, rest-lost)
		lost -= min(lost, rest)
		h.uncertain++
	} else if len(h.buf) > 0 {
		lost = max(lost, 1)
		h.uncertain++
	}
	h.drop(len(h.buf))
	h.messages = tlsmsg.Assembler{MaxMessage: maxMessage}
	h.alert = nil
	if lost > 0 {
		h.resync = true
		h.uncertain += maxLostRecords
	}
	h.uncertain = min(h.uncertain, maxUncertain)
	c.shared.incomplete = true
}

// cut handles the beginning of a record whose rest is missing.
func (c *Connection) cut(dir transcript.Dir, h *half) {
	b := bytes.Clone(h.buf)
	n, typ := recordLength(b), tlsmsg.ContentType(b[0])
	fragment := b[tlsmsg.RecordHeaderLen:]
	e := handshake.RecordEvent{Dir: directionOf(dir), Type: typ, Version: tlsmsg.Version(b[1])<<8 | tlsmsg.Version(b[2]),
		Offset: h.base, Wire: b, Encrypted: c.isEncrypted(h, typ, fragment, n-tlsmsg.RecordHeaderLen)}
	if !e.Encrypted {
		e.Plaintext = fragment
	}
	c.shared.any, h.any = true, true
	if typ == tlsmsg.ContentApplicationData {
		c.ending.data = true
	}
	c.recorder.Cut(h.frameAt(h.base), &e, n-len(b))
}

// recordLength is the length of the record that b begins, or 0.
func recordLength(b []byte) int {
	if len(b) < tlsmsg.RecordHeaderLen {
		return 0
	}
	return tlsmsg.RecordHeaderLen + int(b[3])<<8 + int(b[4])
}

// maxResync bounds what is kept to find the next record in.
const maxResync = 2 * (tlsmsg.RecordHeaderLen + tlsmsg.MaxCiphertext)

// resynchronize looks for the next credible record. One that begins with a
// segment, as most do, needs a possible header; anywhere else, the header of
// the next record must follow it as well.
func (c *Connection) resynchronize(dir transcript.Dir, h *half, f *transcript.Frame) bool {
	at, marks := 0, h.marks
	for ; at < len(h.buf); at++ {
		for len(marks) > 0 && marks[0].at < h.base+int64(at) {
			marks = marks[1:]
		}
		boundary := len(marks) > 0 && marks[0].at == h.base+int64(at)
		stands, wait := standsUp(h.buf[at:], boundary)
		if stands {
			c.resumeAt(dir, h, f, at)
			return true
		}
		if wait && len(h.buf)-at <= maxResync {
			break
		}
	}
	h.passed += int64(at)
	c.say(dir, h, at, "unplaced")
	return false
}

// resumeAt follows records again from an octet of the buffer on.
func (c *Connection) resumeAt(dir transcript.Dir, h *half, f *transcript.Frame, at int) {
	passed := h.passed + int64(at)
	c.say(dir, h, at, "unplaced")
	h.resync, h.passed = false, 0
	if dir == transcript.Out || !c.ending.syn {
		c.opening.begun = true
	}
	if passed == 0 {
		return
	}
	c.remark(f, transcript.TLS, "resynchronized", fmt.Sprintf("%d bytes of the %s are passed over, a part of a record of which the beginning is missing from the capture: the next record that stands up begins at byte %d of its stream",
		passed, sideOf(dir), h.base))
}

// standsUp reports whether b begins with a credible record: one with a possible
// header and, unless a segment begins there, with another such header or
// nothing after it. wait says that more octets are needed to tell.
func standsUp(b []byte, boundary bool) (stands, wait bool) {
	if !mayBeRecord(b) {
		return false, false
	}
	n := recordLength(b)
	switch {
	case n == 0:
		return false, true
	case boundary:
		return true, false
	case len(b) < n+tlsmsg.RecordHeaderLen:
		return false, len(b) <= n || mayBeRecord(b[n:])
	}
	return mayBeRecord(b[n:]), false
}

// mayBeRecord reports whether b, as far as it goes, begins like a record of a
// version in use.
func mayBeRecord(b []byte) bool {
	known := func(i int, low, high byte) bool { return len(b) <= i || low <= b[i] && b[i] <= high }
	return known(0, byte(tlsmsg.ContentChangeCipherSpec), byte(tlsmsg.ContentApplicationData)) && known(1, 3, 3) && known(2, 0, 4) &&
		(len(b) < tlsmsg.RecordHeaderLen || recordLength(b) <= tlsmsg.RecordHeaderLen+tlsmsg.MaxCiphertext && recordLength(b) > tlsmsg.RecordHeaderLen)
}
