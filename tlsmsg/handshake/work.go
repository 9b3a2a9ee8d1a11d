// The work that a machine asks its driver to do.

package handshake

import (
	"errors"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// Work is something slow or outside that the machine asks its driver to do:
// cryptography with private keys, randomness, and the system's root store stay
// out of the machine. The driver calls Work, does it, and passes the result to
// Resume. While work is outstanding the machine makes no progress.
type Work interface{ work() }

// KeyPairWork asks for an ephemeral key pair: in Group, or where Prime is set, in
// that finite field of the peer's choice, which is to be checked (suite.CheckDH).
// Result: KeyPairResult.
type KeyPairWork struct {
	Group            tlsmsg.NamedGroup
	Prime, Generator []byte // big-endian; then Group may be 0
	Share            bool   // for TLS 1.3's key_share (suite.NewShare)
	Seed             []byte // the Share is made from it alone (suite.SeedReader); nil: from the driver's randomness
	// Beside is the Private of another share of the same Seed, whose group is a hybrid
	// with Group in it: its key on the curve may serve for both, as at most one of the two is
	// used (draft-ietf-tls-hybrid-design, section 3.2). Nil: there is none.
	Beside any
}

// KeyPairResult is the outcome of KeyPairWork.
type KeyPairResult struct {
	PublicKey []byte        // to send: an uncompressed point, 32 bytes of X25519, or a number
	Private   any           // the driver's own; it comes back in SharedSecretWork
	DH        suite.DHGroup // of Prime
	Err       error         // wraps suite.ErrDHGroup if the peer's group is the reason
}

// SharedSecretWork asks for the agreement of an ephemeral key pair with the
// peer's public key, which of a group with ML-KEM is what the peer has
// encapsulated. Result: SharedSecretResult.
type SharedSecretWork struct {
	Private any    // of KeyPairResult
	PeerKey []byte // in the form of KeyPairResult.PublicKey
	// Encapsulate is a group with ML-KEM, in which a server answers the peer's share
	// (suite.Encapsulate): then Private is nil, and the result holds the share to send.
	Encapsulate tlsmsg.NamedGroup
}

// SharedSecretResult is the outcome of SharedSecretWork.
type SharedSecretResult struct {
	Secret []byte // pre_master_secret, or what TLS 1.3 calls (EC)DHE
	Share  []byte // of Encapsulate
	Err    error  // wraps suite.ErrPeerKey if the peer's key is the reason
}

// EncryptWork asks for a pre_master_secret, encrypted to the server's RSA key:
// Version and 46 random bytes (RFC 5246, section 7.4.7.1). Result: EncryptResult.
type EncryptWork struct {
	PublicKey any
	Version   tlsmsg.Version // ClientHello.client_version
}

// EncryptResult is the outcome of EncryptWork.
type EncryptResult struct {
	Encrypted       []byte
	PreMasterSecret []byte
	Err             error
}

// VerifyChainWork asks whether a chain is valid for a server name, or for a
// client. Result: VerifyChainResult.
type VerifyChainWork struct {
	Chain      [][]byte // DER, the leaf first
	ServerName string
	Client     bool // a client's chain: there is no name to check
	Decrypts   bool // what the key is for (keyUsage): RSA key exchange, not signatures
	Resumed    bool // the chain of an earlier handshake: its key is not used
	MinRSABits int  // the minimum modulus of an RSA key above the leaf, in bits; 0: 2048
}

// VerifyChainResult is the outcome of VerifyChainWork.
type VerifyChainResult struct {
	// PublicKey is the leaf's key as crypto/x509 gives it, a *suite.PSSPublicKey,
	// or nil where it cannot be read; then the handshake fails.
	PublicKey any
	// Verdict is nil for a chain and name that verify, or says why they do not.
	Verdict error
	// Alert is the alert for such a verdict (RFC 5246, section 7.2.2). 0:
	// bad_certificate.
	Alert tlsmsg.AlertDescription
}

// VerifyStatusWork asks what a stapled OCSP response says of a chain's leaf.
// Result: VerifyStatusResult.
type VerifyStatusWork struct {
	Chain    [][]byte // DER, the leaf first
	Response []byte   // DER (RFC 6960, section 4.2.1)
	Verdict  error    // on the chain so far
}

// VerifyStatusResult is the outcome of VerifyStatusWork.
type VerifyStatusResult struct {
	Status  CertificateStatus
	Text    string // a sentence about it
	Verdict error  // on the chain, with the status
}

// A CertificateStatus is what a stapled OCSP response says (RFC 6960, section
// 2.2), or that it counts for nothing.
type CertificateStatus string

// What an OCSP response says of a certificate (RFC 6960, section 2.2).
const (
	StatusGood     CertificateStatus = "good"
	StatusRevoked  CertificateStatus = "revoked"
	StatusUnknown  CertificateStatus = "unknown"  // to the CA
	StatusUnusable CertificateStatus = "unusable" // not signed by the CA, not of this time, or about another
)

// VerifySignatureWork asks whether Signature over Signed is good. Result:
// VerifySignatureResult.
type VerifySignatureWork struct {
	PublicKey any
	Scheme    tlsmsg.SignatureScheme
	Signed    []byte // the bytes that are hashed and signed
	Signature []byte
}

// VerifySignatureResult is the outcome of VerifySignatureWork.
type VerifySignatureResult struct{ Err error }

// SignWork asks for a signature with the private key of
// Config.Credentials[Credential]. Result: SignResult.
type SignWork struct {
	Credential int
	Scheme     tlsmsg.SignatureScheme
	Signed     []byte
}

// SignResult is the outcome of SignWork.
type SignResult struct {
	Signature []byte
	Err       error
}

// RandomWork asks for randomness: of another ClientHello, or for what a ticket is
// made of. Result: RandomResult.
type RandomWork struct{}

// RandomResult is the outcome of RandomWork.
type RandomResult struct{ Random [32]byte }

// Result is the outcome of a piece of Work.
type Result interface{ result() }

// drawn refuses a Random that the driver has forgotten to draw: it has to be
// unpredictable (RFC 9846, section 4.2.2).
func drawn(random *[32]byte, field string) error {
	if *random != [32]byte{} {
		return nil
	}
	return &InternalError{What: field + " is zero", Err: errors.New("the driver must fill it from crypto/rand, for each connection anew")}
}

func (KeyPairWork) work()             {}
func (SharedSecretWork) work()        {}
func (EncryptWork) work()             {}
func (VerifyChainWork) work()         {}
func (VerifyStatusWork) work()        {}
func (VerifySignatureWork) work()     {}
func (SignWork) work()                {}
func (RandomWork) work()              {}
func (KeyPairResult) result()         {}
func (SharedSecretResult) result()    {}
func (EncryptResult) result()         {}
func (VerifyChainResult) result()     {}
func (VerifyStatusResult) result()    {}
func (VerifySignatureResult) result() {}
func (SignResult) result()            {}
func (RandomResult) result()          {}
