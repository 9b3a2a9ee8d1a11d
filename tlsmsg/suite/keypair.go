package suite

import (
	"crypto/ecdh"
	"fmt"
	"io"

	"github.com/rawshake/rawshake/tlsmsg"
)

// A KeyPair is an ephemeral key whose public half is sent before the peer's
// arrives: a server's. [Agree] does both at once.
type KeyPair struct{ private *ecdh.PrivateKey }

// NewKeyPair makes an ephemeral key in group. See [Agree] for rand.
func NewKeyPair(group tlsmsg.NamedGroup, rand io.Reader) (*KeyPair, error) {
	curve := curveOf(group)
	if curve == nil {
		return nil, fmt.Errorf("no key agreement in group %v here", group)
	}
	private, err := ephemeral(curve, group, rand)
	if err != nil {
		return nil, err
	}
	return &KeyPair{private}, nil
}

// PublicKey returns the public half as in ServerKeyExchange.
func (k *KeyPair) PublicKey() []byte { return k.private.PublicKey().Bytes() }

// Agree agrees with the peer's public key and returns the pre_master_secret
// (RFC 8422, section 5.10). An error wraps [ErrPeerKey].
func (k *KeyPair) Agree(peerKey []byte) (preMaster []byte, err error) {
	peer, err := k.private.Curve().NewPublicKey(peerKey)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrPeerKey, err)
	}
	secret, err := k.private.ECDH(peer)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrPeerKey, err)
	}
	return secret, nil
}
