package targets

import "math/bits"

// A Permutation is a keyed order of the numbers below n, computed in both
// directions without a table: a balanced Feistel network over the least even
// number of bits that holds n, walked until it falls below n (cycle walking;
// Black and Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002).
type Permutation struct {
	n    uint64
	half uint // bits of each half
	mask uint64
	keys [feistelRounds]uint64
}

// Luby and Rackoff's construction needs four rounds; small domains want more.
const feistelRounds = 6

// NewPermutation returns the order of the numbers below n that goes with a
// seed. The order scatters; it keeps no secret.
func NewPermutation(n uint64, seed uint64) *Permutation {
	p := &Permutation{n: n}
	p.half = uint(max(bits.Len64(max(n, 1)-1)+1, 2)) / 2
	p.mask = 1<<p.half - 1
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

// round is a keyed function of one half.
func (p *Permutation) round(i int, half uint64) uint64 { return mix(half^p.keys[i]) & p.mask }

// At is the number at position i of the order; i is below n.
func (p *Permutation) At(i uint64) uint64 {
	for {
		l, r := i>>p.half, i&p.mask
		for k := range feistelRounds {
			l, r = r, l^p.round(k, r)
		}
		if i = l<<p.half | r; i < p.n {
			return i
		}
	}
}

// Position is where number v stands in the order; v is below n.
func (p *Permutation) Position(v uint64) uint64 {
	for {
		l, r := v>>p.half, v&p.mask
		for k := feistelRounds - 1; k >= 0; k-- {
			l, r = r^p.round(k, l), l
		}
		if v = l<<p.half | r; v < p.n {
			return v
		}
	}
}
