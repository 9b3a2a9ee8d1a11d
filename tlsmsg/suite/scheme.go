package suite

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"

	"github.com/rawshake/rawshake/tlsmsg"
)

// keyKind is a kind of public key, as far as a signature scheme cares.
type keyKind uint8

const (
	keyRSA keyKind = iota + 1
	keyECDSA
	keyEd25519
)

func (k keyKind) String() string {
	return [...]string{"unknown", "RSA", "ECDSA", "Ed25519"}[k]
}

func kindOf(pub any) keyKind {
	switch pub.(type) {
	case *rsa.PublicKey:
		return keyRSA
	case *ecdsa.PublicKey:
		return keyECDSA
	case ed25519.PublicKey:
		return keyEd25519
	}
	return 0
}

// scheme is a row of the table of signature schemes (RFC 8446, section 4.2.3,
// which TLS 1.2 shares where it negotiates these numbers).
type scheme struct {
	id   tlsmsg.SignatureScheme
	key  keyKind
	hash crypto.Hash // 0: the message itself is signed
	pss  bool
}

// schemes is the table, preferred first. The ECDSA rows do not fix the curve:
// in TLS 1.2 their numbers are the pairs of hash and ecdsa of RFC 5246,
// whatever RFC 8446 calls them.
var schemes = [...]scheme{
	{id: tlsmsg.SchemeECDSASecp256r1SHA256, key: keyECDSA, hash: crypto.SHA256},
	{id: tlsmsg.SchemeEd25519, key: keyEd25519},
	{id: tlsmsg.SchemeRSAPSSRSAESHA256, key: keyRSA, hash: crypto.SHA256, pss: true},
	{id: tlsmsg.SchemeRSAPKCS1SHA256, key: keyRSA, hash: crypto.SHA256},
	{id: tlsmsg.SchemeECDSASecp384r1SHA384, key: keyECDSA, hash: crypto.SHA384},
	{id: tlsmsg.SchemeRSAPSSRSAESHA384, key: keyRSA, hash: crypto.SHA384, pss: true},
	{id: tlsmsg.SchemeRSAPKCS1SHA384, key: keyRSA, hash: crypto.SHA384},
	{id: tlsmsg.SchemeECDSASecp521r1SHA512, key: keyECDSA, hash: crypto.SHA512},
	{id: tlsmsg.SchemeRSAPSSRSAESHA512, key: keyRSA, hash: crypto.SHA512, pss: true},
	{id: tlsmsg.SchemeRSAPKCS1SHA512, key: keyRSA, hash: crypto.SHA512},
}

func lookupScheme(id tlsmsg.SignatureScheme) *scheme {
	for i := range schemes {
		if schemes[i].id == id {
			return &schemes[i]
		}
	}
	return nil
}

// Schemes returns the signature schemes that [Verify] and [Sign] know,
// preferred first. The slice is fresh.
func Schemes() []tlsmsg.SignatureScheme {
	ids := make([]tlsmsg.SignatureScheme, len(schemes))
	for i := range schemes {
		ids[i] = schemes[i].id
	}
	return ids
}

// SchemesFor returns the schemes that a key can sign with in TLS 1.2,
// preferred first: none for a kind of key that is not known here.
func SchemesFor(pub crypto.PublicKey) (ids []tlsmsg.SignatureScheme) {
	for i := range schemes {
		if Fits(schemes[i].id, pub) == nil {
			ids = append(ids, schemes[i].id)
		}
	}
	return ids
}

// FitsKey returns nil if a server that signs with the private half of pub may do
// so in suite s, or says why not: ECDHE_RSA takes RSA keys, ECDHE_ECDSA those of
// ECDSA and EdDSA (RFC 8422, sections 2 and 5.10).
func (s *Suite) FitsKey(pub crypto.PublicKey) error {
	k := kindOf(pub)
	if (s.Authentication == AuthRSA) != (k == keyRSA) || k == 0 {
		return fmt.Errorf("suite %v does not go with a key of kind %T", s.ID, pub)
	}
	return nil
}

// Fits returns nil if a signature of this scheme can come from the private
// half of pub in TLS 1.2, or a sentence that says why not.
func Fits(id tlsmsg.SignatureScheme, pub crypto.PublicKey) error {
	s := lookupScheme(id)
	if s == nil {
		return fmt.Errorf("signature scheme %v is not known here", id)
	}
	if k := kindOf(pub); k != s.key {
		if k == 0 {
			return fmt.Errorf("signature scheme %v needs a key of kind %v, not %T", id, s.key, pub)
		}
		return fmt.Errorf("signature scheme %v needs a key of kind %v, not %v", id, s.key, k)
	}
	if key, ok := pub.(*rsa.PublicKey); ok && key.Size() < s.minRSASize() {
		return fmt.Errorf("signature scheme %v needs an RSA key of %d bytes or more, not %d", id, s.minRSASize(), key.Size())
	}
	return nil
}

// minRSASize is the shortest modulus, in bytes, that holds the encoding: twice
// the hash and two bytes for PSS (RFC 8017, section 9.1.1), the hash, its
// 19-byte DigestInfo and 11 bytes of padding for PKCS#1 (section 9.2).
func (s *scheme) minRSASize() int {
	if s.pss {
		return 2*s.hash.Size() + 2
	}
	return s.hash.Size() + 19 + 11
}
