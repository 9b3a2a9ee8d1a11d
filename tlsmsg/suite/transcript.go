// The running hash of the handshake's messages.

package suite

import (
	"hash"

	"github.com/rawshake/rawshake/slab"
)

// A Transcript is the hash of all handshake messages, headers included, in the
// order in which they were sent and received (RFC 5246, section 7.4.9:
// handshake_messages). Until the suite is known, and as long as a signature
// over the messages themselves may be needed, it keeps their bytes. It hashes
// nothing before a hash is asked for: a prober that stops at the certificate
// needs none. The zero Transcript is empty and keeps the bytes.
type Transcript struct {
	// Pool lends the memory for the messages that are kept; may be nil.
	Pool *slab.Pool

	kept    []byte
	hashed  int       // of kept, in bytes: what the hash has seen
	hash    hash.Hash // of the algorithm that of names
	spare   hash.Hash // that of the last use, after Reset
	of      Hash
	dropped bool
	summed  bool // sum is that of all messages so far
	sum     [MaxHashSize]byte
}

// Add appends a whole handshake message. The bytes are not retained.
func (t *Transcript) Add(message []byte) {
	t.summed = false
	if t.dropped {
		t.hash.Write(message)
		return
	}
	t.kept = append(t.Pool.Grow(t.kept, len(message)), message...)
}

// Choose sets the hash, once the suite is known.
func (t *Transcript) Choose(h Hash) {
	if t.spare != nil && t.of == h {
		t.hash, t.spare = t.spare, nil
		t.hash.Reset()
	} else {
		t.hash = h.New()
	}
	t.of, t.hashed, t.summed = h, 0, false
}

// catchUp hashes what was kept since the last time.
func (t *Transcript) catchUp() {
	t.hash.Write(t.kept[t.hashed:])
	t.hashed = len(t.kept)
}

// Reset makes the transcript empty. It keeps the hash's memory for the next use,
// and gives that of the messages back.
func (t *Transcript) Reset() {
	t.Pool.Put(t.kept)
	spare := t.hash
	if spare == nil {
		spare = t.spare
	}
	*t = Transcript{Pool: t.Pool, spare: spare, of: t.of}
}

// Messages returns the messages themselves: what CertificateVerify signs (RFC
// 5246, section 7.4.8). It is nil after Drop, and valid until the next Add.
func (t *Transcript) Messages() []byte { return t.kept }

// Drop discards the messages and goes on hashing. It does nothing before
// Choose.
func (t *Transcript) Drop() {
	if t.hash != nil {
		t.catchUp()
		t.Pool.Put(t.kept)
		t.kept, t.hashed, t.dropped = nil, 0, true
	}
}

// Sum returns the hash of the messages so far. It is valid until the next
// call, not to be written to, and nil before Choose.
func (t *Transcript) Sum() []byte {
	if t.hash == nil {
		return nil
	}
	if !t.summed {
		t.catchUp()
		t.hash.Sum(t.sum[:0])
		t.summed = true
	}
	return t.sum[:t.hash.Size()]
}

// SumWith returns the hash of the messages so far and part, the beginning of a
// message, which is not added. H is used before Choose.
func (t *Transcript) SumWith(h Hash, part []byte) []byte {
	sum := h.New()
	if t.hash != nil {
		t.catchUp()
		if c, ok := t.hash.(hash.Cloner); ok {
			if clone, err := c.Clone(); err == nil {
				sum = clone
			}
		}
	} else {
		sum.Write(t.kept)
	}
	sum.Write(part)
	return sum.Sum(nil)
}

// Fork returns a transcript of the same messages that goes on by itself, without the
// messages themselves, or nil before Choose.
func (t *Transcript) Fork() *Transcript {
	if t.hash == nil {
		return nil
	}
	t.catchUp()
	c, ok := t.hash.(hash.Cloner)
	if !ok {
		return nil
	}
	clone, err := c.Clone()
	if err != nil {
		return nil
	}
	return &Transcript{Pool: t.Pool, hash: clone, of: t.of, dropped: true}
}

// ReplaceByHash replaces all messages so far by a message_hash message with
// their hash, as a HelloRetryRequest does with the ClientHello before it (RFC
// 9846, section 4.1). It does nothing before Choose.
func (t *Transcript) ReplaceByHash() {
	if t.hash == nil {
		return
	}
	t.Drop()
	sum := t.Sum()
	const messageHash = 254
	header := [4]byte{messageHash, 0, 0, byte(len(sum))}
	t.hash.Reset()
	t.hash.Write(header[:])
	t.hash.Write(sum)
	t.summed = false
}
