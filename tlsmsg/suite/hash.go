// The hashes of PRF and transcript.

package suite

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
)

// A Hash is the hash function of a suite's PRF and of its transcript.
type Hash uint8

// The hashes of the suites.
const (
	SHA256 Hash = iota + 1
	SHA384
	// MD5SHA1 is MD5 and SHA-1, one after the other: that of every suite
	// before TLS 1.2 (RFC 4346, sections 5 and 7.4.9).
	MD5SHA1

	md5Alone // the two halves of the old PRF
	sha1Alone
)

// Largest sizes of the hashes above, in bytes.
const (
	MaxHashSize  = sha512.Size384
	maxBlockSize = sha512.BlockSize
)

// Size returns the length of the hash's output, in bytes.
func (h Hash) Size() int {
	switch h {
	case SHA384:
		return sha512.Size384
	case MD5SHA1:
		return md5.Size + sha1.Size
	case md5Alone:
		return md5.Size
	case sha1Alone:
		return sha1.Size
	}
	return sha256.Size
}

// blockSize is that of HMAC over the hash (RFC 2104).
func (h Hash) blockSize() int {
	if h == SHA384 {
		return sha512.BlockSize
	}
	return sha256.BlockSize // MD5's and SHA-1's too
}

// New returns a running hash.
func (h Hash) New() hash.Hash {
	switch h {
	case SHA384:
		return sha512.New384()
	case MD5SHA1:
		return &md5SHA1{md5.New(), sha1.New()}
	case md5Alone:
		return md5.New()
	case sha1Alone:
		return sha1.New()
	}
	return sha256.New()
}

// sum hashes data into out, which has room for Size bytes. It is a switch over
// one-shot functions, not a call through an interface, so that neither
// argument escapes to the heap.
func (h Hash) sum(out, data []byte) {
	switch h {
	case SHA384:
		s := sha512.Sum384(data)
		copy(out, s[:])
	case md5Alone:
		s := md5.Sum(data)
		copy(out, s[:])
	case sha1Alone:
		s := sha1.Sum(data)
		copy(out, s[:])
	default:
		s := sha256.Sum256(data)
		copy(out, s[:])
	}
}

// md5SHA1 runs both hashes over the same bytes.
type md5SHA1 struct{ md5, sha1 hash.Hash }

func (h *md5SHA1) Write(p []byte) (int, error) {
	h.md5.Write(p)
	return h.sha1.Write(p)
}

func (h *md5SHA1) Sum(b []byte) []byte { return h.sha1.Sum(h.md5.Sum(b)) }
func (h *md5SHA1) Size() int           { return MD5SHA1.Size() }
func (h *md5SHA1) BlockSize() int      { return MD5SHA1.blockSize() }

func (h *md5SHA1) Reset() {
	h.md5.Reset()
	h.sha1.Reset()
}
