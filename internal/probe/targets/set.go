// Sets of addresses.

package targets

import (
	"net/netip"
	"slices"
)

// An interval is a run of addresses, both ends included.
type interval struct{ first, last number }

// A Set is a set of addresses: intervals in order, with gaps between them. The
// zero value is empty.
type Set struct{ runs []interval }

// Contains reports whether an address is in the set.
func (s *Set) Contains(a netip.Addr) bool {
	n := numberOf(a)
	i := s.search(n)
	return i < len(s.runs) && !n.less(s.runs[i].first)
}

// Empty reports whether there is nothing in the set.
func (s *Set) Empty() bool { return len(s.runs) == 0 }

// search is the index of the first run that ends at n or later.
func (s *Set) search(n number) int {
	i, _ := slices.BinarySearchFunc(s.runs, n, func(r interval, n number) int {
		if r.last.less(n) {
			return -1
		}
		return 1
	})
	return i
}

// Add puts a range of addresses into the set.
func (s *Set) Add(r Range) { s.add(r.interval()) }

func (s *Set) add(r interval) {
	from := 0
	if r.first != (number{}) {
		from = s.search(r.first.prev()) // one that ends right before it is joined
	}
	to := from
	for ; to < len(s.runs); to++ {
		if r.last != lastNumber && r.last.next().less(s.runs[to].first) {
			break
		}
		r.first, r.last = lesser(r.first, s.runs[to].first), greater(r.last, s.runs[to].last)
	}
	s.runs = slices.Replace(s.runs, from, to, r)
}

// without is what is in s and not in t.
func (s *Set) without(t *Set) *Set {
	var out Set
	for _, r := range s.runs {
		rest, some := r, true
		for i := t.search(r.first); some && i < len(t.runs) && !r.last.less(t.runs[i].first); i++ {
			cut := t.runs[i]
			if rest.first.less(cut.first) {
				out.runs = append(out.runs, interval{rest.first, cut.first.prev()})
			}
			if some = cut.last.less(rest.last); some {
				rest.first = greater(cut.last.next(), rest.first)
			}
		}
		if some {
			out.runs = append(out.runs, rest)
		}
	}
	return &out
}

// and is what is in both.
func (s *Set) and(t *Set) *Set {
	var out Set
	for _, r := range s.runs {
		for i := t.search(r.first); i < len(t.runs) && !r.last.less(t.runs[i].first); i++ {
			out.runs = append(out.runs, interval{greater(r.first, t.runs[i].first), lesser(r.last, t.runs[i].last)})
		}
	}
	return &out
}

// Count is how many addresses there are, or false if they are more than 2^63.
func (s *Set) Count() (total uint64, ok bool) {
	for _, r := range s.runs {
		d := r.last.minus(r.first)
		if d.hi > 0 || d.lo >= maxCount || total+d.lo+1 > maxCount {
			return 0, false
		}
		total += d.lo + 1
	}
	return total, true
}

const maxCount = 1 << 63

func lesser(a, b number) number {
	if a.less(b) {
		return a
	}
	return b
}

func greater(a, b number) number {
	if a.less(b) {
		return b
	}
	return a
}
