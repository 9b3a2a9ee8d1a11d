// Signatures made and checked.

package suite

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/rawshake/rawshake/tlsmsg"
)

// ErrBadSignature says that a signature is not the key's over these bytes: the
// answer is the alert decrypt_error (RFC 5246, section 7.2.2).
var ErrBadSignature = errors.New("the signature does not verify")

// Verify checks a signature over signed, the bytes before any hash. The error
// is that of [Fits], or wraps [ErrBadSignature].
func Verify(pub crypto.PublicKey, id tlsmsg.SignatureScheme, signed, sig []byte) error {
	if err := Fits(id, pub); err != nil {
		return err
	}
	s := lookupScheme(id)
	digest := s.digest(signed)
	switch key := pub.(type) {
	case *ecdsa.PublicKey:
		if ecdsa.VerifyASN1(key, digest, sig) {
			return nil
		}
	case ed25519.PublicKey:
		if len(key) == ed25519.PublicKeySize && ed25519.Verify(key, digest, sig) {
			return nil
		}
	case *rsa.PublicKey, *PSSPublicKey:
		var err error
		if key := rsaKey(key); s.pss {
			err = rsa.VerifyPSS(key, s.hash, digest, sig, s.pssOptions())
		} else {
			err = rsa.VerifyPKCS1v15(key, s.hash, digest, sig)
		}
		if err == nil {
			return nil
		}
		if !errors.Is(err, rsa.ErrVerification) {
			return fmt.Errorf("%w: %v", ErrBadSignature, err) // the key is too small, say
		}
	}
	return ErrBadSignature
}

// Sign signs the bytes of signed with a private key, which may be elsewhere (on
// a token, in an agent).
func Sign(priv crypto.Signer, id tlsmsg.SignatureScheme, signed []byte, rand io.Reader) ([]byte, error) {
	if err := Fits(id, priv.Public()); err != nil {
		return nil, err
	}
	s := lookupScheme(id)
	opts := crypto.SignerOpts(s.hash)
	if s.pss {
		opts = s.pssOptions()
	}
	return priv.Sign(rand, s.digest(signed), opts)
}

// pssOptions sets the salt as long as the hash (RFC 9846, section 4.3.3).
func (s *scheme) pssOptions() *rsa.PSSOptions {
	return &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: s.hash}
}

func (s *scheme) digest(signed []byte) []byte {
	if s.hash == 0 {
		return signed
	}
	var h hash.Hash
	switch s.hash {
	case crypto.SHA256: // by far the most common, and in one go
		sum := sha256.Sum256(signed)
		return sum[:]
	case crypto.MD5SHA1: // which has no function of its own
		h = MD5SHA1.New()
	default:
		h = s.hash.New()
	}
	h.Write(signed)
	return h.Sum(nil)
}
