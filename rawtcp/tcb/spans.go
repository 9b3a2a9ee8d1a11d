// Sets of sequence numbers, as runs.

package tcb

import "github.com/rawshake/rawshake/rawtcp/wire"

// A span is a run of sequence numbers: left is the first, right the one after
// the last.
type span struct{ left, right wire.Seq }

func (s span) len() int { return s.right.Minus(s.left) }

// spans are runs in sequence order, with a gap between any two.
type spans []span

// add joins s into the set. It returns false, and changes nothing, if that
// would need more than limit runs.
func (p *spans) add(s span, limit int) bool {
	set := *p
	i := 0
	for i < len(set) && set[i].right.Less(s.left) {
		i++
	}
	j := i // set[i:j] touch s, and become one run with it
	for j < len(set) && set[j].left.LessEq(s.right) {
		s.left, s.right = earlier(s.left, set[j].left), later(s.right, set[j].right)
		j++
	}
	switch {
	case i < j:
		set[i] = s
		*p = append(set[:i+1], set[j:]...)
	case len(set) >= limit:
		return false
	default:
		set = append(set, span{})
		copy(set[i+1:], set[i:])
		set[i] = s
		*p = set
	}
	return true
}

// cut removes everything before seq.
func (p *spans) cut(seq wire.Seq) {
	set, i := *p, 0
	for i < len(set) && set[i].right.LessEq(seq) {
		i++
	}
	if i > 0 {
		set = append(set[:0], set[i:]...)
	}
	if len(set) > 0 {
		set[0].left = later(set[0].left, seq)
	}
	*p = set
}

// gapAt returns the first run of sequence numbers at or after from, and before
// to, that the set lacks. It is empty when there is none.
func (p spans) gapAt(from, to wire.Seq) span {
	for _, s := range p {
		if to.LessEq(from) || from.Less(s.left) {
			break
		}
		from = later(from, s.right)
	}
	if to.LessEq(from) {
		return span{to, to}
	}
	for _, s := range p {
		if from.LessEq(s.left) {
			return span{from, earlier(to, s.left)}
		}
	}
	return span{from, to}
}

// within returns how many sequence numbers from left up to right are in the
// set.
func (p spans) within(left, right wire.Seq) int {
	n := 0
	for _, s := range p {
		if a, b := later(s.left, left), earlier(s.right, right); a.Less(b) {
			n += b.Minus(a)
		}
	}
	return n
}

func earlier(a, b wire.Seq) wire.Seq {
	if b.Less(a) {
		return b
	}
	return a
}

func later(a, b wire.Seq) wire.Seq {
	if a.Less(b) {
		return b
	}
	return a
}
