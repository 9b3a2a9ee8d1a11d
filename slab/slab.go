// Package slab lends byte slices. Where there are many machines that mostly
// have nothing to keep, such as those of a prober, they take their buffers from
// one [Pool] and give them back when they are empty. Memory is then held only
// for what is in use, and the garbage collector has nothing to do.
//
// The package imports nothing of ours.
package slab

import "math/bits"

// A Pool keeps slices that were given back until somebody asks for one. The nil
// Pool keeps none and leaves all to the garbage collector. A Pool is for one
// goroutine at a time.
type Pool struct {
	// Poison makes Put overwrite each slice, so that a test finds out who still
	// reads it.
	Poison bool

	free [classes][][]byte
	held int // bytes in free
}

// MaxHeld bounds the unused memory that a Pool keeps, in bytes. What is given
// back beyond it is left to the garbage collector.
const MaxHeld = 64 << 20

// The lengths that are kept, in bytes: multiples of 64 up to 1024, and then
// four for each doubling, up to MaxLen. Of a slice longer than 256 bytes, less
// than a fifth is more than was asked for.
const (
	step      = 64
	small     = 1024
	fine      = small / step
	doublings = 6
	classes   = fine + 4*doublings

	// MaxLen is the longest slice that is kept. Longer ones are made anew each
	// time.
	MaxLen = small << doublings
)

// Get returns an empty slice with a capacity of at least n. The bytes between
// its length and its capacity are undefined.
func (p *Pool) Get(n int) []byte {
	if p == nil || n > MaxLen {
		return make([]byte, 0, n)
	}
	class := classOf(n)
	list := p.free[class]
	if len(list) == 0 {
		return make([]byte, 0, lengthOf(class))
	}
	b := list[len(list)-1]
	list[len(list)-1] = nil
	p.free[class] = list[:len(list)-1]
	p.held -= cap(b)
	return b
}

// Grow returns b with room for n more bytes: b itself, or a copy in other
// memory, in which case b is given back. A copy has room for at least twice b's
// length.
func (p *Pool) Grow(b []byte, n int) []byte {
	if n <= cap(b)-len(b) {
		return b
	}
	bigger := append(p.Get(max(len(b)+n, 2*len(b))), b...)
	p.Put(b)
	return bigger
}

// Put takes a slice back. The caller must not use it any more, nor any other
// slice of the same memory, and it must begin where the slice from Get began. A
// slice that no Get has made, or nil, is left to the garbage collector.
func (p *Pool) Put(b []byte) {
	n := cap(b)
	if p == nil || n == 0 || n > MaxLen || p.held+n > MaxHeld {
		return
	}
	class := classOf(n)
	if lengthOf(class) != n {
		return
	}
	if p.Poison {
		b = b[:n]
		for i := range b {
			b[i] = 0xDD
		}
	}
	p.free[class] = append(p.free[class], b[:0])
	p.held += n
}

// Held returns how much unused memory the Pool keeps, in bytes.
func (p *Pool) Held() int { return p.held }

// classOf returns the class of the shortest slices that have room for n bytes.
func classOf(n int) int {
	if n <= small {
		return max(n-1, 0) / step
	}
	shift := bits.Len(uint(n-1)) - 3 // the leading three bits remain: 4 to 7
	return fine + 4*(shift-bits.Len(small)+3) + (n-1)>>shift - 4
}

func lengthOf(class int) int {
	if class < fine {
		return (class + 1) * step
	}
	class -= fine
	return (class%4 + 5) << (class/4 + bits.Len(small) - 3)
}
