package suite

import (
	"crypto/ecdh"
	"errors"
	"fmt"
	"io"

	"github.com/rawshake/rawshake/tlsmsg"
)

// ErrPeerKey says that the peer's public key cannot be agreed with: it is not
// a point of the group, or leads to an all-zero secret. The answer is the alert
// illegal_parameter (RFC 8422, sections 5.4 and 5.11).
var ErrPeerKey = errors.New("the peer's public key is not usable")

// Groups returns the groups that [Agree] knows, preferred first. The slice is
// fresh.
func Groups() []tlsmsg.NamedGroup {
	return []tlsmsg.NamedGroup{tlsmsg.GroupX25519, tlsmsg.GroupSecp256r1, tlsmsg.GroupSecp384r1}
}

func curveOf(g tlsmsg.NamedGroup) ecdh.Curve {
	switch g {
	case tlsmsg.GroupX25519:
		return ecdh.X25519()
	case tlsmsg.GroupSecp256r1:
		return ecdh.P256()
	case tlsmsg.GroupSecp384r1:
		return ecdh.P384()
	}
	return nil
}

// Agree makes an ephemeral key in group from rand's bytes and agrees with the
// peer's public key, which has the form of ServerKeyExchange. It returns the
// public key to send, in the same form, and the pre_master_secret (RFC 8422,
// section 5.10).
//
// The same bytes from rand make the same key, so a caller must never repeat
// them outside tests. Nil rand stands for the system's randomness.
func Agree(group tlsmsg.NamedGroup, peerKey []byte, rand io.Reader) (publicKey, preMaster []byte, err error) {
	curve := curveOf(group)
	if curve == nil {
		return nil, nil, fmt.Errorf("no key agreement in group %v here", group)
	}
	// The peer's key first: it costs less to refuse than a key to make.
	peer, err := curve.NewPublicKey(peerKey)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %v", ErrPeerKey, err)
	}
	priv, err := ephemeral(curve, group, rand)
	if err != nil {
		return nil, nil, err
	}
	// For X25519 this refuses the all-zero output (RFC 8422, section 5.11).
	secret, err := priv.ECDH(peer)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %v", ErrPeerKey, err)
	}
	return priv.PublicKey().Bytes(), secret, nil
}

// ephemeral makes a private key. crypto/ecdh ignores a caller's reader when it
// generates keys, so the scalar is read here where there is one.
func ephemeral(curve ecdh.Curve, group tlsmsg.NamedGroup, rand io.Reader) (*ecdh.PrivateKey, error) {
	if rand == nil {
		return curve.GenerateKey(nil)
	}
	scalar := make([]byte, 32)
	if group == tlsmsg.GroupSecp384r1 {
		scalar = make([]byte, 48)
	}
	// A scalar outside [1, n-1] is one in 2^32 for P-256 and rarer for P-384.
	// A reader that gives nothing else is broken.
	for range 8 {
		if _, err := io.ReadFull(rand, scalar); err != nil {
			return nil, fmt.Errorf("randomness for an ephemeral key: %w", err)
		}
		if key, err := curve.NewPrivateKey(scalar); err == nil {
			return key, nil
		}
	}
	return nil, errors.New("randomness for an ephemeral key: no scalar in range in eight reads")
}
