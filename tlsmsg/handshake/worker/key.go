// Private keys of our own, read from PKCS #8.

package worker

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"fmt"

	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// ParsePKCS8 reads a private key from PKCS #8 (RFC 5208), DER. It takes the
// keys that crypto/x509 takes, and RSA keys that are tied to PSS (RFC 4055,
// section 6), which become a *suite.PSSSigner.
func ParsePKCS8(der []byte) (crypto.Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		if signer := parsePSS(der); signer != nil {
			return signer, nil
		}
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a private key of type %T cannot sign", key)
	}
	return signer, nil
}

const tagOctetString = 0x04

// parsePSS reads a PrivateKeyInfo whose algorithm is id-RSASSA-PSS, or returns nil.
func parsePSS(der []byte) crypto.Signer {
	b, _ := inside(der, tagSequence)
	version, b, ok := next(b)
	if !ok || version.tag != tagInteger {
		return nil
	}
	algorithm, b, ok := next(b)
	if !ok || algorithm.tag != tagSequence {
		return nil
	}
	oid, parameters, ok := next(algorithm.content)
	inner, isKey := inside(b, tagOctetString)
	if !ok || !isKey || oid.tag != tagOID || !bytes.Equal(oid.content, oidPSS) {
		return nil
	}
	hash, known := pssHash(parameters)
	key, err := x509.ParsePKCS1PrivateKey(inner)
	if !known || err != nil {
		return nil
	}
	return &suite.PSSSigner{Key: key, Hash: hash}
}
