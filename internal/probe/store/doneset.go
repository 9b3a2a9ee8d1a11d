// A set of numbers that grows mostly from below.

package store

import (
	"math/bits"
)

// A doneSet is a set of numbers that grows mostly from below: all under base,
// and some beyond it, a bit each.
type doneSet struct {
	words []uint64 // of 64 numbers each, from first on
	first uint64   // a multiple of 64
	end   uint64   // after the highest that was added
}

func (d *doneSet) add(n uint64) {
	if n < d.first {
		return
	}
	for n >= d.first+64*uint64(len(d.words)) {
		d.words = append(d.words, 0)
	}
	d.words[(n-d.first)/64] |= 1 << (n % 64)
	d.end = max(d.end, n+1)
	full := 0
	for full < len(d.words) && d.words[full] == ^uint64(0) {
		full++
	}
	d.words, d.first = d.words[full:], d.first+64*uint64(full)
}

// base is the lowest number that is not in the set.
func (d *doneSet) base() uint64 {
	if len(d.words) == 0 {
		return d.first
	}
	return d.first + uint64(bits.TrailingZeros64(^d.words[0]))
}

// extent is the set as a checkpoint has it.
func (d *doneSet) extent() LoopExtent {
	e := LoopExtent{Base: d.base(), Head: max(d.end, d.base())}
	// Shifted so that the first bit is Base's.
	e.Done = make([]byte, (e.Head-e.Base+7)/8)
	for n := e.Base; n < e.Head; n++ {
		if d.has(n) {
			e.Done[(n-e.Base)/8] |= 1 << ((n - e.Base) % 8)
		}
	}
	return e
}

func (d *doneSet) has(n uint64) bool {
	return n < d.first || n < d.first+64*uint64(len(d.words)) && d.words[(n-d.first)/64]>>(n%64)&1 == 1
}

// setOf is the set that a checkpoint holds.
func setOf(e *LoopExtent) *doneSet {
	d := &doneSet{first: e.Base / 64 * 64}
	for n := d.first; n < e.Base; n++ {
		d.add(n)
	}
	for n := e.Base; n < e.Head; n++ {
		if e.Done[(n-e.Base)/8]>>((n-e.Base)%8)&1 == 1 {
			d.add(n)
		}
	}
	return d
}
