// The pseudorandom function of TLS 1.2 and of its predecessors.

package suite

import (
	"bytes"
	"crypto/subtle"
)

// PRF fills out with PRF(secret, label, seed). In TLS 1.2 that is P_hash of the
// secret over label + seed (RFC 5246, section 5); with [MD5SHA1] it is the PRF
// of TLS 1.0 and 1.1: P_MD5 and P_SHA-1 of the secret's two halves, added
// (RFC 4346, section 5). The seed is given in parts to spare callers the
// concatenation.
func PRF(h Hash, out, secret []byte, label string, seed ...[]byte) {
	if h != MD5SHA1 {
		pHash(h, out, secret, label, seed...)
		return
	}
	half := (len(secret) + 1) / 2 // of an odd length both halves hold the middle byte
	pHash(md5Alone, out, secret[:half], label, seed...)
	var room [maxOldOutput]byte
	sha := room[:]
	if len(out) > len(sha) {
		sha = make([]byte, len(out))
	}
	sha = sha[:len(out)]
	pHash(sha1Alone, sha, secret[len(secret)-half:], label, seed...)
	subtle.XORBytes(out, out, sha)
}

// maxOldOutput is the longest key block of a suite that TLS 1.0 and 1.1 know:
// two directions of SHA-1's MAC key, a 32-byte key and an IV.
const maxOldOutput = 2 * (20 + 32 + 16)

// pHash is P_hash (RFC 5246, section 5).
func pHash(h Hash, out, secret []byte, label string, seed ...[]byte) {
	// A(i) and label + seed share one buffer: the second half of P_hash's
	// input stays where it is while A(i) before it changes. Every use in TLS
	// 1.2 fits the room on the stack.
	var room [MaxHashSize + 128]byte
	n := h.Size()
	input := append(room[:n], label...)
	for _, s := range seed {
		input = append(input, s...)
	}
	var mac prfMAC
	mac.setKey(h, secret)
	a, labelAndSeed := input[:n], input[n:]
	mac.sum(a, labelAndSeed) // A(1)
	var block [MaxHashSize]byte
	for {
		mac.sum(block[:n], input)
		if out = out[copy(out, block[:n]):]; len(out) == 0 {
			return
		}
		mac.sum(a, a) // A(i+1)
	}
}

// prfMAC is HMAC (RFC 2104) over one-shot hashes: the inputs of the PRF are
// short, and so nothing is allocated.
type prfMAC struct {
	h            Hash
	inner, outer [maxBlockSize + MaxHashSize + 128]byte // K XOR ipad, K XOR opad; and room for what is hashed behind them
}

var (
	ipad = bytes.Repeat([]byte{0x36}, maxBlockSize)
	opad = bytes.Repeat([]byte{0x5c}, maxBlockSize)
)

// setKey readies a zero MAC.
func (m *prfMAC) setKey(h Hash, key []byte) {
	m.h = h
	b := h.blockSize()
	if len(key) > b {
		h.sum(m.outer[:], key)
	} else {
		copy(m.outer[:], key)
	}
	subtle.XORBytes(m.inner[:b], m.outer[:b], ipad)
	subtle.XORBytes(m.outer[:b], m.outer[:b], opad)
}

// sum writes the MAC of data to out, which has room for the hash's size and
// may overlap data.
func (m *prfMAC) sum(out, data []byte) {
	b := m.h.blockSize()
	m.h.sum(m.outer[b:], append(m.inner[:b], data...))
	m.h.sum(out, m.outer[:b+m.h.Size()])
}
