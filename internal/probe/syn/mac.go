// Package syn makes SYNs without state: what a SYN says is a keyed function of where it
// goes, so that nothing of it need be kept, and what answers it proves itself.
package syn

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"net/netip"
)

// A MAC makes, from a connection's two addresses and ports, what a SYN needs
// and nobody can guess: its initial sequence number (RFC 6528, without the
// clock: no four-tuple is used twice in a scan) and its timestamp offset. It is
// CBC-MAC with AES over messages of fixed lengths, and not safe for concurrent
// use.
type MAC struct {
	block   cipher.Block
	portKey uint64
	in      [aes.BlockSize]byte // kept, so that none is made
}

// NewMAC is one with a key of the loop's.
func NewMAC(key [16]byte) *MAC {
	block, _ := aes.NewCipher(key[:]) // fails for a wrong length only
	m := &MAC{block: block}
	m.block.Encrypt(m.in[:], m.in[:])
	m.portKey = binary.BigEndian.Uint64(m.in[:])
	return m
}

// Sequence is the ISS and the timestamp offset. Our address belongs to the
// target: one is reached by one route. An IPv4 message is one block, an IPv6 one two; that
// the former has a block's last byte set keeps them apart.
func (m *MAC) Sequence(a netip.Addr, remote, local uint16) (iss, offset uint32) {
	if a.Is4() {
		m.in = [aes.BlockSize]byte{15: 4}
		b := a.As4()
		copy(m.in[8:], b[:])
	} else {
		m.in = a.As16()
		m.block.Encrypt(m.in[:], m.in[:])
	}
	ports := binary.BigEndian.Uint32(m.in[:]) ^ (uint32(remote)<<16 | uint32(local))
	binary.BigEndian.PutUint32(m.in[:], ports)
	m.block.Encrypt(m.in[:], m.in[:])
	v := binary.BigEndian.Uint64(m.in[:])
	return uint32(v >> 32), uint32(v)
}

// Port is a number that chooses our port. It scatters, under a key, and is no
// secret: our port is on the wire.
func (m *MAC) Port(a netip.Addr, remote uint16) uint16 {
	b := a.As16()
	x := binary.BigEndian.Uint64(b[8:]) ^ binary.BigEndian.Uint64(b[:8])*0x9e3779b97f4a7c15 ^ m.portKey ^ uint64(remote)<<48
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return uint16(x >> 48)
}
