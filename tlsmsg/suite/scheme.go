// Signature schemes, and which key can sign with which.

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
	keyPSS         // an RSA key that its certificate ties to PSS
	keyECDSA
	keyEd25519
)

func (k keyKind) String() string {
	return [...]string{"unknown", "RSA", "RSA-PSS", "ECDSA", "Ed25519"}[k]
}

// KnownKey reports whether a public key is of a kind that signs in TLS here: RSA,
// RSASSA-PSS, ECDSA or Ed25519.
func KnownKey(pub any) bool { return kindOf(pub) != 0 }

// KeyName names the kind of a public key, also of one that is not known here.
func KeyName(pub any) string {
	if k := kindOf(pub); k != 0 {
		return k.String()
	}
	return fmt.Sprintf("%T", pub)
}

func kindOf(pub any) keyKind {
	switch pub.(type) {
	case *rsa.PublicKey:
		return keyRSA
	case *PSSPublicKey:
		return keyPSS
	case *ecdsa.PublicKey:
		return keyECDSA
	case ed25519.PublicKey:
		return keyEd25519
	}
	return 0
}

// scheme is a row of the table of signature schemes (RFC 9846, section 4.3.3,
// which TLS 1.2 shares where it negotiates these numbers).
type scheme struct {
	id     tlsmsg.SignatureScheme
	key    keyKind
	hash   crypto.Hash // 0: the message itself is signed
	pss    bool
	legacy bool
}

// SchemeRSAPKCS1MD5SHA1 stands for the signature of an RSA key before TLS 1.2,
// which names no algorithms: PKCS#1 over MD5 and SHA-1 together, without a
// DigestInfo (RFC 4346, section 7.4.3). Its number is from the range for private
// use (RFC 9846, section 11) and never on the wire.
const SchemeRSAPKCS1MD5SHA1 tlsmsg.SignatureScheme = 0xFF01

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
	{id: tlsmsg.SchemeRSAPSSPSSSHA256, key: keyPSS, hash: crypto.SHA256, pss: true},
	{id: tlsmsg.SchemeRSAPSSPSSSHA384, key: keyPSS, hash: crypto.SHA384, pss: true},
	{id: tlsmsg.SchemeRSAPSSPSSSHA512, key: keyPSS, hash: crypto.SHA512, pss: true},
	{id: tlsmsg.SchemeECDSASHA1, key: keyECDSA, hash: crypto.SHA1, legacy: true},
	{id: tlsmsg.SchemeRSAPKCS1SHA1, key: keyRSA, hash: crypto.SHA1, legacy: true},
	{id: SchemeRSAPKCS1MD5SHA1, key: keyRSA, hash: crypto.MD5SHA1, legacy: true},
}

func lookupScheme(id tlsmsg.SignatureScheme) *scheme {
	for i := range schemes {
		if schemes[i].id == id {
			return &schemes[i]
		}
	}
	return nil
}

// Schemes returns the signature schemes that [Verify] and [Sign] know, but for
// those of SHA-1, preferred first. The slice is fresh.
func Schemes() (ids []tlsmsg.SignatureScheme) {
	for i := range schemes {
		if !schemes[i].legacy {
			ids = append(ids, schemes[i].id)
		}
	}
	return ids
}

// LegacySchemes returns the schemes of SHA-1, for looking at old hosts. The
// slice is fresh.
func LegacySchemes() []tlsmsg.SignatureScheme {
	return []tlsmsg.SignatureScheme{tlsmsg.SchemeECDSASHA1, tlsmsg.SchemeRSAPKCS1SHA1}
}

// SchemesFor returns the schemes that a key can sign with in TLS 1.2 but for
// those of SHA-1, preferred first: none for a kind of key that is not known here.
func SchemesFor(pub crypto.PublicKey) (ids []tlsmsg.SignatureScheme) {
	for i := range schemes {
		if !schemes[i].legacy && Fits(schemes[i].id, pub) == nil {
			ids = append(ids, schemes[i].id)
		}
	}
	return ids
}

// ImpliedScheme returns the scheme that a key's kind stands for before TLS 1.2
// (RFC 4346, section 7.4.3; RFC 8422, section 5.4): MD5 and SHA-1 for RSA, SHA-1
// for ECDSA; or 0 for a key that no such version knows.
func ImpliedScheme(pub crypto.PublicKey) tlsmsg.SignatureScheme {
	switch kindOf(pub) {
	case keyRSA:
		return SchemeRSAPKCS1MD5SHA1
	case keyECDSA:
		return tlsmsg.SchemeECDSASHA1
	}
	return 0
}

// FitsKey returns nil if a server may use the private half of pub in suite s, or
// says why not: RSA key exchange and RSA signatures take RSA keys, ECDHE_ECDSA
// those of ECDSA and EdDSA (RFC 8422, sections 2 and 5.10). EdDSA, and keys that
// are for PSS alone, are of TLS 1.2, and the latter only sign.
func (s *Suite) FitsKey(pub crypto.PublicKey) error {
	fits := false
	switch kind := kindOf(pub); {
	case s.Version >= tlsmsg.VersionTLS13: // any that signs
		fits = kind != 0
	default:
		fits = s.fitsKind(kind)
	}
	if !fits {
		return fmt.Errorf("suite %v of %v does not go with a key of kind %s", s.ID, s.Version, KeyName(pub))
	}
	return nil
}

func (s *Suite) fitsKind(kind keyKind) (fits bool) {
	switch kind {
	case keyRSA:
		fits = s.Authentication == AuthRSA
	case keyPSS:
		fits = s.Authentication == AuthRSA && s.KeyExchange != tlsmsg.KeyExchangeRSA && s.Version == tlsmsg.VersionTLS12
	case keyECDSA:
		fits = s.Authentication == AuthECDSA
	case keyEd25519:
		fits = s.Authentication == AuthECDSA && s.Version == tlsmsg.VersionTLS12
	}
	return fits
}

// Fits returns nil if a signature of this scheme can come from the private
// half of pub in TLS 1.2, or a sentence that says why not.
func Fits(id tlsmsg.SignatureScheme, pub crypto.PublicKey) error {
	s := lookupScheme(id)
	switch {
	case s == nil && id == 0: // ImpliedScheme's
		return fmt.Errorf("a key of kind %s signs nothing before TLS 1.2", KeyName(pub))
	case s == nil:
		return fmt.Errorf("signature scheme %v is not known here", id)
	case kindOf(pub) != s.key:
		return fmt.Errorf("signature scheme %v needs a key of kind %v, not %s", id, s.key, KeyName(pub))
	}
	if key := rsaKey(pub); key != nil && key.Size() < s.minRSASize() {
		return fmt.Errorf("signature scheme %v needs an RSA key of %d bytes or more, not %d", id, s.minRSASize(), key.Size())
	}
	if key, ok := pub.(*PSSPublicKey); ok && key.Hash != 0 && key.Hash != s.hash {
		return fmt.Errorf("signature scheme %v needs a key for %v, and the certificate ties this one to %v", id, s.hash, key.Hash)
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

// Signs13 reports whether a scheme is one for CertificateVerify in TLS 1.3, and is
// known here: without PKCS #1 and without SHA-1 (RFC 9846, section 4.3.3).
func Signs13(id tlsmsg.SignatureScheme) bool {
	s := lookupScheme(id)
	return s != nil && !s.legacy && (s.key != keyRSA || s.pss)
}

// Fits13 is [Fits] in TLS 1.3, where schemes of ECDSA name the curve too.
func Fits13(id tlsmsg.SignatureScheme, pub crypto.PublicKey) error {
	if err := Fits(id, pub); err != nil {
		return err
	}
	if !Signs13(id) {
		return fmt.Errorf("signature scheme %v signs no handshake of TLS 1.3", id)
	}
	if want := SchemeCurve(id); want != 0 && CurveOf(pub) != want {
		return fmt.Errorf("signature scheme %v needs a key on %v, not %v", id, want, CurveOf(pub))
	}
	return nil
}

// SchemeCurve returns the curve that a scheme of ECDSA is for in TLS 1.3, or 0.
func SchemeCurve(id tlsmsg.SignatureScheme) tlsmsg.NamedGroup {
	switch id {
	case tlsmsg.SchemeECDSASecp256r1SHA256:
		return tlsmsg.GroupSecp256r1
	case tlsmsg.SchemeECDSASecp384r1SHA384:
		return tlsmsg.GroupSecp384r1
	case tlsmsg.SchemeECDSASecp521r1SHA512:
		return tlsmsg.GroupSecp521r1
	}
	return 0
}
