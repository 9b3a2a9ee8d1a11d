package targets

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"math/bits"
)

// A Permutation is a keyed order of the numbers below n, computed in both
// directions without a table: a balanced Feistel network over the least even
// number of bits that holds n, walked until it falls below n (cycle walking;
// Black and Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002).
type Permutation struct {
	n     uint64
	half  uint // bits of each half
	mask  uint64
	block cipher.Block

	in, out [aes.BlockSize]byte // of the round function; kept, so that none is made
}

// Luby and Rackoff's construction needs four rounds; small domains want more.
const feistelRounds = 6

// NewPermutation returns the order of the numbers below n that goes with a
// seed. It is not safe for concurrent use.
func NewPermutation(n uint64, seed uint64) *Permutation {
	p := &Permutation{n: n}
	p.half = uint(max(bits.Len64(max(n, 1)-1)+1, 2)) / 2
	p.mask = 1<<p.half - 1
	var key [16]byte
	binary.BigEndian.PutUint64(key[:], seed)
	copy(key[8:], "rawshake")
	p.block, _ = aes.NewCipher(key[:]) // fails for a wrong length only
	return p
}

// Len is n.
func (p *Permutation) Len() uint64 { return p.n }

// round is a keyed function of one half.
func (p *Permutation) round(i int, half uint64) uint64 {
	binary.BigEndian.PutUint64(p.in[:], half)
	p.in[8], p.in[9] = byte(i), byte(p.half)
	p.block.Encrypt(p.out[:], p.in[:])
	return binary.BigEndian.Uint64(p.out[:]) & p.mask
}

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
