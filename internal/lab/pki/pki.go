// Package pki makes the lab's certificates: a CA, a server's and a client's, of
// each kind of key, and with each fault that a client must notice; and keeps
// them as files that have no names.
package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// A KeyType is the kind of a certificate's key.
type KeyType string

// The kinds of keys. The zero KeyType means ECDSAP256.
const (
	ECDSAP256 KeyType = "ecdsa-p256"
	ECDSAP384 KeyType = "ecdsa-p384"
	ECDSAP521 KeyType = "ecdsa-p521"
	RSA1024   KeyType = "rsa-1024" // too small for today
	RSA2048   KeyType = "rsa-2048"
	RSA4096   KeyType = "rsa-4096"
	Ed25519   KeyType = "ed25519"
)

// KeyTypes are all kinds of keys.
var KeyTypes = []KeyType{ECDSAP256, ECDSAP384, ECDSAP521, RSA1024, RSA2048, RSA4096, Ed25519}

func (k KeyType) generate() (crypto.Signer, error) {
	switch k {
	case "", ECDSAP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ECDSAP384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case ECDSAP521:
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case RSA1024:
		return rsa.GenerateKey(rand.Reader, 1024)
	case RSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case RSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	case Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	default:
		return nil, fmt.Errorf("lab: no key type %q", string(k))
	}
}

// A Fault is what is wrong with the server's certificate.
type Fault string

// The faults of a certificate. The zero Fault is none.
const (
	Expired      Fault = "expired"       // its notAfter is past
	NotYetValid  Fault = "not-yet-valid" // its notBefore is to come
	SelfSigned   Fault = "self-signed"   // signed by its own key, not by the CA
	UnknownCA    Fault = "unknown-ca"    // signed by a CA that nobody knows
	WrongName    Fault = "wrong-name"    // for another host and address
	WrongUse     Fault = "wrong-use"     // for clients
	BadSignature Fault = "bad-signature" // a bit of the CA's signature is wrong
	// Escapes puts terminal control sequences into the subject. The
	// certificate verifies.
	Escapes Fault = "escapes"
)

// Faults are all faults of a certificate.
var Faults = []Fault{Expired, NotYetValid, SelfSigned, UnknownCA, WrongName, WrongUse, BadSignature, Escapes}

// ServerName is the host name in the server's certificate.
const ServerName = "server.lab.test"

// HostileName is the subject's common name under [Escapes].
const HostileName = "\x1b[2J\x1b[31mserver\x1b[0m\a\u202egnp.\r\nok: verified"

// A Credential is a certificate and its key.
type Credential struct {
	Cert *x509.Certificate
	Key  crypto.Signer
}

// CertPEM is the certificate as --ca and --cert read it.
func (c Credential) CertPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Cert.Raw})
}

// KeyPEM is the key, in PKCS #8, as --key reads it.
func (c Credential) KeyPEM() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(c.Key)
	if err != nil {
		panic(err) // every KeyType has a PKCS #8 form
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// TLS is the credential for a peer made of crypto/tls.
func (c Credential) TLS() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{c.Cert.Raw}, PrivateKey: c.Key, Leaf: c.Cert}
}

// A PKI is the lab's certificates, made anew each time.
type PKI struct {
	CA, Server, Client Credential
	ECH                *ECH // nil: the server reads no encrypted ClientHello
}

// Options choose the certificates. The zero value serves well.
type Options struct {
	ServerKey KeyType
	ClientKey KeyType
	Fault     Fault
	// Names and Addresses stand in the server's certificate beside [ServerName].
	Names     []string
	Addresses []netip.Addr
	// Local has it be for "localhost" and the loopback addresses too: who runs a
	// server calls it so.
	Local bool
	// ECH, if set, is the public name of an encrypted ClientHello: the certificate is
	// for it too.
	ECH string
	// Issuer, if set, is used instead of a fresh CA.
	Issuer *Credential
}

// New makes a CA, a server's certificate and a client's.
func New(o Options) (*PKI, error) {
	var p PKI
	var err error
	if o.Issuer != nil {
		p.CA = *o.Issuer
	} else if p.CA, err = newCA("rawshake lab CA"); err != nil {
		return nil, err
	}
	if o.ECH != "" {
		if p.ECH, err = newECH(o.ECH); err != nil {
			return nil, err
		}
		o.Names = append(slices.Clone(o.Names), o.ECH)
	}
	server, issuer, err := serverTemplate(o, &p.CA)
	if err != nil {
		return nil, err
	}
	if p.Server, err = issue(server, o.ServerKey, issuer); err != nil {
		return nil, err
	}
	if o.Fault == BadSignature {
		if p.Server.Cert, err = spoilt(p.Server.Cert); err != nil {
			return nil, err
		}
	}
	client := template("client.lab.test")
	client.KeyUsage = x509.KeyUsageDigitalSignature
	client.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if p.Client, err = issue(client, o.ClientKey, &p.CA); err != nil {
		return nil, err
	}
	return &p, nil
}

func newCA(name string) (Credential, error) {
	ca := template(name)
	ca.IsCA, ca.BasicConstraintsValid = true, true
	ca.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	return issue(ca, ECDSAP256, nil)
}

// spoilt is the certificate with a bit of its signature changed: the last byte
// of its DER.
func spoilt(c *x509.Certificate) (*x509.Certificate, error) {
	raw := bytes.Clone(c.Raw)
	raw[len(raw)-1] ^= 1
	return x509.ParseCertificate(raw)
}

func serverTemplate(o Options, ca *Credential) (t *x509.Certificate, issuer *Credential, err error) {
	t, issuer = template(ServerName), ca
	t.KeyUsage = x509.KeyUsageDigitalSignature
	if strings.HasPrefix(string(o.ServerKey), "rsa") {
		t.KeyUsage |= x509.KeyUsageKeyEncipherment // for RSA key exchange
	}
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	t.DNSNames = append([]string{ServerName}, o.Names...)
	addresses := o.Addresses
	if o.Local {
		t.DNSNames = append(t.DNSNames, "localhost")
		addresses = append(slices.Clone(addresses), netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback())
	}
	for i, a := range addresses {
		if a.IsValid() && !slices.Contains(addresses[:i], a) {
			t.IPAddresses = append(t.IPAddresses, net.IP(a.AsSlice()))
		}
	}
	switch o.Fault {
	case "", BadSignature:
	case NotYetValid:
		t.NotBefore, t.NotAfter = t.NotBefore.AddDate(0, 0, 2), t.NotAfter.AddDate(0, 0, 2)
	case UnknownCA:
		other, err := newCA("somebody else's CA")
		if err != nil {
			return nil, nil, err
		}
		issuer = &other
	case WrongUse:
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	case Expired:
		t.NotBefore, t.NotAfter = t.NotBefore.AddDate(-1, 0, 0), t.NotBefore.AddDate(0, 0, -1)
	case SelfSigned:
		issuer = nil
	case WrongName:
		const other = "other.lab.test"
		t.Subject.CommonName, t.DNSNames = other, []string{other}
		t.IPAddresses = []net.IP{net.IPv4(198, 18, 255, 254)}
	case Escapes:
		t.Subject.CommonName = HostileName
	default:
		return nil, nil, fmt.Errorf("lab: no certificate fault %q", string(o.Fault))
	}
	return t, issuer, nil
}

func template(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name, Organization: []string{"rawshake lab"}},
		// An hour back: clocks of a host and its guests differ.
		NotBefore: now.Add(-time.Hour),
		NotAfter:  now.AddDate(0, 0, 7),
	}
}

// issue makes a key and a certificate signed by issuer, or by itself.
func issue(t *x509.Certificate, kind KeyType, issuer *Credential) (Credential, error) {
	key, err := kind.generate()
	if err != nil {
		return Credential{}, err
	}
	// RFC 5280 4.1.2.2: positive, at most 20 octets.
	if t.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126)); err != nil {
		return Credential{}, err
	}
	t.SerialNumber.Add(t.SerialNumber, big.NewInt(1))
	parent, signer := t, key
	if issuer != nil {
		parent, signer = issuer.Cert, issuer.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, key.Public(), signer)
	if err != nil {
		return Credential{}, fmt.Errorf("lab: make the certificate of %q: %w", t.Subject.CommonName, err)
	}
	cert, err := x509.ParseCertificate(der)
	return Credential{Cert: cert, Key: key}, err
}
