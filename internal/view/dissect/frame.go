// The tree of one frame, through all layers.

package dissect

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// Frame returns a frame with everything that is known about it: the tree of its
// headers and, in place of the payload, the records of its part of the stream.
func (a *Anatomy) Frame(f *transcript.Frame) *Specimen {
	s := &Specimen{Frame: f, Data: f.Raw, Situation: a.seen.of(f)}
	s.Tree, s.Err = f.Tree()
	whole(s.Tree, len(s.Data), s.Err)
	if f.Segment == nil || f.Dir > transcript.In || f.Stream.Len() == 0 || f.Whole != nil || f.Discarded() {
		return s
	}
	if payload := payloadOf(s.Tree); payload != nil && payload.Length <= int(f.Stream.Len()) {
		a.streams[f.Dir].open(payload, f, a.suite, a.etm)
	}
	return s
}

// whole makes a last leaf of the bytes that a decoder did not read.
func whole(tree *field.Node, size int, err error) {
	next := 0
	for leaf := range tree.Leaves() {
		next = max(next, leaf.Offset+leaf.Length)
	}
	if next < size {
		meaning := ""
		if err != nil {
			meaning = err.Error()
		}
		tree.Children = append(tree.Children, &field.Node{Name: "undecoded", Index: -1, Kind: field.Bytes,
			Offset: next, Length: size - next, Meaning: meaning})
	}
}

// payloadOf finds the leaf that is a TCP segment's payload.
func payloadOf(n *field.Node) *field.Node {
	for _, child := range n.Children {
		if child.Name == "TCP" && child.Kind == field.Group {
			return child.Find("payload")
		}
		if found := payloadOf(child); found != nil {
			return found
		}
	}
	return nil
}

// open puts records into a payload that holds a span of the stream.
func (s *stream) open(payload *field.Node, f *transcript.Frame, cipher *suite.Suite, etm bool) {
	span := f.Stream
	lo, hi := payload.Offset, payload.Offset+payload.Length
	var inside []*field.Node
	records := s.between(span.Start, span.End)
	if r := s.unfinished(); r != nil && r.Offset < span.End && r.End() > span.Start {
		r.suite, r.etm = cipher, etm
		records = append(slices.Clip(records), r)
	}
	for _, r := range records {
		if !r.agrees(f) {
			payload.Name, payload.Meaning = "other_bytes", otherBytes
			return
		}
		if n := place(r.wireTree(s), lo+int(r.Offset-span.Start), lo, hi); n != nil {
			inside = append(inside, n)
		}
	}
	for i := s.firstOther(span.Start); i < len(s.others) && s.others[i].Offset < span.End; i++ {
		o := &s.others[i]
		from, to := max(o.Offset, span.Start), min(o.End, span.Start+int64(payload.Length))
		if from < to {
			inside = append(inside, &field.Node{Name: otherNames[o.Why], Index: -1, Kind: field.Bytes, Meaning: meaningOf(o, f, from, to),
				Offset: lo + int(from-span.Start), Length: int(to - from)})
		}
	}
	slices.SortStableFunc(inside, func(a, b *field.Node) int { return a.Offset - b.Offset })
	rest, meaning := "unplaced", unplaced
	if s.over && !f.Captured() && span.End > s.next {
		rest, meaning = "unread", unread
	}
	switch {
	case s.foreign:
		payload.Name = "application_data"
	case len(inside) == 1 && inside[0].Kind == field.Bytes && inside[0].Length == payload.Length:
		payload.Name, payload.Meaning = inside[0].Name, inside[0].Meaning
	case len(s.records) == 0 && len(inside) == 0:
		payload.Name = "data"
	case len(inside) == 0:
		payload.Name, payload.Meaning = rest, meaning
	default:
		number(inside)
		replace(payload, "payload", inside)
		fill(payload, lo, hi, rest, meaning)
	}
}

// agrees reports whether a frame holds the record's own bytes, as far as it
// holds any: the same place may have been sent with different ones.
func (r *record) agrees(f *transcript.Frame) bool {
	p, start := f.Payload(), f.Stream.Start
	lo, hi := max(start, r.Offset), min(start+int64(len(p)), r.Offset+int64(len(r.Wire)))
	return lo >= hi || bytes.Equal(p[lo-start:hi-start], r.Wire[lo-r.Offset:hi-r.Offset])
}

// otherBytes describes a payload that differs from the stream.
const otherBytes = "not what the stream holds in this place: another segment's bytes count"

// unplaced describes bytes of records whose beginning is lost.
const unplaced = "a part of a record; what stands before it was not captured, and so nobody can tell what it is"

// unread describes what came when nobody read it.
const unread = "what came after this side had given up, with a fatal alert: nobody has read it"

// wrapper describes what surrounds TLS.
const wrapper = "the header of a TDS packet, which carries TLS as long as its handshake goes on"

// otherNames name octets that are not TLS, and otherMeanings describe them.
var (
	otherNames    = map[string]string{"preamble": "preamble", "unplaced": "unplaced", "foreign": "application_data", "wrapper": "tds_header"}
	otherMeanings = map[string]string{"unplaced": unplaced, "wrapper": wrapper}
)

// maxQuoted bounds what is quoted of what precedes TLS, in octets.
const maxQuoted = 400

// meaningOf describes octets that are not TLS. Those that precede it are quoted where
// they are text and hold no password.
func meaningOf(o *transcript.Octets, f *transcript.Frame, from, to int64) string {
	p := f.Payload()
	lo, hi := from-f.Stream.Start, min(to-f.Stream.Start, int64(len(p)))
	if o.Why != "preamble" || lo >= hi {
		return otherMeanings[o.Why]
	}
	text := p[lo:min(hi, lo+maxQuoted)]
	for _, b := range text {
		if (b < ' ' || b > '~') && b != '\r' && b != '\n' && b != '\t' {
			return ""
		}
	}
	if bytes.Contains(text, []byte("Authorization:")) {
		return ""
	}
	return strconv.Quote(string(text))
}

// number numbers records if there are several.
func number(records []*field.Node) {
	i := 0
	for _, n := range records {
		if len(records) > 1 && n.Kind == field.Group {
			n.Index = i
			i++
		}
	}
}

// Message returns one message as a specimen of its own, decrypted; f is the
// frame that completed it, or nil.
func (a *Anatomy) Message(f *transcript.Frame, m *transcript.Message) *Specimen {
	s := &Specimen{Frame: f, Message: m, Data: m.Raw, Situation: a.seen.ofMessage(m)}
	s.Tree, s.Err = m.Tree()
	return s
}

// Records returns the records that hold the bytes of a direction from start to
// end, as on the wire; nil if they are not known.
func (a *Anatomy) Records(dir transcript.Dir, start, end int64) *Specimen {
	stream := &a.streams[dir]
	s := &Specimen{Tree: &field.Node{Name: "payload", Index: -1, Kind: field.Group}}
	for _, r := range stream.between(start, end) {
		s.Tree.Children = append(s.Tree.Children, place(r.wireTree(stream), len(s.Data), 0, len(s.Data)+len(r.Wire)))
		s.Data = append(s.Data, r.Wire...)
		if r.first {
			s.Situation = "first-encrypted"
		}
	}
	if len(s.Data) == 0 {
		return nil
	}
	number(s.Tree.Children)
	s.Tree.Length = len(s.Data)
	return s
}
