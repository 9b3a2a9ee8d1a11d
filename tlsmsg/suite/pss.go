// RSA keys that their certificates tie to PSS.

package suite

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"io"
)

// A PSSPublicKey is an RSA key whose certificate says id-RSASSA-PSS: it makes
// PSS signatures and nothing else (RFC 4055, section 1.2; RFC 9846, section
// 4.3.3, rsa_pss_pss_*). crypto/x509 does not know such keys.
type PSSPublicKey struct {
	RSA  *rsa.PublicKey
	Hash crypto.Hash // that the certificate ties it to; 0: any
}

// Equal reports whether x is the same key.
func (k *PSSPublicKey) Equal(x crypto.PublicKey) bool {
	other, ok := x.(*PSSPublicKey)
	return ok && k.RSA.Equal(other.RSA) && k.Hash == other.Hash
}

// A PSSSigner signs with an RSA key as the holder of a certificate for
// id-RSASSA-PSS.
type PSSSigner struct {
	Key  crypto.Signer // an RSA key
	Hash crypto.Hash   // that the certificate ties it to; 0: any
}

// Public returns a *PSSPublicKey, or nil where Key is none of RSA.
func (s *PSSSigner) Public() crypto.PublicKey {
	pub, ok := s.Key.Public().(*rsa.PublicKey)
	if !ok {
		return nil
	}
	return &PSSPublicKey{pub, s.Hash}
}

// Sign makes a PSS signature. See crypto.Signer.
func (s *PSSSigner) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if _, ok := opts.(*rsa.PSSOptions); !ok {
		return nil, errors.New("this RSA key is for PSS signatures only")
	}
	return s.Key.Sign(rand, digest, opts)
}

// rsaKey returns the RSA key in pub, or nil.
func rsaKey(pub crypto.PublicKey) *rsa.PublicKey {
	switch key := pub.(type) {
	case *rsa.PublicKey:
		return key
	case *PSSPublicKey:
		return key.RSA
	}
	return nil
}

// RSABits returns the length of an RSA key's modulus in bits, or 0 for a key of
// another kind.
func RSABits(pub crypto.PublicKey) int {
	if key := rsaKey(pub); key != nil {
		return key.N.BitLen()
	}
	return 0
}
