package probe

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"net/netip"
)

// A mac makes, from a connection's two addresses and ports, what a SYN needs
// and nobody can guess: its initial sequence number (RFC 6528, without the
// clock: no four-tuple is used twice in a scan), its timestamp offset, and our
// port. It is CBC-MAC with AES over a message of fixed length, and not safe for
// concurrent use.
type mac struct {
	block cipher.Block
	in    [aes.BlockSize]byte // kept, so that none is made
}

func newMAC(key [16]byte) *mac {
	block, _ := aes.NewCipher(key[:]) // fails for a wrong length only
	return &mac{block: block}
}

// Uses of the one key.
const (
	useSequence = 1
	usePort     = 2
)

func (m *mac) sum(use byte, a netip.Addr, remote, local uint16) uint64 {
	m.in = a.As16()
	m.block.Encrypt(m.in[:], m.in[:])
	m.in[0] ^= use
	m.in[2] ^= byte(remote >> 8)
	m.in[3] ^= byte(remote)
	m.in[4] ^= byte(local >> 8)
	m.in[5] ^= byte(local)
	m.block.Encrypt(m.in[:], m.in[:])
	return binary.BigEndian.Uint64(m.in[:])
}

// sequence is the ISS and the timestamp offset. Our address is the same for
// all that a key serves.
func (m *mac) sequence(a netip.Addr, remote, local uint16) (iss, offset uint32) {
	v := m.sum(useSequence, a, remote, local)
	return uint32(v >> 32), uint32(v)
}

// port is a number that chooses our port.
func (m *mac) port(a netip.Addr, remote uint16) uint16 {
	return uint16(m.sum(usePort, a, remote, 0))
}
