// X.509 certificates, and the other structures that TLS messages carry in DER.

package der

import "github.com/rawshake/rawshake/field"

// Certificate returns the tree of an X.509 certificate (RFC 5280, section 4.1).
// Its root is named "x509".
func Certificate(b []byte) *field.Node {
	return whole("x509", b, func(c *field.Cursor) {
		contents(c, func(c *field.Cursor, _ tag) {
			sequence(c, "tbsCertificate", tbsCertificate)
			algorithm(c, "signatureAlgorithm")
			element(c, "signatureValue", signatureValue)
		})
	})
}

// tbsCertificate is what the issuer signs.
func tbsCertificate(c *field.Cursor) {
	optional(c, context(0), "version", explicit("number", version))
	element(c, "serialNumber", value)
	algorithm(c, "signature")
	listOf(c, "issuer", relativeName)
	sequence(c, "validity", func(c *field.Cursor) {
		element(c, "notBefore", value)
		element(c, "notAfter", value)
	})
	listOf(c, "subject", relativeName)
	sequence(c, "subjectPublicKeyInfo", func(c *field.Cursor) {
		algorithm(c, "algorithm")
		element(c, "subjectPublicKey", publicKey)
	})
	optional(c, context(1), "issuerUniqueID", value)
	optional(c, context(2), "subjectUniqueID", value)
	optional(c, context(3), "extensions", func(c *field.Cursor, _ tag) {
		listOf(c, "list", extension)
	})
}

// version is one less than the version's usual name.
func version(c *field.Cursor, _ tag) {
	if b := c.Rest("value"); len(b) == 1 && b[0] < 3 {
		c.Means("v" + string('1'+rune(b[0])))
	}
}

// algorithm is an AlgorithmIdentifier (RFC 5280, section 4.1.1.2).
func algorithm(c *field.Cursor, name string) {
	sequence(c, name, func(c *field.Cursor) {
		element(c, "oid", value)
		if c.More() {
			element(c, "parameters", value)
		}
	})
}

// publicKey decodes an RSA key, which is a structure (RFC 8017, appendix
// A.1.1). A point on a curve is not.
func publicKey(c *field.Cursor, t tag) {
	bitString(c, t, "RSAPublicKey", func(c *field.Cursor) {
		sequence(c, "key", func(c *field.Cursor) {
			element(c, "modulus", value)
			element(c, "publicExponent", value)
		})
	})
}

// signatureValue decodes an ECDSA signature (RFC 3279, section 2.2.3); an RSA
// signature is a plain number.
func signatureValue(c *field.Cursor, t tag) { bitString(c, t, "ECDSASignature", ecdsa) }

func ecdsa(c *field.Cursor) {
	sequence(c, "numbers", func(c *field.Cursor) {
		element(c, "r", value)
		element(c, "s", value)
	})
}

// bitString reads a BIT STRING, and if it holds a complete SEQUENCE, that as
// well.
func bitString(c *field.Cursor, t tag, name string, body func(*field.Cursor)) {
	if t != tagBitString || !c.More() {
		value(c, t)
		return
	}
	c.Uint8("unused_bits")
	b := c.Rest("bits")
	if isSequence(b) {
		inside(c, name, b, body)
	}
}

// isSequence reports whether b is one SEQUENCE, by its header.
func isSequence(b []byte) bool {
	if len(b) < 2 || tag(b[0]) != tagSequence {
		return false
	}
	c := field.New("", b[1:])
	length(&c)
	return c.Err() == nil && c.Left() == len(b)-1-c.Offset()
}

// ECDSASignature returns the tree of the two numbers of an ECDSA signature, as
// TLS sends it (RFC 8422, section 5.4).
func ECDSASignature(b []byte) *field.Node { return whole("ECDSASignature", b, ecdsa) }

// OCSPResponse returns the tree of an OCSP response (RFC 6960, section 4.2.1),
// with its fields named by their types.
func OCSPResponse(b []byte) *field.Node { return whole("OCSPResponse", b, anything) }
