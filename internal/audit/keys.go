// Public keys that anybody knows, to offer where no key is ever agreed on.

package audit

import (
	"crypto/elliptic" //nolint:staticcheck // its base points
	"math/big"

	"github.com/rawshake/rawshake/tlsmsg"
)

// publicKeys are each group's base point: as good as any other to a server, and
// the connection ends before a secret is made of it.
var publicKeys = map[tlsmsg.NamedGroup][]byte{
	tlsmsg.GroupX25519:    append([]byte{9}, make([]byte, 31)...),
	tlsmsg.GroupSecp256r1: point(elliptic.P256()),
	tlsmsg.GroupSecp384r1: point(elliptic.P384()),
	tlsmsg.GroupSecp521r1: point(elliptic.P521()),
}

// point is a curve's base point, uncompressed (SEC 1, section 2.3.3).
func point(c elliptic.Curve) []byte {
	p := c.Params()
	size := (p.BitSize + 7) / 8
	b := append(make([]byte, 0, 1+2*size), 4)
	for _, n := range []*big.Int{p.Gx, p.Gy} {
		b = append(b, n.FillBytes(make([]byte, size))...)
	}
	return b
}
