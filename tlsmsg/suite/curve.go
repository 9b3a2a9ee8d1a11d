// The curve of an ECDSA key.

package suite

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"

	"github.com/rawshake/rawshake/tlsmsg"
)

// CurveOf returns the curve of an ECDSA key, or 0 for a key of another kind or
// on a curve that has no number.
func CurveOf(pub crypto.PublicKey) tlsmsg.NamedGroup {
	key, ok := pub.(*ecdsa.PublicKey)
	if !ok {
		return 0
	}
	switch key.Curve {
	case elliptic.P256():
		return tlsmsg.GroupSecp256r1
	case elliptic.P384():
		return tlsmsg.GroupSecp384r1
	case elliptic.P521():
		return tlsmsg.GroupSecp521r1
	}
	return 0
}
