// Ephemeral keys, and agreeing on a secret with them.

package suite

import (
	"crypto/ecdh"
	"errors"
	"fmt"
	"io"

	"github.com/rawshake/rawshake/tlsmsg"
)

// ErrPeerKey says that the peer's public key is not usable: it is not an
// element of the group, or leads to a secret that everybody knows. The answer
// is the alert illegal_parameter (RFC 8422, sections 5.4 and 5.11; RFC 7919,
// section 5.1).
var ErrPeerKey = errors.New("the peer's public key is not usable")

// Groups returns the elliptic curves that [NewKey] knows, preferred first. The
// slice is fresh.
func Groups() []tlsmsg.NamedGroup {
	return []tlsmsg.NamedGroup{tlsmsg.GroupX25519, tlsmsg.GroupSecp256r1, tlsmsg.GroupSecp384r1, tlsmsg.GroupSecp521r1}
}

func curveOf(g tlsmsg.NamedGroup) ecdh.Curve {
	switch g {
	case tlsmsg.GroupX25519:
		return ecdh.X25519()
	case tlsmsg.GroupSecp256r1:
		return ecdh.P256()
	case tlsmsg.GroupSecp384r1:
		return ecdh.P384()
	case tlsmsg.GroupSecp521r1:
		return ecdh.P521()
	}
	return nil
}

// A Key is an ephemeral private key, for one handshake: [NewKey], [NewShare],
// [NewDHKey] and [NewPeersDHKey] make one.
type Key struct {
	ec     *ecdh.PrivateKey
	dh     *dhKey
	hybrid *hybridKey
	width  int // of dh's numbers, in bytes; 0: without leading zeros
}

// Finite reports whether the key is one of a finite field, with which Agree
// takes long.
func (k *Key) Finite() bool { return k.dh != nil }

// PublicKey returns the public half as it is sent: an uncompressed point, 32
// bytes of X25519 (RFC 8422, section 5.4), or the bytes of a big-endian number
// (RFC 5246, section 7.4.3).
func (k *Key) PublicKey() []byte {
	switch {
	case k.ec != nil:
		return k.ec.PublicKey().Bytes()
	case k.hybrid != nil:
		return k.hybrid.publicKey()
	}
	return padded(k.dh.y.Bytes(), k.width)
}

// Agree returns the pre_master_secret with the peer's public key (RFC 8422,
// section 5.10; RFC 5246, section 8.1.2). The error wraps [ErrPeerKey] if the
// peer's key is the reason.
func (k *Key) Agree(peerKey []byte) (preMaster []byte, err error) {
	switch {
	case k.hybrid != nil:
		return k.hybrid.agree(peerKey)
	case k.dh != nil && k.width > 0 && len(peerKey) != k.width:
		return nil, fmt.Errorf("%w: %d bytes, expected %d as the prime has (RFC 9846, section 4.3.8.1)", ErrPeerKey, len(peerKey), k.width)
	case k.dh != nil:
		secret, err := k.dh.agree(peerKey)
		return padded(secret, k.width), err
	}
	peer, err := k.ec.Curve().NewPublicKey(peerKey)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrPeerKey, err)
	}
	// For X25519 this refuses the all-zero output (RFC 8422, section 5.11).
	secret, err := k.ec.ECDH(peer)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrPeerKey, err)
	}
	return secret, nil
}

// NewKey makes an ephemeral key in a named group, one of [Groups] or of RFC
// 7919, from rand's bytes.
//
// The same bytes from rand make the same key, so a caller must never repeat
// them outside tests. For a curve, nil rand stands for the system's randomness.
func NewKey(group tlsmsg.NamedGroup, rand io.Reader) (*Key, error) {
	if p, g := DHParameters(group); p != nil {
		return NewDHKey(p, g, rand)
	}
	curve := curveOf(group)
	if curve == nil {
		return nil, fmt.Errorf("no key agreement in group %v here", group)
	}
	priv, err := ephemeral(curve, group, rand)
	return &Key{ec: priv}, err
}

// ephemeral makes a private key. crypto/ecdh ignores a caller's reader when it
// generates keys, so the scalar is read here where there is one.
func ephemeral(curve ecdh.Curve, group tlsmsg.NamedGroup, rand io.Reader) (*ecdh.PrivateKey, error) {
	if rand == nil {
		return curve.GenerateKey(nil)
	}
	scalar := make([]byte, 32)
	switch group {
	case tlsmsg.GroupSecp384r1:
		scalar = make([]byte, 48)
	case tlsmsg.GroupSecp521r1:
		scalar = make([]byte, 66)
	}
	// A scalar outside [1, n-1] is one in 2^32 for P-256 and rarer for P-384;
	// of P-521's first byte only a bit counts. A reader that gives nothing else
	// is broken.
	for range 8 {
		if _, err := io.ReadFull(rand, scalar); err != nil {
			return nil, fmt.Errorf("randomness for an ephemeral key: %w", err)
		}
		if group == tlsmsg.GroupSecp521r1 {
			scalar[0] &= 1
		}
		if key, err := curve.NewPrivateKey(scalar); err == nil {
			return key, nil
		}
	}
	return nil, errors.New("randomness for an ephemeral key: no scalar in range in eight reads")
}
