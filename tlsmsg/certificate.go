// The messages about certificates (RFC 5246, sections 7.4.2, 7.4.4 and 7.4.8;
// RFC 9846, sections 4.4.2, 4.5.1 and 4.5.2; RFC 6066, section 8). The DER
// inside is opened for a recorder only.

package tlsmsg

import (
	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/tlsmsg/der"
)

// Type returns TypeCertificate.
func (*Certificate) Type() HandshakeType { return TypeCertificate }

// Decode reads a Certificate, which may be empty. See [Message].
func (m *Certificate) Decode(c *field.Cursor, ctx Context) error {
	m.Chain, m.EntryExtensions, m.RequestContext = m.Chain[:0], m.EntryExtensions[:0], nil
	if ctx.tls13() {
		return m.decode13(c)
	}
	c.Enter24("certificate_list", 0, max24)
	for c.More() {
		c.Element()
		cert := c.Opaque24("certificate", 1, max24)
		m.Chain = append(m.Chain, cert)
		if c.Recording() {
			c.Graft(der.Certificate(cert))
		}
	}
	c.Leave()
	return c.End()
}

// decode13 reads a list of CertificateEntry.
func (m *Certificate) decode13(c *field.Cursor) error {
	m.RequestContext = c.Opaque8("certificate_request_context", 0, max8)
	c.Enter24("certificate_list", 0, max24)
	for c.More() {
		c.Item()
		cert := c.Opaque24("cert_data", 1, max24)
		m.Chain = append(m.Chain, cert)
		if c.Recording() {
			c.Graft(der.Certificate(cert))
		}
		m.readEntryExtensions(c)
		c.Leave()
	}
	c.Leave()
	return c.End()
}

// readEntryExtensions reads one block more, into storage that an earlier decode
// left.
func (m *Certificate) readEntryExtensions(c *field.Cursor) {
	n := len(m.EntryExtensions)
	if n < cap(m.EntryExtensions) {
		m.EntryExtensions = m.EntryExtensions[:n+1]
	} else {
		m.EntryExtensions = append(m.EntryExtensions, nil)
	}
	m.EntryExtensions[n] = readBlock(c, m.EntryExtensions[n], TypeCertificate)
}

// AppendBody appends the encoded body.
func (m *Certificate) AppendBody(b []byte, ctx Context) []byte {
	if ctx.tls13() {
		return m.append13(b)
	}
	b, at := open24(b)
	for _, der := range m.Chain {
		b = appendOpaque24(b, der)
	}
	return close24(b, at)
}

func (m *Certificate) append13(b []byte) []byte {
	b = appendOpaque8(b, m.RequestContext)
	b, at := open24(b)
	for i, der := range m.Chain {
		b = appendOpaque24(b, der)
		var list []Extension
		if i < len(m.EntryExtensions) {
			list = m.EntryExtensions[i]
		}
		b = appendExtensions(b, list, true)
	}
	return close24(b, at)
}

// Type returns TypeCertificateRequest.
func (*CertificateRequest) Type() HandshakeType { return TypeCertificateRequest }

// Decode reads a CertificateRequest. See [Message].
func (m *CertificateRequest) Decode(c *field.Cursor, ctx Context) error {
	if ctx.tls13() {
		*m = CertificateRequest{CertificateTypes: m.CertificateTypes[:0], Schemes: m.Schemes[:0], Authorities: m.Authorities[:0],
			Extensions: m.Extensions}
		m.RequestContext = c.Opaque8("certificate_request_context", 0, max8)
		m.Extensions = readBlock(c, m.Extensions, TypeCertificateRequest)
		return c.End()
	}
	m.RequestContext, m.Extensions = nil, m.Extensions[:0]
	m.CertificateTypes = readList8(c, m.CertificateTypes, "certificate_types", "certificate_type", 1)
	m.Schemes = m.Schemes[:0]
	if ctx.schemes() {
		m.Schemes = readList16(c, m.Schemes, "supported_signature_algorithms", "signature_algorithm", 2)
	}
	m.Authorities = readOpaqueList16(c, m.Authorities, "certificate_authorities", "distinguished_name", 0, der.Name)
	return c.End()
}

// AppendBody appends the encoded body.
func (m *CertificateRequest) AppendBody(b []byte, ctx Context) []byte {
	if ctx.tls13() {
		return appendExtensions(appendOpaque8(b, m.RequestContext), m.Extensions, true)
	}
	b = appendList8(b, m.CertificateTypes)
	if ctx.schemes() {
		b = appendList16(b, m.Schemes)
	}
	return appendOpaqueList16(b, m.Authorities)
}

// Type returns TypeCertificateVerify.
func (*CertificateVerify) Type() HandshakeType { return TypeCertificateVerify }

// Decode reads a CertificateVerify. See [Message].
func (m *CertificateVerify) Decode(c *field.Cursor, ctx Context) error {
	m.Scheme, m.Signature = readSigned(c, ctx)
	return c.End()
}

// AppendBody appends the encoded body.
func (m *CertificateVerify) AppendBody(b []byte, ctx Context) []byte {
	return appendSigned(b, ctx, m.Scheme, m.Signature)
}

// Type returns TypeCertificateStatus.
func (*CertificateStatus) Type() HandshakeType { return TypeCertificateStatus }

// Decode reads a CertificateStatus. See [Message].
func (m *CertificateStatus) Decode(c *field.Cursor, _ Context) error {
	m.StatusType, m.Response = readStatus(c)
	return c.End()
}

func readStatus(c *field.Cursor) (t CertificateStatusType, response []byte) {
	t = field.Enum8[CertificateStatusType](c, "status_type")
	if t != StatusTypeOCSP {
		return t, c.Rest("response")
	}
	response = c.Opaque24("response", 1, max24)
	if c.Recording() {
		c.Graft(der.OCSPResponse(response))
	}
	return t, response
}

// AppendBody appends the encoded body.
func (m *CertificateStatus) AppendBody(b []byte, _ Context) []byte {
	return appendStatus(b, m.StatusType, m.Response)
}

func appendStatus(b []byte, t CertificateStatusType, response []byte) []byte {
	b = append(b, byte(t))
	if t == StatusTypeOCSP {
		return appendOpaque24(b, response)
	}
	return append(b, response...)
}

// readSigned reads a digitally-signed element (RFC 5246, section 4.7).
func readSigned(c *field.Cursor, ctx Context) (scheme SignatureScheme, signature []byte) {
	if ctx.schemes() {
		scheme = field.Enum16[SignatureScheme](c, "algorithm")
	}
	signature = c.Opaque16("signature", 0, max16)
	if c.Recording() && scheme.ecdsa() {
		c.Graft(der.ECDSASignature(signature))
	}
	return scheme, signature
}

func appendSigned(b []byte, ctx Context, scheme SignatureScheme, signature []byte) []byte {
	if ctx.schemes() {
		b = append16(b, scheme)
	}
	return appendOpaque16(b, signature)
}

// ecdsa reports whether signatures of the scheme are pairs of numbers in DER:
// the second octet is a SignatureAlgorithm (RFC 5246, section 7.4.1.4.1).
func (s SignatureScheme) ecdsa() bool { return s&0xff == 3 && s>>8 <= 6 }
