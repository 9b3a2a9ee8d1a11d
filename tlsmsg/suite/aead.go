// AES-GCM and ChaCha20-Poly1305 as TLS 1.2 uses them.

package suite

import (
	"crypto/cipher"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	aeadNonceLen = 12
	aeadTagLen   = 16
	// gcmExplicitLen is GCMNonce.nonce_explicit, sent before each ciphertext
	// (RFC 5288, section 3).
	gcmExplicitLen = 8
)

// aesGCM is AES-GCM as RFC 5288 uses it: the nonce is the direction's fixed IV
// followed by eight bytes that go with the record. Ours are the sequence
// number, so that they cannot repeat.
type aesGCM struct {
	aead  cipher.AEAD
	nonce [aeadNonceLen]byte
}

func newAESGCM(k DirectionKeys) (recordCipher, error) {
	aead, err := newGCM(k.Key)
	if err != nil {
		return nil, err
	}
	c := &aesGCM{aead: aead}
	copy(c.nonce[:], k.IV)
	return c, nil
}

func (c *aesGCM) overhead() int { return gcmExplicitLen + aeadTagLen }

func (c *aesGCM) seal(dst []byte, a *additionalData, plaintext []byte) []byte {
	copy(c.nonce[aeadNonceLen-gcmExplicitLen:], a.seq())
	dst = append(dst, a.seq()...)
	return c.aead.Seal(dst, c.nonce[:], plaintext, a[:])
}

func (c *aesGCM) open(a *additionalData, fragment []byte) ([]byte, error) {
	if len(fragment) < gcmExplicitLen+aeadTagLen {
		return nil, ErrBadRecordMAC
	}
	copy(c.nonce[aeadNonceLen-gcmExplicitLen:], fragment)
	sealed := fragment[gcmExplicitLen:]
	a.setLength(len(sealed) - aeadTagLen)
	plaintext, err := c.aead.Open(sealed[:0], c.nonce[:], sealed, a[:])
	if err != nil {
		return nil, ErrBadRecordMAC
	}
	return plaintext, nil
}

// chaCha20Poly1305 is RFC 7905: the nonce is the fixed IV XOR the sequence
// number, and nothing of it is sent.
type chaCha20Poly1305 struct {
	aead      cipher.AEAD
	iv, nonce [aeadNonceLen]byte
}

func newChaCha20Poly1305(k DirectionKeys) (recordCipher, error) {
	aead, err := chacha20poly1305.New(k.Key)
	if err != nil {
		return nil, err
	}
	c := &chaCha20Poly1305{aead: aead}
	copy(c.iv[:], k.IV)
	return c, nil
}

func (c *chaCha20Poly1305) overhead() int { return aeadTagLen }

// setNonce makes the per-record nonce (RFC 7905, section 2).
func (c *chaCha20Poly1305) setNonce(a *additionalData) {
	c.nonce = c.iv
	for i, b := range a.seq() {
		c.nonce[aeadNonceLen-8+i] ^= b
	}
}

func (c *chaCha20Poly1305) seal(dst []byte, a *additionalData, plaintext []byte) []byte {
	c.setNonce(a)
	return c.aead.Seal(dst, c.nonce[:], plaintext, a[:])
}

func (c *chaCha20Poly1305) open(a *additionalData, fragment []byte) ([]byte, error) {
	if len(fragment) < aeadTagLen {
		return nil, ErrBadRecordMAC
	}
	c.setNonce(a)
	a.setLength(len(fragment) - aeadTagLen)
	plaintext, err := c.aead.Open(fragment[:0], c.nonce[:], fragment, a[:])
	if err != nil {
		return nil, ErrBadRecordMAC
	}
	return plaintext, nil
}
