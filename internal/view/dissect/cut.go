// Records and messages of which a capture holds only the beginning.

package dissect

import (
	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
)

// maxMessage bounds a message that is decoded in part, as in our own
// connections.
const maxMessage = 128 << 10

// cutTree is the tree of a record of which only the beginning was captured, as
// far as its fields are there. The decoders read zeros in place of what is
// missing.
func (r *record) cutTree() *field.Node {
	wire := extend(r.Wire, r.Missing)
	tree, _ := tlsmsg.ExplainRecord(wire)
	content := tree.Find("fragment", "bytes")
	switch {
	case content == nil || content.Offset >= len(r.Wire):
	case r.Encrypted:
		r.protected(content, wire)
	case r.Type == tlsmsg.ContentHandshake && r.fresh:
		unwrap(tree, content, cutMessages(r.Wire, content.Offset))
	case r.Type == tlsmsg.ContentHandshake:
		content.Name, content.Meaning = "unplaced", unplaced
	default:
		inside, _ := tlsmsg.ExplainContent(r.Type, wire[content.Offset:], tlsmsg.Context{})
		unwrap(tree, content, []*field.Node{place(inside, content.Offset, 0, len(wire))})
	}
	tree.Clip(len(r.Wire))
	return tree
}

// cutMessages are the handshake messages from an offset in a record on; the
// last one is incomplete.
func cutMessages(wire []byte, at int) (inside []*field.Node) {
	for at < len(wire) {
		b := wire[at:]
		head := extend(b, max(0, tlsmsg.HeaderLen-len(b)))
		n := tlsmsg.HeaderLen + int(head[1])<<16 + int(head[2])<<8 + int(head[3])
		if n > maxMessage {
			return inside
		}
		tree, _ := tlsmsg.Explain(extend(b, max(0, n-len(b)))[:n], tlsmsg.Context{})
		tree.Clip(min(n, len(b)))
		inside = append(inside, place(tree, at, 0, at+n))
		at += n
	}
	return inside
}

// Begins returns the name of the handshake message that a frame holds the first
// bytes of, if its record goes on in later segments: "ClientHello"; or nothing.
func (a *Anatomy) Begins(f *transcript.Frame) string {
	if f.Segment == nil || f.Dir > transcript.In {
		return ""
	}
	r := a.streams[f.Dir].unfinished()
	if r == nil || r.Encrypted || r.Type != tlsmsg.ContentHandshake || !r.fresh || len(r.Wire) <= tlsmsg.RecordHeaderLen {
		return ""
	}
	if first := r.Offset + tlsmsg.RecordHeaderLen; first < f.Stream.Start || first >= f.Stream.End {
		return ""
	}
	return tlsmsg.HandshakeType(r.Wire[tlsmsg.RecordHeaderLen]).Heading()
}

func extend(b []byte, zeros int) []byte {
	return append(b[:len(b):len(b)], make([]byte, zeros)...)
}

// unfinished is the record in the middle of which a stream ends, or nil. The
// peer or the capture ended there.
func (s *stream) unfinished() *record {
	b := s.tail
	if _, n, err := tlsmsg.NextRecord(b); err != nil || n > 0 || len(b) < tlsmsg.RecordHeaderLen {
		return nil
	}
	r := &record{Record: &transcript.Record{
		Type: tlsmsg.ContentType(b[0]), Version: tlsmsg.Version(b[1])<<8 | tlsmsg.Version(b[2]), Offset: s.next, Wire: b,
		Missing: tlsmsg.RecordHeaderLen + int(b[3])<<8 + int(b[4]) - len(b),
	}, fresh: s.shaken == s.told}
	if n := len(s.records); n > 0 {
		last := s.records[n-1]
		r.Encrypted = last.Encrypted || last.Type == tlsmsg.ContentChangeCipherSpec
	}
	return r
}
