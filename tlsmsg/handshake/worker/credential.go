// Credentials: the public half of a certificate of our own, checked against its
// key.

package worker

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// NewCredential makes the public half of a certificate of our own from its
// chain (DER, the leaf first) and checks that the key is the leaf's. Put the
// key at the same position in Worker.Signers.
func NewCredential(chain [][]byte, key crypto.Signer) (handshake.Credential, error) {
	var none handshake.Credential
	if len(chain) == 0 {
		return none, errors.New("certificate: empty chain")
	}
	cred := handshake.Credential{Chain: chain, Schemes: suite.SchemesFor(key.Public()), Curve: suite.CurveOf(key.Public())}
	if len(cred.Schemes) == 0 {
		return none, fmt.Errorf("certificate: keys of type %T are not supported", key.Public())
	}
	for i, der := range chain {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return none, fmt.Errorf("certificate: number %d of the chain: %w", i+1, err)
		}
		cred.Issuers = append(cred.Issuers, cert.RawIssuer)
		if i > 0 {
			continue
		}
		pub, ok := keyOf(cert).(interface{ Equal(crypto.PublicKey) bool })
		if !ok || !pub.Equal(key.Public()) {
			return none, errors.New("certificate: the private key is not that of the first certificate")
		}
	}
	return cred, nil
}

// NewServerCredential makes the public half of a server certificate. See
// [NewCredential].
func NewServerCredential(chain [][]byte, key crypto.Signer) (handshake.ServerCredential, error) {
	cred, err := NewCredential(chain, key)
	return handshake.ServerCredential{Credential: cred}, err
}
