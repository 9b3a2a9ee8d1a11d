package suite

import (
	"crypto/sha256"
	"crypto/sha512"
	"hash"
)

// Hash is a suite's hash function, for the PRF and for the transcript.
type Hash uint8

const (
	SHA256 Hash = iota + 1
	SHA384
)

// Largest sizes of the hashes above, in bytes.
const (
	MaxHashSize  = sha512.Size384
	maxBlockSize = sha512.BlockSize
)

// Size returns the length of the hash's output, in bytes.
func (h Hash) Size() int {
	if h == SHA384 {
		return sha512.Size384
	}
	return sha256.Size
}

func (h Hash) blockSize() int {
	if h == SHA384 {
		return sha512.BlockSize
	}
	return sha256.BlockSize
}

// New returns a running hash.
func (h Hash) New() hash.Hash {
	if h == SHA384 {
		return sha512.New384()
	}
	return sha256.New()
}

// sum hashes data into out, which has room for Size bytes. It is a switch over
// one-shot functions, not a call through an interface, so that neither
// argument escapes to the heap.
func (h Hash) sum(out, data []byte) {
	if h == SHA384 {
		s := sha512.Sum384(data)
		copy(out, s[:])
		return
	}
	s := sha256.Sum256(data)
	copy(out, s[:])
}
