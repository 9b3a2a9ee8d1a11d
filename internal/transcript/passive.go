// Records a connection that others made, from a capture.

package transcript

import (
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// NewObserver returns a recorder for a connection that others made: Out is what
// its client sent, and In what its server sent. Captured and Observed take the
// place of Packet and TLS.
func NewObserver(limit int, listener func(*Entry)) *Recorder {
	r := NewRecorder(limit, listener)
	r.passive = true
	return r
}

// StrictChecksums leaves segments with a wrong checksum out of the streams, as
// a receiver does.
func (r *Recorder) StrictChecksums() { r.strict = true }

// Listen changes the listener, from the next entry on.
func (r *Recorder) Listen(listener func(*Entry)) { r.listener = listener }

// AlsoTell adds a listener, which is called after the existing one.
func (r *Recorder) AlsoTell(listener func(*Entry)) {
	first := r.listener
	r.listener = func(e *Entry) {
		if first != nil {
			first(e)
		}
		listener(e)
	}
}

// A Sighting is a frame as a capture holds it.
type Sighting struct {
	Number int // in the capture
	At     time.Duration
	Dir    Dir
	Link   wire.LinkType
	Raw    []byte // from the frame's first byte on
	Packet []byte // of Raw, from the IP header on
	Behind int    // octets of Raw behind Packet
	Lost   int    // octets at the frame's end that the capture left out
}

// Captured records a frame of a capture, and copies it.
func (r *Recorder) Captured(s *Sighting) *Frame {
	raw := append([]byte(nil), s.Raw...)
	f := &Frame{Number: s.Number, At: s.At, Dir: s.Dir, Link: s.Link, Raw: raw, captured: true, taken: !r.strict}
	end := len(raw) - s.Behind
	f.Packet = raw[end-len(s.Packet) : end]
	f.Cut = missing(f.Packet, s.Lost)
	f.parse()
	offloaded := f.IP.Unsized || f.offloaded()
	f.BadChecksum = f.BadChecksum && !offloaded
	f.Offloaded = f.Offloaded || offloaded
	f.Twice = r.seenTwice(f)
	return r.frame(f)
}

// Peek decodes a captured packet without recording it. The frame aliases the
// packet, and checksums are not verified.
func Peek(packet []byte) Frame {
	f := Frame{Raw: packet, Packet: packet, Cut: missing(packet, 0), captured: true}
	var p wire.Packet
	f.read(&p)
	return f
}

// Observed records TLS of either direction, with the frame at which a view
// shows it.
func (r *Recorder) Observed(f *Frame, event handshake.Event) {
	r.learned.tls = true
	at := f.At
	switch e := event.(type) {
	case handshake.RecordEvent:
		entry := recordEntry(&e)
		r.add(placed(entry, f), entry.size())
	case handshake.MessageEvent:
		entry := messageEntry(&e)
		r.add(placed(entry, f), entry.size())
		r.noteHello(at, &e)
	default:
		r.TLS(at, event)
	}
}

// Cut records a TLS record of which the capture holds only the beginning,
// e.Wire.
func (r *Recorder) Cut(f *Frame, e *handshake.RecordEvent, missing int) {
	r.learned.tls = true
	entry := recordEntry(e)
	entry.Record.Missing = missing
	r.add(placed(entry, f), entry.size())
}

// Sealed records a TLS record that cannot be decrypted.
func (r *Recorder) Sealed(f *Frame, e *handshake.RecordEvent, fragment []byte) {
	r.add(placed(&Entry{Type: TypeMessage, Message: &Message{
		Content: e.Type, Raw: fragment, Encrypted: true, Sealed: true, Offset: e.Offset, End: e.Offset + int64(len(e.Wire)),
	}}, f), len(fragment))
}

func placed(e *Entry, f *Frame) *Entry {
	e.At, e.Dir, e.Layer, e.Frame = f.At, f.Dir, TLS, f
	return e
}

// Octets records octets from f that are not TLS.
func (r *Recorder) Octets(f *Frame, o *Octets) {
	r.add(&Entry{At: f.At, Dir: f.Dir, Layer: TCP, Type: TypeOctets, Frame: f, Octets: o}, len(o.Raw))
}

// Captured reports whether a frame comes from a capture.
func (f *Frame) Captured() bool { return f.captured }

// Remark records something that was noticed about a frame.
func (r *Recorder) Remark(f *Frame, layer Layer, name, text string) {
	r.decide(f.At, Local, layer, f, &Decision{Name: name, Text: text})
}

// Judged records what an observer found out about a frame, with the value that it is
// made from.
func (r *Recorder) Judged(f *Frame, layer Layer, name, text string, event any) {
	r.decide(f.At, Local, layer, f, &Decision{Name: name, Text: text, Event: event})
}

// missing is how many octets of an IP packet its capture left out, by its
// header or by what the frame has lost.
func missing(packet []byte, lost int) int {
	total := wire.ToldLength(packet)
	if total == 0 {
		return min(lost, maxUnsized)
	}
	return max(0, min(total-len(packet), maxUnsized))
}

// maxUnsized bounds a packet that states no length, or one beyond 64 KiB.
const maxUnsized = 1 << 18

// extended is b with zeros in place of what was cut off.
func (f *Frame) extended(b []byte) []byte {
	if f.Cut == 0 {
		return b
	}
	return append(b[:len(b):len(b)], make([]byte, f.Cut)...)
}

// guess takes the next octet's number for the first, if a capture does not hold
// the beginning. A later SYN corrects it.
func (h *half) guess(next wire.Seq) {
	if !h.known {
		h.isn, h.known = next.Add(-1), true
	}
}

// Payload is the part of the segment's payload that the capture holds: all of
// it, unless the frame was cut.
func (f *Frame) Payload() []byte {
	p := f.Segment.Payload
	return p[:max(0, len(p)-f.Cut)]
}

// offloaded reports whether the checksum is what a kernel leaves for the
// network card to complete: the sum of the pseudo-header, or zero.
func (f *Frame) offloaded() bool {
	s, h := f.Segment, &f.IP
	if s == nil || f.Whole != nil {
		return false
	}
	return s.Checksum == 0 && f.BadChecksum || s.Checksum == wire.PseudoTCPChecksum(h.TotalLength-h.HeaderLen(), h.Src, h.Dst)
}
