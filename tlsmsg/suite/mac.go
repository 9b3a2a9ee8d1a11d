// The MAC of records, also over a secret length in constant time.

package suite

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding"
	"encoding/binary"
	"hash"
)

// macHash is the hash of a record MAC (RFC 5246, section 6.2.3.1).
type macHash uint8

const (
	macNone macHash = iota
	macMD5
	macSHA1
	macSHA256
	macSHA384
)

const (
	maxMACSize = sha512.Size384
	// maxHashState is room for the marshalled state of any of the hashes.
	maxHashState = 256
)

// size returns the length of the MAC and of its key, in bytes.
func (m macHash) size() int {
	return [...]int{0, md5.Size, sha1.Size, sha256.Size, sha512.Size384}[m]
}

// A resumableHash is a hash whose state can be kept and put back: all of the
// standard library's are.
type resumableHash interface {
	hash.Hash
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

func (m macHash) new() resumableHash {
	switch m {
	case macMD5:
		return md5.New().(resumableHash)
	case macSHA1:
		return sha1.New().(resumableHash)
	case macSHA256:
		return sha256.New().(resumableHash)
	}
	return sha512.New384().(resumableHash)
}

// recordMAC is HMAC over a record: the additional data and the fragment. It
// allocates nothing after it is made.
type recordMAC struct {
	kind         macHash
	h            resumableHash
	inner, outer []byte // states of h after the key's two pads
	tag, digest  [maxMACSize]byte
	state        [maxHashState]byte
	block        [maxBlockSize]byte
}

func newRecordMAC(kind macHash, key []byte) *recordMAC {
	m := &recordMAC{kind: kind, h: kind.new()}
	pad := func(x byte) []byte {
		m.h.Reset()
		block := make([]byte, m.h.BlockSize())
		copy(block, key) // keys of records are as long as the hash
		for i := range block {
			block[i] ^= x
		}
		m.h.Write(block)
		state, _ := m.h.AppendBinary(nil) // never fails for these hashes
		return state
	}
	m.inner, m.outer = pad(0x36), pad(0x5c)
	return m
}

func (m *recordMAC) size() int { return m.kind.size() }

// sum returns the MAC. It is valid until the next call.
func (m *recordMAC) sum(a *additionalData, fragment []byte) []byte {
	m.h.UnmarshalBinary(m.inner)
	m.h.Write(a[:])
	m.h.Write(fragment)
	return m.finish(m.h.Sum(m.digest[:0]))
}

// finish makes the outer hash over the inner one.
func (m *recordMAC) finish(inner []byte) []byte {
	m.h.UnmarshalBinary(m.outer)
	m.h.Write(inner)
	return m.h.Sum(m.tag[:0])
}

// sumSecret is sum over the first n bytes of fragment, where n is secret: the
// time that it takes and the memory that it touches depend on the length of
// fragment and on most alone (Lucky Thirteen). n lies between
// len(fragment)-most and len(fragment). The header's length is n.
//
// Hashing ends in a padding and a length, at a place that depends on n. Here
// every block at which the message might end is made, with what it holds in
// that case, and run through the hash; the state after the block at which it
// does end is picked without a branch.
func (m *recordMAC) sumSecret(a *additionalData, fragment []byte, n, most int) []byte {
	a.setLength(n)
	blockLen, lengthLen, shift := 64, 8, 6
	if m.kind == macSHA384 {
		blockLen, lengthLen, shift = 128, 16, 7
	}
	longest := len(a) + len(fragment)
	shortest := max(longest-most, len(a))
	end := len(a) + n                  // of the message: secret
	last := (end + lengthLen) >> shift // the block that ends with the length: secret
	m.h.UnmarshalBinary(m.inner)

	// What comes before the end in any case is hashed as it is.
	certain := shortest >> shift << shift
	if certain > 0 {
		m.h.Write(a[:])
		m.h.Write(fragment[:certain-len(a)])
	}
	var bits [8]byte // of the message with the pad before it
	binary.BigEndian.PutUint64(bits[:], uint64(blockLen+end)*8)
	digest := m.digest[:m.size()]
	clear(digest)
	for i := certain >> shift; i <= (longest+lengthLen)>>shift; i++ {
		block := m.block[:blockLen]
		isLast := mask(subtle.ConstantTimeEq(int32(i), int32(last)))
		for j := range block {
			at := i<<shift + j
			var b byte
			if at < len(a) {
				b = a[at]
			} else if at < longest {
				b = fragment[at-len(a)]
			}
			b &= mask(subtle.ConstantTimeLessOrEq(at+1, end))
			block[j] = b | 0x80&mask(subtle.ConstantTimeEq(int32(at), int32(end)))
		}
		for j, b := range bits {
			block[blockLen-len(bits)+j] |= b & isLast
		}
		m.h.Write(block)
		state, _ := m.h.AppendBinary(m.state[:0])
		chain := state[hashMagicLen:] // the chaining value, big-endian
		for j := range digest {
			digest[j] |= chain[j] & isLast
		}
	}
	return m.finish(digest)
}

// hashMagicLen is what stands before the chaining value in the marshalled
// state of SHA-1 and SHA-2.
const hashMagicLen = 4

// mask turns 1 into 0xFF and 0 into 0.
func mask(v int) byte { return -byte(v) }
