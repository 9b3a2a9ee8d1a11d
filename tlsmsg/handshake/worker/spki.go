// The public key of a certificate that crypto/x509 refuses, or whose key it
// does not know.

package worker

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"math/big"

	"github.com/rawshake/rawshake/tlsmsg/der"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// The key is only what the peer claims; the verdict on the certificate stays.

// PublicKey returns the public key of a certificate (DER) as crypto/x509
// returns it, or a *suite.PSSPublicKey, also if crypto/x509 refuses the
// certificate. It returns nil if there is none to be read, or it is too long to
// compute with.
func PublicKey(cert []byte) any { return digKey(cert) }

// digKey returns the public key of a certificate, or nil where none can be read.
func digKey(cert []byte) any {
	spki := der.SPKI(cert)
	if spki == nil {
		return nil
	}
	if key, err := x509.ParsePKIXPublicKey(spki); err == nil && suite.KnownKey(key) && suite.RSABits(key) <= maxRSABits {
		return key
	}
	return parseRSA(spki)
}

// Tags of DER that the walk meets (X.690, section 8).
const (
	tagInteger   = 0x02
	tagBitString = 0x03
	tagOID       = 0x06
	tagSequence  = 0x30
	tagContext0  = 0xA0
)

// tlv is one element: its tag, its content, and all of its bytes.
type tlv struct {
	tag          byte
	content, raw []byte
}

// next splits the first element off b. Lengths may take more bytes than they
// need, as some certificates have it, but not more than four; the indefinite
// form is refused.
func next(b []byte) (e tlv, rest []byte, ok bool) {
	if len(b) < 2 || b[0]&0x1F == 0x1F {
		return e, nil, false
	}
	n, head := int(b[1]), 2
	if n >= 0x80 {
		count := n & 0x7F
		if count == 0 || count > 4 || len(b) < 2+count {
			return e, nil, false
		}
		n = 0
		for _, x := range b[2 : 2+count] {
			n = n<<8 | int(x)
		}
		head += count
	}
	if n < 0 || n > len(b)-head { // below 0: where int has 32 bits
		return e, nil, false
	}
	return tlv{b[0], b[head : head+n], b[:head+n]}, b[head+n:], true
}

// inside returns the content of the first element if it has a tag.
func inside(b []byte, tag byte) ([]byte, bool) {
	e, _, ok := next(b)
	return e.content, ok && e.tag == tag
}

var (
	oidRSA = []byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1}  // rsaEncryption (RFC 8017, appendix A.1)
	oidPSS = []byte{0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 10} // id-RSASSA-PSS (RFC 8017, appendix A.2.3)

	// hashes of RSASSA-PSS-params (RFC 8017, appendix B.1).
	hashOIDs = map[string]crypto.Hash{
		"\x2b\x0e\x03\x02\x1a":                 crypto.SHA1,
		"\x60\x86\x48\x01\x65\x03\x04\x02\x01": crypto.SHA256,
		"\x60\x86\x48\x01\x65\x03\x04\x02\x02": crypto.SHA384,
		"\x60\x86\x48\x01\x65\x03\x04\x02\x03": crypto.SHA512,
	}
)

// maxRSABits bounds a modulus that is computed with: a signature check with a
// longer one would take too long.
const maxRSABits = 16384

// parseRSA reads an RSA key from its SubjectPublicKeyInfo, also one that is tied
// to PSS, which crypto/x509 does not know.
func parseRSA(spki []byte) any {
	b, _ := inside(spki, tagSequence)
	algorithm, b, ok := next(b)
	if !ok || algorithm.tag != tagSequence {
		return nil
	}
	oid, parameters, ok := next(algorithm.content)
	bits, isBits := inside(b, tagBitString)
	if !ok || oid.tag != tagOID || !isBits || len(bits) < 1 || bits[0] != 0 {
		return nil
	}
	key := rsaNumbers(bits[1:])
	switch {
	case key == nil:
		return nil
	case bytes.Equal(oid.content, oidRSA):
		return key
	case bytes.Equal(oid.content, oidPSS):
		hash, ok := pssHash(parameters)
		if !ok {
			return nil
		}
		return &suite.PSSPublicKey{RSA: key, Hash: hash}
	}
	return nil
}

// rsaNumbers reads RSAPublicKey (RFC 8017, appendix A.1.1).
func rsaNumbers(b []byte) *rsa.PublicKey {
	b, ok := inside(b, tagSequence)
	if !ok {
		return nil
	}
	n, b, ok1 := next(b)
	e, _, ok2 := next(b)
	if !ok1 || !ok2 || n.tag != tagInteger || e.tag != tagInteger {
		return nil
	}
	modulus, exponent := new(big.Int).SetBytes(n.content), new(big.Int).SetBytes(e.content)
	if modulus.BitLen() > maxRSABits || modulus.Bit(0) == 0 || exponent.BitLen() > 31 || exponent.Int64() < 3 || exponent.Bit(0) == 0 {
		return nil
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent.Int64())}
}

// pssHash reads the hash that RSASSA-PSS-params tie a key to: 0, any, without
// parameters; SHA-1 where they do not say (RFC 4055, section 3.1).
func pssHash(parameters []byte) (crypto.Hash, bool) {
	e, _, ok := next(parameters)
	if !ok || e.tag != tagSequence {
		return 0, len(parameters) == 0
	}
	hash, _, ok := next(e.content)
	if !ok || hash.tag != tagContext0 {
		return crypto.SHA1, true
	}
	algorithm, ok := inside(hash.content, tagSequence)
	if !ok {
		return 0, false
	}
	oid, ok := inside(algorithm, tagOID)
	h, known := hashOIDs[string(oid)]
	return h, ok && known
}
