// The keys of a scan's key shares. Each is made for the ClientHello and made again when
// the answer has come, since those of a hundred thousand targets that wait would take too
// much memory: they all follow from a few bytes of secret. That is made for the
// loop and ends with it; whoever reads it from this process's memory meanwhile can read what
// the loop's connections of TLS 1.3 carry.

package probe

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// seeds makes the seed of each connection's shares: HMAC-SHA256 under a secret of the
// loop's, of the connection's addresses and ports, and the random of its ClientHello.
type seeds struct {
	mac hash.Hash
	in  [16 + 16 + 2 + 2 + 32]byte
	sum [sha256.Size]byte
}

func newSeeds() *seeds {
	secret := make([]byte, sha256.Size)
	rand.Read(secret)
	return &seeds{mac: hmac.New(sha256.New, secret)}
}

// of is the seed of a connection's shares, which is no other's: the same four-tuple may
// be used twice, but not with the same random.
func (k *seeds) of(c *connection) [32]byte {
	ours, theirs := c.path.Local.As16(), c.target.Addr.As16()
	b := append(append(k.in[:0], ours[:]...), theirs[:]...)
	b = binary.BigEndian.AppendUint16(b, c.local)
	b = binary.BigEndian.AppendUint16(b, c.target.Port)
	b = append(b, c.random[:]...)
	k.mac.Reset()
	k.mac.Write(b)
	return [32]byte(k.mac.Sum(k.sum[:0]))
}
