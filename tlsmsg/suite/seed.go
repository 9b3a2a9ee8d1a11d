// Keys that are made from a seed, for who would rather make one again than keep it.

package suite

import (
	"crypto/sha3"
	"io"

	"github.com/rawshake/rawshake/tlsmsg"
)

// SeedReader returns the randomness for [NewShare] that follows from a secret seed
// and a group: SHAKE256 of both (FIPS 202), of which each group has bytes of its own. The
// same seed makes the same keys, so it must be as hard to guess as they are, and
// serve one connection.
func SeedReader(seed []byte, group tlsmsg.NamedGroup) io.Reader {
	h := sha3.NewSHAKE256()
	h.Write([]byte("key_share"))
	h.Write([]byte{byte(group >> 8), byte(group), byte(len(seed))})
	h.Write(seed)
	return h
}
