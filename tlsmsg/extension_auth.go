// The extensions of TLS 1.3 about who proves what, and how it is sent.

package tlsmsg

import (
	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/tlsmsg/der"
)

// CertificateAuthorities is certificate_authorities (RFC 9846, section 4.3.4).
type CertificateAuthorities struct {
	Authorities [][]byte // DER names
}

// ExtensionType returns ExtensionCertAuthorities.
func (*CertificateAuthorities) ExtensionType() ExtensionType { return ExtensionCertAuthorities }

// Decode reads the data. See [ExtensionData].
func (v *CertificateAuthorities) Decode(c *field.Cursor, _ HandshakeType) error {
	v.Authorities = readOpaqueList16(c, v.Authorities, "authorities", "distinguished_name", 3, der.Name)
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *CertificateAuthorities) AppendData(b []byte, _ HandshakeType) []byte {
	return appendOpaqueList16(b, v.Authorities)
}

// OIDFilters is oid_filters (RFC 9846, section 4.3.5): what a client's
// certificate must contain.
type OIDFilters struct {
	Filters []OIDFilter
}

// An OIDFilter is one certificate extension and the values that it must have.
type OIDFilter struct {
	OID    []byte // DER
	Values []byte // DER
}

// ExtensionType returns ExtensionOIDFilters.
func (*OIDFilters) ExtensionType() ExtensionType { return ExtensionOIDFilters }

// Decode reads the data. See [ExtensionData].
func (v *OIDFilters) Decode(c *field.Cursor, _ HandshakeType) error {
	v.Filters = v.Filters[:0]
	c.Enter16("filters", 0, max16)
	for c.More() {
		c.Item()
		oid := c.Opaque8("certificate_extension_oid", 1, max8)
		v.Filters = append(v.Filters, OIDFilter{oid, c.Opaque16("certificate_extension_values", 0, max16)})
		c.Leave()
	}
	c.Leave()
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *OIDFilters) AppendData(b []byte, _ HandshakeType) []byte {
	b, at := open16(b)
	for _, f := range v.Filters {
		b = appendOpaque16(appendOpaque8(b, f.OID), f.Values)
	}
	return close16(b, at)
}

// PostHandshakeAuth is post_handshake_auth (RFC 9846, section 4.3.6).
type PostHandshakeAuth struct{}

// ExtensionType returns ExtensionPostHandshakeAuth.
func (*PostHandshakeAuth) ExtensionType() ExtensionType { return ExtensionPostHandshakeAuth }

// Decode checks that there is no data. See [ExtensionData].
func (*PostHandshakeAuth) Decode(c *field.Cursor, _ HandshakeType) error { return c.End() }

// AppendData appends nothing.
func (*PostHandshakeAuth) AppendData(b []byte, _ HandshakeType) []byte { return b }

// CompressCertificate is compress_certificate (RFC 8879, section 3): how the
// other side may compress its certificates.
type CompressCertificate struct {
	Algorithms []CertificateCompressionAlgorithm // preferred first
}

// ExtensionType returns ExtensionCompressCertificate.
func (*CompressCertificate) ExtensionType() ExtensionType { return ExtensionCompressCertificate }

// Decode reads the data. See [ExtensionData].
func (v *CompressCertificate) Decode(c *field.Cursor, _ HandshakeType) error {
	c.Enter8("algorithms", 2, max8-1)
	v.Algorithms = room(v.Algorithms, c.Left()/2)
	for c.More() {
		c.Element()
		v.Algorithms = append(v.Algorithms, field.Enum16[CertificateCompressionAlgorithm](c, "algorithm"))
	}
	c.Leave()
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *CompressCertificate) AppendData(b []byte, _ HandshakeType) []byte {
	b, at := open8(b)
	for _, a := range v.Algorithms {
		b = append16(b, a)
	}
	return close8(b, at)
}
