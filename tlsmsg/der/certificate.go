// X.509 certificates, and the other structures that TLS messages carry in DER.

package der

import (
	"bytes"
	"strconv"

	"github.com/rawshake/rawshake/field"
)

// Certificate returns the tree of an X.509 certificate (RFC 5280, section 4.1).
// Its root is named "x509".
func Certificate(b []byte) *field.Node {
	return whole("x509", b, func(d *decoder) { d.certificate() })
}

// Describe reads what it can of a certificate.
func Describe(cert []byte) *Description {
	says := new(Description)
	c := field.New("x509", cert)
	d := decoder{Cursor: &c, says: says}
	d.certificate()
	if c.Err() != nil {
		says.note(Unreadable, "")
	} else if c.Offset() < len(cert) {
		says.note(TrailingBytes, "")
	}
	says.judge()
	return says
}

// SPKI returns a certificate's SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7)
// with its tag and length, or nil if it has none that can be read.
func SPKI(cert []byte) []byte { return Describe(cert).Key.Raw }

func (d *decoder) certificate() {
	d.contents(func(d *decoder, t tag) {
		d.structure(t, func(d *decoder) {
			d.sequence("tbsCertificate", (*decoder).tbsCertificate)
			outer := d.algorithm("signatureAlgorithm")
			inner := d.says.InnerSignature
			d.within("signatureAlgorithm", func() { d.noteIf(inner.Type != "" && !bytes.Equal(inner.raw, outer.raw), SignatureMismatch) })
			d.says.Signature = outer
			d.within("signatureValue", func() { d.element("signatureValue", (*decoder).signatureValue) })
		})
	})
}

// tbsCertificate is what the issuer signs.
func (d *decoder) tbsCertificate() {
	s := d.says
	s.Version = 1
	d.within("version", func() { d.optional(context(0), "version", explicit("number", (*decoder).version)) })
	d.within("serialNumber", func() { d.element("serialNumber", (*decoder).serial) })
	s.InnerSignature = d.algorithm("signature")
	d.within("issuer", func() { s.Issuer = d.name("issuer") })
	d.within("validity", func() { d.sequence("validity", (*decoder).validity) })
	d.within("subject", func() { s.Subject = d.name("subject") })
	d.within("subjectPublicKeyInfo", d.subjectPublicKeyInfo)
	unique := d.optional(context(1), "issuerUniqueID", value)
	unique = d.optional(context(2), "subjectUniqueID", value) || unique
	d.noteIf(unique, UniqueID)
	d.optional(context(3), "extensions", func(d *decoder, _ tag) {
		d.listOf("list", (*decoder).extension)
		d.within("extensions", func() { d.noteIf(len(d.says.Extensions) == 0, EmptyExtension) })
	})
}

// version is one less than the version's usual name.
func (d *decoder) version(_ tag) {
	b := d.Rest("value")
	d.says.Version = 0
	if len(b) == 1 && b[0] < 0x7f {
		d.says.Version = int(b[0]) + 1
		d.Means("v" + strconv.Itoa(d.says.Version))
	}
	d.noteIf(d.says.Version < 1 || d.says.Version > 3, UnknownVersion)
	d.noteIf(d.says.Version == 1, DefaultEncoded)
}

// serial is a number of at most 20 octets, and positive (RFC 5280, section
// 4.1.2.2).
func (d *decoder) serial(t tag) {
	b := d.value(t)
	d.noteIf(t != tagInteger, UnexpectedType)
	n := signed(b)
	d.says.Serial = n.Text(16)
	d.noteIf(n.Sign() < 0, NegativeSerial)
	d.noteIf(n.Sign() == 0, ZeroSerial)
	d.noteIf(len(b) > 20, LongSerial)
}

func (d *decoder) validity() {
	s := d.says
	d.element("notBefore", func(d *decoder, t tag) { s.NotBefore = d.time(t) })
	d.element("notAfter", func(d *decoder, t tag) { s.NotAfter = d.time(t) })
	d.noteIf(!s.NotBefore.IsZero() && !s.NotAfter.IsZero() && s.NotAfter.Before(s.NotBefore.Time), NeverValid)
}

// bitString reads a BIT STRING, and if it holds a complete SEQUENCE, that as
// well. It returns the bits.
func (d *decoder) bitString(t tag, name string, body func(*decoder)) []byte {
	if t != tagBitString || !d.More() {
		d.noteIf(t.number() != tagBitString, UnexpectedType)
		b := d.value(t)
		if t.constructed() && body != nil && isSequence(b) && !d.Recording() {
			_ = d.inside(name, b, body)
		}
		return b
	}
	unused := d.Uint8("unused_bits")
	b := d.Rest("bits")
	d.noteIf(unused != 0, UnusedBits)
	if isSequence(b) {
		if err := d.inside(name, b, body); err != nil {
			d.note(Unreadable)
		}
	}
	return b
}

// isSequence reports whether b is one SEQUENCE, by its header.
func isSequence(b []byte) bool {
	if len(b) < 2 || tag(b[0]) != tagSequence {
		return false
	}
	n, ok := sizeOf(b, maxOpen)
	return ok && n == len(b)
}

// signatureValue decodes an ECDSA signature (RFC 3279, section 2.2.3); an RSA
// signature is a plain number.
func (d *decoder) signatureValue(t tag) {
	b := d.bitString(t, "ECDSASignature", (*decoder).ecdsa)
	d.noteIf(len(b) == 0, NoSignature)
}

func (d *decoder) ecdsa() {
	d.sequence("numbers", func(d *decoder) {
		d.element("r", value)
		d.element("s", value)
	})
}

// ECDSASignature returns the tree of the two numbers of an ECDSA signature, as
// TLS sends it (RFC 8422, section 5.4).
func ECDSASignature(b []byte) *field.Node { return whole("ECDSASignature", b, (*decoder).ecdsa) }

// OCSPResponse returns the tree of an OCSP response (RFC 6960, section 4.2.1),
// with its fields named by their types.
func OCSPResponse(b []byte) *field.Node { return whole("OCSPResponse", b, anything) }
