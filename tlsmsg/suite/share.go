// Keys for TLS 1.3's key_share (RFC 9846, section 4.3.8): on a curve, in a
// finite field, where numbers have the length of the prime, and hybrids of a
// curve with ML-KEM (RFC 10024).

package suite

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"fmt"
	"io"

	"github.com/rawshake/rawshake/tlsmsg"
)

// A hybrid is one of the groups of RFC 10024: an ML-KEM and a curve.
type hybrid struct {
	group   tlsmsg.NamedGroup
	curve   tlsmsg.NamedGroup // 0: none
	large   bool              // ML-KEM-1024, not 768
	kemLast bool              // the curve's half comes first, in shares and in the secret
}

var hybrids = [...]hybrid{
	{group: tlsmsg.GroupX25519MLKEM768, curve: tlsmsg.GroupX25519},
	{group: tlsmsg.GroupSecP256r1MLKEM768, curve: tlsmsg.GroupSecp256r1, kemLast: true},
	{group: tlsmsg.GroupSecP384r1MLKEM1024, curve: tlsmsg.GroupSecp384r1, large: true, kemLast: true},
	{group: tlsmsg.GroupMLKEM1024, large: true}, // alone (draft-ietf-tls-mlkem), for who asks for it
}

func hybridOf(g tlsmsg.NamedGroup) *hybrid {
	for i := range hybrids {
		if hybrids[i].group == g {
			return &hybrids[i]
		}
	}
	return nil
}

// HybridGroups returns the groups with ML-KEM and a curve in them, preferred first. The slice
// is fresh.
func HybridGroups() (groups []tlsmsg.NamedGroup) {
	for i := range hybrids {
		if hybrids[i].curve != 0 {
			groups = append(groups, hybrids[i].group)
		}
	}
	return groups
}

// IsHybrid reports whether a group is one with ML-KEM in it.
func IsHybrid(g tlsmsg.NamedGroup) bool { return hybridOf(g) != nil }

// HybridCurve returns the curve of a hybrid, or 0 for a group that is none or has none.
func HybridCurve(g tlsmsg.NamedGroup) tlsmsg.NamedGroup {
	if h := hybridOf(g); h != nil {
		return h.curve
	}
	return 0
}

// CurveKey returns the half of a hybrid's key that is one on the curve, or nil where k is
// no such key.
func (k *Key) CurveKey(curve tlsmsg.NamedGroup) *Key {
	if k == nil || k.hybrid == nil || k.hybrid.curve == nil || k.hybrid.hybrid.curve != curve {
		return nil
	}
	return &Key{ec: k.hybrid.curve}
}

// Shares reports whether a key of a group can be made for TLS 1.3's key_share.
func Shares(g tlsmsg.NamedGroup) bool {
	p, _ := DHParameters(g)
	return curveOf(g) != nil || hybridOf(g) != nil || p != nil
}

// kemKey is the private half of an ML-KEM, of either size.
type kemKey interface {
	Decapsulate(ciphertext []byte) (sharedKey []byte, err error)
}

// hybridKey is a private key of a hybrid.
type hybridKey struct {
	*hybrid
	kem     kemKey
	public  []byte // of kem
	curve   *ecdh.PrivateKey
	kemSize int // of what the peer encapsulates, in bytes
}

// NewShare is [NewKey] for TLS 1.3, which knows more groups, and in which the
// numbers of a finite field have the length of its prime. For these rand must not
// be nil; for others nil stands for the system's randomness.
func NewShare(group tlsmsg.NamedGroup, rand io.Reader) (*Key, error) {
	if h := hybridOf(group); h != nil {
		return h.newKey(rand)
	}
	if p, g := DHParameters(group); p != nil {
		k, err := NewDHKey(p, g, rand)
		if err == nil {
			k.width = len(p)
		}
		return k, err
	}
	return NewKey(group, rand)
}

// newKey makes a key from rand's bytes: the seed of the KEM's, and the curve's.
func (h *hybrid) newKey(rand io.Reader) (*Key, error) {
	k := &hybridKey{hybrid: h}
	err := k.makeKEM(rand)
	if err != nil {
		return nil, err
	}
	if h.curve != 0 {
		k.curve, err = ephemeral(curveOf(h.curve), h.curve, rand)
	}
	return &Key{hybrid: k}, err
}

// makeKEM makes the KEM's half, from a seed where there is a reader for one.
func (k *hybridKey) makeKEM(rand io.Reader) (err error) {
	var seed []byte
	if rand != nil {
		seed = make([]byte, mlkem.SeedSize)
		if _, err := io.ReadFull(rand, seed); err != nil {
			return fmt.Errorf("randomness for an ephemeral key: %w", err)
		}
	}
	if k.large {
		kem, err := decapsulationKey(seed, mlkem.GenerateKey1024, mlkem.NewDecapsulationKey1024)
		if err != nil {
			return err
		}
		k.kem, k.public, k.kemSize = kem, kem.EncapsulationKey().Bytes(), mlkem.CiphertextSize1024
		return nil
	}
	kem, err := decapsulationKey(seed, mlkem.GenerateKey768, mlkem.NewDecapsulationKey768)
	if err != nil {
		return err
	}
	k.kem, k.public, k.kemSize = kem, kem.EncapsulationKey().Bytes(), mlkem.CiphertextSize768
	return nil
}

func decapsulationKey[K any](seed []byte, generate func() (K, error), fromSeed func([]byte) (K, error)) (K, error) {
	if seed == nil {
		return generate()
	}
	return fromSeed(seed)
}

// join puts the two halves of a share, or of a secret, in their order.
func (h *hybrid) join(kem, curve []byte) []byte {
	if h.kemLast {
		kem, curve = curve, kem
	}
	return append(append(make([]byte, 0, len(kem)+len(curve)), kem...), curve...)
}

// split takes a share apart whose KEM's half has n bytes.
func (h *hybrid) split(share []byte, n int) (kem, curve []byte, err error) {
	rest := len(share) - n
	if h.curve == 0 && rest == 0 {
		return share, nil, nil
	}
	if rest <= 0 || h.curve == 0 {
		return nil, nil, fmt.Errorf("%w: %d bytes, of which ML-KEM takes %d", ErrPeerKey, len(share), n)
	}
	if h.kemLast {
		return share[rest:], share[:rest], nil
	}
	return share[:n], share[n:], nil
}

func (k *hybridKey) publicKey() []byte {
	if k.curve == nil {
		return k.public
	}
	return k.join(k.public, k.curve.PublicKey().Bytes())
}

// agree takes what the peer has encapsulated, and its key on the curve.
func (k *hybridKey) agree(share []byte) ([]byte, error) {
	sealed, point, err := k.split(share, k.kemSize)
	if err != nil {
		return nil, err
	}
	var onCurve []byte
	if k.curve != nil {
		if onCurve, err = (&Key{ec: k.curve}).Agree(point); err != nil {
			return nil, err
		}
	}
	secret, err := k.kem.Decapsulate(sealed)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrPeerKey, err)
	}
	return k.join(secret, onCurve), nil
}

// Encapsulate answers a peer's share of a hybrid: it returns the share to send
// and the secret. The KEM's half draws on the system's randomness. The error
// wraps [ErrPeerKey] if the peer's share is the reason.
func Encapsulate(group tlsmsg.NamedGroup, share []byte, rand io.Reader) (answer, secret []byte, err error) {
	h := hybridOf(group)
	if h == nil {
		return nil, nil, fmt.Errorf("no key encapsulation in group %v here", group)
	}
	n := mlkem.EncapsulationKeySize768
	if h.large {
		n = mlkem.EncapsulationKeySize1024
	}
	public, point, err := h.split(share, n)
	if err != nil {
		return nil, nil, err
	}
	var encapsulate func() (secret, sealed []byte)
	if h.large {
		key, wrong := mlkem.NewEncapsulationKey1024(public)
		if err = wrong; err == nil {
			encapsulate = key.Encapsulate
		}
	} else {
		key, wrong := mlkem.NewEncapsulationKey768(public)
		if err = wrong; err == nil {
			encapsulate = key.Encapsulate
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %v", ErrPeerKey, err)
	}
	if h.curve == 0 {
		secret, answer = encapsulate()
		return answer, secret, nil
	}
	own, err := ephemeral(curveOf(h.curve), h.curve, rand)
	if err != nil {
		return nil, nil, err
	}
	onCurve, err := (&Key{ec: own}).Agree(point)
	if err != nil {
		return nil, nil, err
	}
	inKEM, sealed := encapsulate()
	return h.join(sealed, own.PublicKey().Bytes()), h.join(inKEM, onCurve), nil
}

// padded brings a number up to n bytes.
func padded(b []byte, n int) []byte {
	if len(b) >= n {
		return b
	}
	return append(make([]byte, n-len(b), n), b...)
}
