// The kinds of odd certificates.

package oddcert

import (
	"bytes"
	"fmt"
	"math/big"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg/der"
)

// A Kind is a certificate that is odd in one way.
type Kind struct {
	Name    string
	Anomaly der.Anomaly // what it is called; empty: it is allowed, and rare
	Part    string      // where it is
	DER     []byte
}

// Kinds returns all of them, the plain one first.
func Kinds() (list []Kind) {
	for _, group := range [][]odd{{{"plain", "", "", func(*Certificate) {}}}, numbers, times, subjects, keys, extensionKinds, encodings} {
		for _, o := range group {
			c := plain()
			o.change(c)
			list = append(list, Kind{o.name, o.anomaly, o.part, c.DER()})
		}
	}
	return append(list, wholes()...)
}

type odd struct {
	name    string
	anomaly der.Anomaly
	part    string
	change  func(*Certificate)
}

// numbers are versions, serial numbers and algorithms.
var numbers = []odd{
	{"version 1", der.OldVersion, "version", func(c *Certificate) { c.Version, c.Extensions = nil, nil }},
	{"version 1 with extensions", der.ExtensionsTooEarly, "extensions", func(c *Certificate) { c.Version = nil }},
	{"version 1 stated", der.DefaultEncoded, "version", func(c *Certificate) { c.Version, c.Extensions = wrap(0, small(0)), nil }},
	{"version 2", der.ExtensionsTooEarly, "extensions", func(c *Certificate) { c.Version = wrap(0, small(1)) }},
	{"version 4", der.UnknownVersion, "version", func(c *Certificate) { c.Version = wrap(0, small(3)) }},
	{"negative serial", der.NegativeSerial, "serialNumber", func(c *Certificate) { c.Serial = []byte{2, 2, 0x82, 0x01} }},
	{"zero serial", der.ZeroSerial, "serialNumber", func(c *Certificate) { c.Serial = small(0) }},
	{"serial of 32 octets", der.LongSerial, "serialNumber", func(c *Certificate) { c.Serial = tlv(2, bytes.Repeat([]byte{0x5a}, 32)) }},
	{"serial with zeros before it", der.PaddedInteger, "serialNumber", func(c *Certificate) { c.Serial = []byte{2, 3, 0, 0, 0x4d} }},
	{"two signature algorithms", der.SignatureMismatch, "signatureAlgorithm", func(c *Certificate) { c.Outer = seq(oid(idSHA256RSA), null) }},
	{"PSS with two hashes", der.OddPSS, "signature", func(c *Certificate) {
		c.Inner = seq(oid(idPSS), seq(wrap(0, seq(oid(idSHA256), null)), wrap(1, seq(oid(idMGF1), seq(oid("1.3.14.3.2.26"), null))), wrap(2, small(33))))
		c.Outer = c.Inner
	}},
	{"PSS with another trailer", der.OddPSS, "signature", func(c *Certificate) { c.Inner = seq(oid(idPSS), seq(wrap(3, small(2)))); c.Outer = c.Inner }},
	{"SHA-1", "", "", func(c *Certificate) { c.Inner = seq(oid(idSHA1RSA), null); c.Outer = c.Inner }},
	{"empty signature", der.NoSignature, "signatureValue", func(c *Certificate) { c.Signature = bits(nil) }},
	{"unique identifiers", der.UniqueID, "", func(c *Certificate) { c.Unique = append(tlv(0x81, []byte{0, 1}), tlv(0x82, []byte{0, 2})...) }},
}

var times = []odd{
	{"UTCTime without seconds", der.LooseTime, "validity", func(c *Certificate) {
		c.Validity = validity(str(utcTime, "2501010000Z"), str(utcTime, "3506010000Z"))
	}},
	{"UTCTime with an offset", der.LooseTime, "validity", func(c *Certificate) {
		c.Validity = validity(str(utcTime, "250101000000+0130"), str(utcTime, "350601000000-0500"))
	}},
	{"GeneralizedTime before 2050", der.LongTime, "validity", func(c *Certificate) {
		c.Validity = validity(str(generalizedTime, "20250101000000Z"), str(generalizedTime, "20350601000000Z"))
	}},
	{"GeneralizedTime with a fraction", der.LooseTime, "validity", func(c *Certificate) {
		c.Validity = validity(str(generalizedTime, "20250101000000.25Z"), str(generalizedTime, "20500601000000.5Z"))
	}},
	{"GeneralizedTime with an offset", der.LooseTime, "validity", func(c *Certificate) {
		c.Validity = validity(str(utcTime, "250101000000Z"), str(generalizedTime, "20510601120000+0200"))
	}},
	{"the year 9999", "", "", func(c *Certificate) {
		c.Validity = validity(str(utcTime, "500101000000Z"), str(generalizedTime, "99991231235959Z"))
	}},
	{"no such month", der.BadTime, "validity", func(c *Certificate) {
		c.Validity = validity(str(utcTime, "251301000000Z"), str(utcTime, "350601000000Z"))
	}},
	{"it ends before it begins", der.NeverValid, "validity", func(c *Certificate) {
		c.Validity = validity(str(utcTime, "350601000000Z"), str(utcTime, "250101000000Z"))
	}},
}

// subject sets the subject to an organization and one attribute.
func subject(id string, tag byte, value string) func(*Certificate) {
	return func(c *Certificate) {
		c.Subject = seq(attribute(idO, utf8String, "rawshake lab"), attribute(id, tag, value))
	}
}

var subjects = []odd{
	{"bad UTF-8", der.BadString, "subject", subject(idCN, utf8String, "gr\xe4f.lab.test")},
	{"underscore in PrintableString", der.BadString, "subject", subject(idCN, printableString, "a_b@lab.test")},
	{"Latin-1 in TeletexString", "", "", subject(idCN, teletexString, "gr\xe4f.lab.test")},
	{"BMPString", "", "", subject(idCN, bmpString, "\x00g\x00r\x00\xe4\x00f")},
	{"UniversalString", "", "", subject(idCN, universalString, "\x00\x00\x00g\x00\x01\xf6\x00")},
	{"BMPString of an odd length", der.BadString, "subject", subject(idCN, bmpString, "\x00g\x00r\x00")},
	{"NUL in the common name", der.NULInString, "subject", subject(idCN, utf8String, "good.lab.test\x00.evil.test")},
	{"control characters", "", "", subject(idCN, utf8String, "a\x1b[2Jb\u202ec")},
	{"common name of 70 characters", der.NameLength, "subject", subject(idCN, utf8String, strings.Repeat("long.", 14))},
	{"country of three letters", der.NameLength, "subject", subject(idC, printableString, "DEU")},
	{"empty common name", der.EmptyName, "subject", subject(idCN, utf8String, "")},
	{"two attributes in a set", "", "", func(c *Certificate) {
		c.Subject = seq(attribute(idC, printableString, "DE"), set(pair(idCN, utf8String, "a, b+c=\"d\""), pair(idOU, utf8String, "#e;<f>\\")))
	}},
	{"unknown attribute", "", "", subject("1.3.6.1.4.1.99999.1", utf8String, "what?")},
	{"e-mail address", "", "", subject(idEmail, ia5String, "me@lab.test")},
	{"no subject", der.EmptySubject, "subject", func(c *Certificate) { c.Subject = seq() }},
	{"no issuer", der.EmptyIssuer, "issuer", func(c *Certificate) { c.Issuer = seq() }},
}

func key(k []byte) func(*Certificate) { return func(c *Certificate) { c.Key = k } }

// algorithmOnly is a key of an algorithm without parameters.
func algorithmOnly(id string, size int) []byte {
	return seq(seq(oid(id)), bits(bytes.Repeat([]byte{0x55}, size)))
}

func hexNumber(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic(s)
	}
	return n
}

// explicitP256 are the curve's numbers (SEC 2, section 2.4.2).
func explicitP256() []byte {
	p := hexNumber("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff")
	a := hexNumber("ffffffff00000001000000000000000000000000fffffffffffffffffffffffc")
	b := hexNumber("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b")
	n := hexNumber("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
	return seq(small(1), seq(oid("1.2.840.10045.1.1"), number(p)), seq(octets(a.Bytes()), octets(b.Bytes())), octets(p256), number(n), small(1))
}

var keys = []odd{
	{"RSA of 512 bits", der.ShortKey, "subjectPublicKeyInfo", key(rsaKey(modulus(512), 65537))},
	{"RSA of 16384 bits", "", "", key(rsaKey(modulus(16384), 65537))},
	{"RSA with the exponent 1", der.BadExponent, "subjectPublicKeyInfo", key(rsaKey(modulus(2048), 1))},
	{"RSA with the exponent 3", der.SmallExponent, "subjectPublicKeyInfo", key(rsaKey(modulus(2048), 3))},
	{"RSA with an even modulus", der.BadModulus, "subjectPublicKeyInfo", key(rsaKey(new(big.Int).Lsh(big.NewInt(1), 2047), 65537))},
	{"RSA with a long exponent", "", "", key(seq(seq(oid(idRSA), null), bits(seq(number(modulus(2048)), number(modulus(65))))))},
	{"RSA without parameters", der.MissingParameters, "subjectPublicKeyInfo", key(seq(seq(oid(idRSA)), bits(seq(number(modulus(2048)), small(65537)))))},
	{"RSA for PSS alone", "", "", key(seq(seq(oid(idPSS)), bits(seq(number(modulus(2048)), small(65537)))))},
	{"curve by its numbers", der.ExplicitCurve, "subjectPublicKeyInfo", key(ecKey(explicitP256(), p256))},
	{"unknown curve", der.UnknownCurve, "subjectPublicKeyInfo", key(ecKey(oid("1.3.6.1.4.1.99999.2"), p256))},
	{"secp256k1", "", "", key(ecKey(oid("1.3.132.0.10"), append([]byte{2}, hexNumber("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798").Bytes()...)))},
	{"point cut short", der.BadPoint, "subjectPublicKeyInfo", key(ecKey(oid(idP256), p256[:60]))},
	{"SM2", "", "", key(ecKey(oid("1.2.156.10197.1.301"), append([]byte{4}, append(hexNumber("32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7").Bytes(),
		hexNumber("bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0").Bytes()...)...)))},
	{"Ed25519", "", "", key(seq(seq(oid("1.3.101.112")), bits(hexNumber("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a").Bytes())))},
	{"Ed448", "", "", key(algorithmOnly("1.3.101.113", 57))},
	{"GOST R 34.10-2012", "", "", key(seq(seq(oid("1.2.643.7.1.1.1.1"), seq(oid("1.2.643.2.2.35.1"), oid("1.2.643.7.1.1.2.2"))), bits(octets(bytes.Repeat([]byte{0x55}, 64)))))},
	{"ML-DSA-65", "", "", key(algorithmOnly("2.16.840.1.101.3.4.3.18", 1952))},
	{"DSA", "", "", key(seq(seq(oid(idDSA), seq(number(modulus(1024)), number(modulus(160)), small(4))), bits(number(modulus(1023)))))},
	{"unknown algorithm", der.UnknownKey, "subjectPublicKeyInfo", key(algorithmOnly("1.3.6.1.4.1.99999.3", 32))},
}

// with sets the extensions.
func with(list ...[]byte) func(*Certificate) {
	return func(c *Certificate) { c.Extensions = extensions(list...) }
}

func manyNames(n int) []byte {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("host-%d.lab.test", i)
	}
	return names(list...)
}

var extensionKinds = []odd{
	{"names twice", der.RepeatedExtension, "subjectAltName", with(extension(idNames, false, names("a.lab.test")), extension(idNames, false, names("b.lab.test")))},
	{"5000 names", "", "", with(extension(idNames, false, manyNames(5000)))},
	{"names of every kind", "", "", with(extension(idNames, true, seq(
		tlv(0xa0, oid("1.3.6.1.4.1.311.20.2.3"), wrap(0, str(utf8String, "me@lab.test"))), str(0x81, "me@lab.test"), str(0x82, "*.lab.test"),
		tlv(0xa4, commonName("directory")), str(0x86, "https://lab.test/"), tlv(0x87, []byte{198, 18, 0, 1}),
		tlv(0x87, append([]byte{0x20, 1, 0x0d, 0xb8}, make([]byte, 12)...)), tlv(0x88, oid("1.2.3.4")[2:]))))},
	{"address of 8 octets", der.AddressLength, "subjectAltName", with(extension(idNames, false, seq(tlv(0x87, []byte{198, 18, 0, 1, 255, 255, 255, 0}))))},
	{"NUL in a name", der.NULInString, "subjectAltName", with(extension(idNames, false, names("good.lab.test\x00.evil.test")))},
	{"no names", der.EmptyExtension, "subjectAltName", with(extension(idNames, false, seq()))},
	{"name that is UTF-8", der.BadString, "subjectAltName", with(extension(idNames, false, names("gräf.lab.test")))},
	{"unknown critical extension", "", "", with(extension("1.3.6.1.4.1.99999.4", true, str(utf8String, "must be understood")), extension(idNames, false, names("odd.lab.test")))},
	{"extension that holds no DER", "", "", with(extension("1.3.6.1.4.1.99999.5", false, []byte("\xff\xff plain text")), extension(idNames, false, names("odd.lab.test")))},
	{"names that are no DER", der.Unreadable, "subjectAltName", with(extension(idNames, false, []byte("\x30\x82\xff\xff")), extension(idUsage, true, []byte{3, 2, 7, 0x80}))},
	{"no extension in the list", der.EmptyExtension, "extensions", with()},
	{"critical: FALSE", der.DefaultEncoded, "subjectAltName", func(c *Certificate) {
		c.Extensions = extensions(seq(oid(idNames), []byte{1, 1, 0}, octets(names("odd.lab.test"))))
	}},
	{"critical: 1", der.LooseBoolean, "subjectAltName", func(c *Certificate) {
		c.Extensions = extensions(seq(oid(idNames), []byte{1, 1, 1}, octets(names("odd.lab.test"))))
	}},
	{"path length without a CA", der.BadPathLength, "basicConstraints", with(extension(idConstraints, true, seq(small(3))))},
	{"CA that is not critical", der.NotCritical, "basicConstraints", with(extension(idConstraints, false, seq(yes)), extension(idKeyID, false, octets([]byte{1})))},
	{"keyCertSign without a CA", der.SignsWithoutCA, "keyUsage", with(extension(idUsage, true, []byte{3, 2, 2, 4}))},
	{"key identifier that is critical", der.Critical, "subjectKeyIdentifier", with(extension(idKeyID, true, octets([]byte{1})))},
	{"no authority key identifier", der.MissingKeyID, "authorityKeyIdentifier", with(extension(idNames, false, names("odd.lab.test")))},
	{"policy twice", der.RepeatedPolicy, "certificatePolicies", with(extension(idPolicies, false, seq(seq(oid("2.23.140.1.2.1")), seq(oid("2.23.140.1.2.1")))))},
}

var encodings = []odd{
	{"bytes after it", der.TrailingBytes, "", func(c *Certificate) { c.After = []byte("trailing") }},
	{"long lengths", der.LongLength, "subject", func(c *Certificate) {
		c.Subject = long(0x30, long(0x31, long(0x30, oid(idCN), long(utf8String, []byte("odd.lab.test")))))
	}},
	{"lengths that are not stated", der.IndefiniteLength, "subject", func(c *Certificate) {
		c.Subject = open(0x30, open(0x31, open(0x30, oid(idCN), str(utf8String, "odd.lab.test"))))
	}},
	{"extension in pieces", der.ConstructedString, "subjectAltName", func(c *Certificate) {
		b := names("odd.lab.test", "www.odd.lab.test")
		c.Extensions = extensions(seq(oid(idNames), open(0x24, octets(b[:5]), octets(b[5:]))))
	}},
	{"malformed identifier", der.BadOID, "certificatePolicies", with(extension(idPolicies, false, seq(seq([]byte{6, 2, 0x88, 0x80}))))},
	{"element after the extensions", der.TrailingElement, "", func(c *Certificate) { c.Extensions = append(c.Extensions, small(7)...) }},
	{"serial that is a string", der.UnexpectedType, "serialNumber", func(c *Certificate) { c.Serial = octets([]byte{1, 2}) }},
	{"signature with unused bits", der.UnusedBits, "signatureValue", func(c *Certificate) { c.Signature = tlv(3, []byte{4}, []byte{0xf0}) }},
}

// wholes are odd from the outside in.
func wholes() []Kind {
	c := plain()
	tbs := open(0x30, c.Version, c.Serial, c.Inner, c.Issuer, c.Validity, c.Subject, c.Key, c.Extensions)
	return []Kind{
		{"no length stated at all", der.IndefiniteLength, "", open(0x30, tbs, c.Outer, c.Signature)},
		{"long lengths all over", der.LongLength, "", long(0x30, long(0x30, c.Version, c.Serial, c.Inner, c.Issuer, c.Validity, c.Subject, c.Key, c.Extensions), c.Outer, c.Signature)},
	}
}
