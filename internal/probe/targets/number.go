// Addresses as numbers of 128 bits.

package targets

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// A number is an address as a number of 128 bits. IPv4 addresses are those of
// their mapped form, ::ffff:0:0/96, so that both versions share one line.
type number struct{ hi, lo uint64 }

func numberOf(a netip.Addr) number {
	b := a.As16()
	return number{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// addr is the address, IPv4 where it is a mapped one.
func (n number) addr() netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], n.hi)
	binary.BigEndian.PutUint64(b[8:], n.lo)
	return netip.AddrFrom16(b).Unmap()
}

func (n number) less(m number) bool { return n.hi < m.hi || n.hi == m.hi && n.lo < m.lo }

func (n number) plus(k uint64) number {
	lo, carry := bits.Add64(n.lo, k, 0)
	return number{n.hi + carry, lo}
}

func (n number) minus(m number) number {
	lo, borrow := bits.Sub64(n.lo, m.lo, 0)
	hi, _ := bits.Sub64(n.hi, m.hi, borrow)
	return number{hi, lo}
}

func (n number) next() number { return n.plus(1) }
func (n number) prev() number { return n.minus(number{0, 1}) }

var lastNumber = number{^uint64(0), ^uint64(0)}
