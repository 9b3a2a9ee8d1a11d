// Keys and signatures that are too weak, or cannot be checked.

package worker

import (
	"crypto"
	"crypto/ecdsa"
	_ "crypto/md5"
	"crypto/rsa"
	_ "crypto/sha1"
	"crypto/x509"
	"fmt"

	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// minRSABits bounds the modulus of an RSA key of a chain where the work does
// not say: the 112 bits of security of NIST SP 800-57. No curve that
// crypto/x509 reads is weaker.
const minRSABits = 2048

// weakness says what makes a key too weak, or nothing.
func weakness(key any, minBits int) string {
	bits := suite.RSABits(key)
	switch {
	case bits > 0 && bits < minBits:
		return fmt.Sprintf("an RSA key of %d bits, expected at least %d", bits, minBits)
	case bits > 0 && senseless(key):
		return "an RSA key whose exponent is less than 3 or even: anybody could sign with it"
	}
	return ""
}

// senseless reports whether an exponent makes no RSA key (RFC 8017, section 3.1).
func senseless(key any) bool {
	k, ok := key.(*rsa.PublicKey)
	return ok && (k.E < 3 || k.E%2 == 0)
}

// weakAlgorithms are those that crypto/x509 knows and does not take: collisions
// of their hashes can be made.
var weakAlgorithms = map[x509.SignatureAlgorithm]string{
	x509.MD2WithRSA: "MD2", x509.MD5WithRSA: "MD5", x509.SHA1WithRSA: "SHA-1",
	x509.DSAWithSHA1: "DSA and SHA-1", x509.ECDSAWithSHA1: "SHA-1",
}

// known reports whether crypto/x509 can check signatures of an algorithm, weak
// or not.
func known(a x509.SignatureAlgorithm) bool {
	return a != x509.UnknownSignatureAlgorithm && a != x509.DSAWithSHA256
}

// signs reports whether one certificate's key made another's signature, be it a
// weak one. Whether it may sign at all is not asked.
func signs(parent, child *x509.Certificate) bool {
	if parent.PublicKey == nil {
		return false
	}
	switch child.SignatureAlgorithm {
	case x509.MD5WithRSA:
		return signsRSA(parent, child, crypto.MD5)
	case x509.SHA1WithRSA:
		return signsRSA(parent, child, crypto.SHA1)
	case x509.ECDSAWithSHA1:
		key, ok := parent.PublicKey.(*ecdsa.PublicKey)
		return ok && ecdsa.VerifyASN1(key, digest(crypto.SHA1, child), child.Signature)
	}
	return parent.CheckSignature(child.SignatureAlgorithm, child.RawTBSCertificate, child.Signature) == nil
}

func signsRSA(parent, child *x509.Certificate, h crypto.Hash) bool {
	key, ok := parent.PublicKey.(*rsa.PublicKey)
	return ok && rsa.VerifyPKCS1v15(key, h, digest(h, child), child.Signature) == nil
}

func digest(h crypto.Hash, cert *x509.Certificate) []byte {
	d := h.New()
	d.Write(cert.RawTBSCertificate)
	return d.Sum(nil)
}
