// Puts certificates together from their elements.

package oddcert

import (
	"bytes"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// A Certificate is made of elements, each with its tag and length. Zero values
// are left out.
type Certificate struct {
	Version, Serial, Inner, Issuer, Validity, Subject, Key, Unique, Extensions []byte // what is signed
	Outer, Signature, After                                                    []byte
}

// DER is the certificate in octets.
func (c *Certificate) DER() []byte {
	tbs := seq(c.Version, c.Serial, c.Inner, c.Issuer, c.Validity, c.Subject, c.Key, c.Unique, c.Extensions)
	return append(seq(tbs, c.Outer, c.Signature), c.After...)
}

// tlv is an element: DER, with as few length octets as can be.
func tlv(tag byte, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	return append(head(tag, len(content)), content...)
}

func head(tag byte, n int) []byte {
	switch {
	case n < 0x80:
		return []byte{tag, byte(n)}
	case n < 0x100:
		return []byte{tag, 0x81, byte(n)}
	case n < 0x10000:
		return []byte{tag, 0x82, byte(n >> 8), byte(n)}
	}
	return []byte{tag, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}
}

// long is an element whose length has more octets than it needs.
func long(tag byte, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	n := len(content)
	return append([]byte{tag, 0x84, 0, 0, byte(n >> 8), byte(n)}, content...)
}

// open is a constructed element of no stated length.
func open(tag byte, parts ...[]byte) []byte {
	return slices.Concat([]byte{tag, 0x80}, bytes.Join(parts, nil), []byte{0, 0})
}

func seq(parts ...[]byte) []byte          { return tlv(0x30, parts...) }
func set(parts ...[]byte) []byte          { return tlv(0x31, parts...) }
func wrap(n byte, parts ...[]byte) []byte { return tlv(0xa0|n, parts...) }
func octets(parts ...[]byte) []byte       { return tlv(0x04, parts...) }
func bits(b []byte) []byte                { return tlv(0x03, []byte{0}, b) }
func str(tag byte, s string) []byte       { return tlv(tag, []byte(s)) }

var null, yes = []byte{5, 0}, []byte{1, 1, 0xff}

func number(n *big.Int) []byte {
	b := n.Bytes()
	if len(b) == 0 || b[0] >= 0x80 {
		b = append([]byte{0}, b...)
	}
	return tlv(2, b)
}

func small(n int64) []byte { return number(big.NewInt(n)) }

// oid is an object identifier from its dotted form.
func oid(dotted string) []byte {
	var b []byte
	arcs := strings.Split(dotted, ".")
	first := 0
	for i, text := range arcs {
		n, err := strconv.Atoi(text)
		if err != nil {
			panic(err)
		}
		switch i {
		case 0:
			first = n
			continue
		case 1:
			n += 40 * first
		}
		b = append(b, arc(n)...)
	}
	return tlv(6, b)
}

func arc(n int) []byte {
	b := []byte{byte(n & 0x7f)}
	for n >>= 7; n > 0; n >>= 7 {
		b = append([]byte{byte(n&0x7f) | 0x80}, b...)
	}
	return b
}

// attribute is a relative name of one attribute.
func attribute(id string, tag byte, value string) []byte { return set(pair(id, tag, value)) }

func pair(id string, tag byte, value string) []byte { return seq(oid(id), str(tag, value)) }

const (
	idCN, idC, idO, idOU, idEmail = "2.5.4.3", "2.5.4.6", "2.5.4.10", "2.5.4.11", "1.2.840.113549.1.9.1"

	utf8String, numericString, printableString, teletexString = 0x0c, 0x12, 0x13, 0x14
	ia5String, visibleString, universalString, bmpString      = 0x16, 0x1a, 0x1c, 0x1e
	utcTime, generalizedTime                                  = 0x17, 0x18
)

func commonName(cn string) []byte {
	return seq(attribute(idC, printableString, "DE"), attribute(idO, utf8String, "rawshake lab"), attribute(idCN, utf8String, cn))
}

func validity(notBefore, notAfter []byte) []byte { return seq(notBefore, notAfter) }

// extension is one of the list.
func extension(id string, critical bool, value []byte) []byte {
	if critical {
		return seq(oid(id), yes, octets(value))
	}
	return seq(oid(id), octets(value))
}

func extensions(list ...[]byte) []byte { return wrap(3, seq(list...)) }

// names is a subjectAltName of DNS names.
func names(list ...string) []byte {
	var parts [][]byte
	for _, n := range list {
		parts = append(parts, str(0x82, n))
	}
	return seq(parts...)
}

const (
	idNames, idUsage, idConstraints, idPurposes = "2.5.29.17", "2.5.29.15", "2.5.29.19", "2.5.29.37"
	idKeyID, idAuthorityKeyID, idPolicies       = "2.5.29.14", "2.5.29.35", "2.5.29.32"

	idRSA, idPSS, idEC, idDSA = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.10045.2.1", "1.2.840.10040.4.1"
	idSHA256RSA, idSHA1RSA    = "1.2.840.113549.1.1.11", "1.2.840.113549.1.1.5"
	idECDSA                   = "1.2.840.10045.4.3.2"
	idP256, idSHA256, idMGF1  = "1.2.840.10045.3.1.7", "2.16.840.1.101.3.4.2.1", "1.2.840.113549.1.1.8"
)

// rsaKey is a SubjectPublicKeyInfo.
func rsaKey(modulus *big.Int, exponent int64) []byte {
	return seq(seq(oid(idRSA), null), bits(seq(number(modulus), small(exponent))))
}

// modulus is an odd number of so many bits, and no product of two primes.
func modulus(size uint) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), size-1)
	return n.Add(n, big.NewInt(0x10001))
}

// p256 is the base point of the curve, as a key.
var p256 = append([]byte{4}, bytes.Join([][]byte{
	{0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96},
	{0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5},
}, nil)...)

func ecKey(parameters, point []byte) []byte { return seq(seq(oid(idEC), parameters), bits(point)) }

// plain is a certificate without fault.
func plain() *Certificate {
	algorithm := seq(oid(idECDSA))
	return &Certificate{
		Version: wrap(0, small(2)), Serial: small(0x1234567890), Inner: algorithm, Outer: algorithm,
		Issuer: commonName("rawshake lab CA"), Subject: commonName("odd.lab.test"),
		Validity: validity(str(utcTime, "250101000000Z"), str(utcTime, "350601000000Z")),
		Key:      ecKey(oid(idP256), p256),
		Extensions: extensions(
			extension(idAuthorityKeyID, false, seq(tlv(0x80, []byte{1, 2, 3, 4}))),
			extension(idUsage, true, []byte{3, 2, 7, 0x80}),
			extension(idNames, false, names("odd.lab.test", "www.odd.lab.test"))),
		Signature: bits(seq(small(12345), small(67890))),
	}
}
