// A keyed permutation that takes no memory.

package targets

import "math/bits"

// A Permutation is a keyed order of the numbers below n, computed in both
// directions without a table: a Feistel network over the fewest bits that hold
// n, its halves of one length or a bit apart, walked until it falls below n
// (cycle walking; Black and Rogaway, "Ciphers with Arbitrary Finite Domains",
// CT-RSA 2002). That takes less than two walks on average.
type Permutation struct {
	n           uint64
	low         uint   // bits of the lower half
	lower, high uint64 // masks of the halves
	keys        [feistelRounds]uint64
}

// Luby and Rackoff's construction needs four rounds; small domains want more.
// They come in pairs.
const feistelRounds = 6

// NewPermutation returns the order of the numbers below n that goes with a
// seed. The order scatters; it keeps no secret.
func NewPermutation(n uint64, seed uint64) *Permutation {
	p := &Permutation{n: n}
	width := uint(max(bits.Len64(max(n, 1)-1), 2))
	p.low = width / 2
	p.lower, p.high = 1<<p.low-1, 1<<(width-p.low)-1
	for i := range p.keys {
		seed = mix(seed + golden)
		p.keys[i] = seed
	}
	return p
}

// Len is n.
func (p *Permutation) Len() uint64 { return p.n }

// golden is 2^64 divided by the golden ratio.
const golden = 0x9e3779b97f4a7c15

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast Splittable
// Pseudorandom Number Generators", OOPSLA 2014): each bit of the result depends
// on each of x.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// At is the number at position i of the order; i is below n.
func (p *Permutation) At(i uint64) uint64 {
	for {
		l, r := i>>p.low, i&p.lower
		for k := 0; k < feistelRounds; k += 2 {
			l ^= mix(r^p.keys[k]) & p.high
			r ^= mix(l^p.keys[k+1]) & p.lower
		}
		if i = l<<p.low | r; i < p.n {
			return i
		}
	}
}

// Position is where number v stands in the order; v is below n.
func (p *Permutation) Position(v uint64) uint64 {
	for {
		l, r := v>>p.low, v&p.lower
		for k := feistelRounds - 2; k >= 0; k -= 2 {
			r ^= mix(l^p.keys[k+1]) & p.lower
			l ^= mix(r^p.keys[k]) & p.high
		}
		if v = l<<p.low | r; v < p.n {
			return v
		}
	}
}
