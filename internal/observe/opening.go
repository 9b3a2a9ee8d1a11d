// Finds where TLS begins in a stream: SMTP asks for it by STARTTLS, a proxy by
// CONNECT. A stream that does not begin with a record is shown as text until
// the client sends a ClientHello. That counts at once if both sides have agreed
// on TLS (dialect.go); otherwise, since its bytes may be part of something
// else, only if the server answers as TLS does.

package observe

import (
	"bytes"
	"fmt"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

const (
	// maxSaid bounds what is kept of each side's last octets, to recognize the
	// dialect.
	maxSaid = 4 << 10
	// maxFirst bounds what is kept of the first octets.
	maxFirst = 64
	// maxPreamble bounds what is shown as text of each direction.
	maxPreamble = 64 << 10
	// maxTentative bounds what waits for the server to answer it as TLS.
	maxTentative = 64 << 10
	// maxLookups bounds how often that may be, and how many other records the
	// server may send before it does.
	maxLookups = 64
)

// opening is how TLS begins on a connection.
type opening struct {
	begun     bool // the client has sent a ClientHello, or the capture begins after it
	tentative bool // the client's last octets may be a ClientHello
	lookups   int  // how often the dialects were searched
	said      [2][]byte
	first     [2][]byte
	size      [2]int64 // octets before TLS
	silent    [2]bool  // too long to be shown

	asked  string // the dialect in which the client has asked for TLS last
	answer []byte // what the server has said to it, and is no yes
}

// begins looks for the first record of a direction. It reports whether the
// buffer begins with one.
func (c *Connection) begins(dir transcript.Dir, h *half, f *transcript.Frame) bool {
	o := &c.opening
	if o.size[dir] == 0 {
		record, wait := beginsRecord(h.buf)
		middle := h.resync || !c.ending.syn && !c.ending.synACK // the beginning is not in the capture
		switch {
		case wait:
			return false
		case record && (!middle || mayBeRecord(h.buf)):
			o.begun = o.begun || dir == transcript.Out || middle
			h.tls = true
			return true
		case middle && !isText(h.buf):
			h.resync, h.tls = true, true
			return true
		}
		if raw, n, ok := tlsmsg.V2ClientHello(h.buf); ok && dir == transcript.Out {
			return n > 0 && c.helloV2(h, raw, n)
		}
	}
	if dir == transcript.Out {
		return c.clientBegins(h, f)
	}
	return c.serverBegins(h, f)
}

// beginsRecord reports whether b begins with a record; wait says that b is too
// short to tell.
func beginsRecord(b []byte) (record, wait bool) {
	switch {
	case len(b) > 0 && (b[0] < byte(tlsmsg.ContentChangeCipherSpec) || b[0] > byte(tlsmsg.ContentHeartbeat)),
		len(b) > 1 && b[1] != 3:
		return false, false
	case len(b) < tlsmsg.RecordHeaderLen:
		return false, true
	}
	return true, false
}

// clientBegins looks for a ClientHello in what the client sends.
func (c *Connection) clientBegins(h *half, f *transcript.Frame) bool {
	o := &c.opening
	if o.tentative {
		if len(h.buf) > maxTentative {
			c.refuse(h)
		}
		return false
	}
	at, whole := findHello(h.buf)
	c.say(transcript.Out, h, at, "preamble")
	if !whole || len(h.buf) == 0 {
		return false
	}
	if o.lookups++; o.lookups > maxLookups {
		c.say(transcript.Out, h, len(h.buf), "preamble")
		return false
	}
	d, asked := agreed(o.said[0], o.said[1])
	switch {
	case d != nil:
		return c.accept(h, f, d.name)
	case !asked && isHTTP(o.first[0]) && !bytes.HasPrefix(o.first[0], []byte("CONNECT ")):
		c.say(transcript.Out, h, len(h.buf), "preamble")
		return false
	case !c.streams[transcript.Out].answered: // the capture has only this direction
		return c.accept(h, f, "")
	}
	o.tentative = true
	return false
}

// accept treats what the client sends from here on as TLS.
func (c *Connection) accept(h *half, f *transcript.Frame, dialect string) bool {
	o := &c.opening
	o.begun, o.tentative, h.tls = true, false, true
	c.dialect = dialect
	if dialect == tdsTLS {
		c.wrapTDS(f)
	}
	c.remark(f, transcript.TLS, "tls_begins", transcript.BeginsText(o.size[0], o.size[1], dialect))
	return true
}

// refuse treats what looked like a ClientHello as part of the protocol around
// it.
func (c *Connection) refuse(h *half) {
	c.opening.tentative = false
	c.say(transcript.Out, h, len(h.buf), "preamble")
}

// serverBegins looks for the server's answer to a ClientHello.
func (c *Connection) serverBegins(h *half, f *transcript.Frame) bool {
	o := &c.opening
	client := &c.halves[transcript.Out]
	if o.begun || o.tentative {
		record, wait := beginsRecord(h.buf)
		switch {
		case wait:
			return false
		case o.begun && record:
			h.tls = true
			return true
		case record && answersHello(h.buf):
			h.tls = c.accept(client, f, "")
			c.records(transcript.Out, client, f)
			return true
		}
	}
	before := o.size[transcript.In]
	if o.begun && o.size[transcript.Out] == 0 && before == 0 { // it was asked in TLS, and answers in another protocol
		c.say(transcript.In, h, len(h.buf), "preamble")
		c.notTLS(transcript.In, h, f, notTLS(o.first[transcript.In]))
		return false
	}
	c.say(transcript.In, h, len(h.buf), "preamble")
	if !o.tentative {
		return false
	}
	if o.lookups++; o.lookups > maxLookups {
		c.refuse(client)
		return false
	}
	switch d, asked := agreed(o.said[0], o.said[1]); {
	case d != nil: // it was sent before the server had agreed
		c.accept(client, f, d.name)
		c.records(transcript.Out, client, f)
	case !asked:
		c.refuse(client)
	}
	return false
}

// answersHello reports whether a server's record answers a ClientHello: by a
// ServerHello or an alert.
func answersHello(b []byte) bool {
	const hello, alert = byte(tlsmsg.ContentHandshake), byte(tlsmsg.ContentAlert)
	switch {
	case len(b) <= tlsmsg.RecordHeaderLen || b[2] > 4:
		return false
	case b[0] == hello:
		return b[tlsmsg.RecordHeaderLen] == byte(tlsmsg.TypeServerHello)
	}
	return b[0] == alert && recordLength(b) == tlsmsg.RecordHeaderLen+2 && (b[5] == 1 || b[5] == 2)
}

// findHello finds the first ClientHello in b, or what may become one at the end
// of b. whole says that enough of it is there to tell.
func findHello(b []byte) (at int, whole bool) {
	from := 0
	if n := proxy2Len(b); n > 0 && n < len(b) {
		from = n
	}
	for {
		i := bytes.IndexByte(b[from:], byte(tlsmsg.ContentHandshake))
		if i < 0 {
			return len(b), false
		}
		from += i
		if ok, all := looksLikeHello(b[from:]); ok {
			return from, all
		}
		from++
	}
}

// looksLikeHello reports whether b, as far as it goes, begins like a record
// with a ClientHello, and whether it is long enough to be sure.
func looksLikeHello(b []byte) (ok, all bool) {
	const record, message, least = tlsmsg.RecordHeaderLen, tlsmsg.HeaderLen, 38
	for i, allowed := range []func(byte) bool{
		func(v byte) bool { return v == byte(tlsmsg.ContentHandshake) }, func(v byte) bool { return v == 3 }, func(v byte) bool { return v <= 4 },
		func(v byte) bool { return v <= tlsmsg.MaxPlaintext>>8 }, func(byte) bool { return true },
		func(v byte) bool { return v == byte(tlsmsg.TypeClientHello) }, func(v byte) bool { return v <= maxMessage>>16 },
		func(byte) bool { return true }, func(byte) bool { return true },
		func(v byte) bool { return v == 3 }, func(v byte) bool { return v <= 4 },
	} {
		if i == len(b) {
			return true, false
		}
		if !allowed(b[i]) {
			return false, false
		}
	}
	inside := int(b[record+1])<<16 | int(b[record+2])<<8 | int(b[record+3])
	fragment := recordLength(b) - record
	return inside >= least && (inside+message == fragment || fragment == tlsmsg.MaxPlaintext || inside+message > fragment && fragment >= message), true
}

// say records the first n octets of a direction's buffer as no TLS, with the
// reason why.
func (c *Connection) say(dir transcript.Dir, h *half, n int, why string) {
	if n == 0 {
		return
	}
	o := &c.opening
	b := h.buf[:n]
	at := h.frameAt(h.base)
	octets := &transcript.Octets{Why: why, Offset: h.base, End: h.base + int64(n)}
	if why == "preamble" {
		if o.size[dir] < maxPreamble {
			octets.Raw = bytes.Clone(b)
		} else if !o.silent[dir] {
			o.silent[dir] = true
			c.remark(at, transcript.TCP, "preamble_long", fmt.Sprintf("no TLS in the first %d bytes of the %s: what follows is not shown as text", o.size[dir], sideOf(dir)))
		}
		o.size[dir] += int64(n)
		o.first[dir] = append(o.first[dir], b[:min(n, maxFirst-len(o.first[dir]))]...)
		o.said[dir] = append(o.said[dir], b[max(0, n-maxSaid):]...)
		o.said[dir] = bytes.Clone(o.said[dir][max(0, len(o.said[dir])-maxSaid):])
		o.follow(dir, b)
	}
	c.recorder.Octets(at, octets)
	h.drop(n)
	h.told = octets.End
}

// helloV2 takes a ClientHello in SSL 2.0's form (RFC 5246, appendix E.2).
func (c *Connection) helloV2(h *half, raw []byte, n int) bool {
	c.opening.begun, h.tls, h.any, c.shared.any = true, true, true, true
	f := h.frameAt(h.base)
	raw = bytes.Clone(raw)
	c.recorder.Observed(f, handshake.RecordEvent{Dir: handshake.Out, Type: tlsmsg.ContentHandshake, Version: tlsmsg.VersionSSL20,
		Offset: h.base, Wire: bytes.Clone(h.buf[:n]), Plaintext: raw})
	end := h.base + int64(n)
	context := tlsmsg.Context{Version: tlsmsg.VersionSSL20}
	c.recorder.Observed(f, handshake.MessageEvent{Dir: handshake.Out, Content: tlsmsg.ContentHandshake, Type: tlsmsg.TypeClientHello,
		Raw: raw, Offset: h.base, End: end, Context: context})
	c.remark(f, transcript.TLS, "ssl2_hello", "the client says hello in the form of SSL 2.0 (RFC 5246, appendix E.2): it cannot say extensions so, the server's name among them")
	h.drop(n)
	h.told = end
	c.shared.context = context
	c.handshakeMessage(transcript.Out, h, f, raw)
	c.shared.context = tlsmsg.Context{}
	return len(h.buf) > 0
}

// notTLS is the error for octets that do not begin a record.
func notTLS(b []byte) error {
	return &tlsmsg.NotTLSError{First: bytes.Clone(b[:min(len(b), 32)])}
}

// neverBegun says at the end which side never began TLS.
func (c *Connection) neverBegun() {
	o := &c.opening
	if o.tentative { // nobody answered it
		client := &c.halves[transcript.Out]
		if !isHTTP(o.first[0]) && len(client.buf) > 0 {
			c.accept(client, c.last, "")
			c.records(transcript.Out, client, c.last)
		}
	}
	c.notAgreed()
	for dir := range c.halves {
		h := &c.halves[dir]
		if h.resync && h.tls && !h.given && h.passed > 0 {
			c.remark(c.last, transcript.TLS, "no_record", fmt.Sprintf("no TLS record stands up in what the %s says from there on", sideOf(transcript.Dir(dir))))
		}
		if h.tls || h.given || o.size[dir] == 0 {
			continue
		}
		if c.ending.preamble != nil {
			continue
		}
		c.notTLS(transcript.Dir(dir), h, c.last, notTLS(o.first[dir]))
	}
}

// isText reports whether octets are mostly printable.
func isText(b []byte) bool {
	odd := 0
	for _, v := range b {
		if v < ' ' && v != '\n' && v != '\r' && v != '\t' || v >= 0x7f {
			odd++
		}
	}
	return odd*10 <= len(b)
}
