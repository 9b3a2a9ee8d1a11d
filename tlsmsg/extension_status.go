// The extensions about the state of a certificate.

package tlsmsg

import (
	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/tlsmsg/der"
)

// StatusRequest is status_request (RFC 6066, section 8). A server that will
// send a CertificateStatus answers with empty data. In TLS 1.3 the response
// itself comes with the certificate, and a CertificateRequest asks with empty
// data (RFC 9846, section 4.5.1.1).
type StatusRequest struct {
	StatusType CertificateStatusType
	// Of status_type ocsp:
	ResponderIDs      [][]byte // DER ResponderID
	RequestExtensions []byte   // DER Extensions
	// For any other type, everything after it:
	Request []byte

	// In a Certificate: see CertificateStatus.
	Response []byte
}

// ExtensionType returns ExtensionStatusRequest.
func (*StatusRequest) ExtensionType() ExtensionType { return ExtensionStatusRequest }

// Decode reads the data. See [ExtensionData].
func (v *StatusRequest) Decode(c *field.Cursor, in HandshakeType) error {
	*v = StatusRequest{ResponderIDs: v.ResponderIDs[:0]}
	if in == TypeCertificate {
		v.StatusType, v.Response = readStatus(c)
	}
	if in != TypeClientHello {
		return c.End()
	}
	v.StatusType = field.Enum8[CertificateStatusType](c, "status_type")
	if v.StatusType != StatusTypeOCSP {
		v.Request = c.Rest("request")
		return c.End()
	}
	v.ResponderIDs = readOpaqueList16(c, v.ResponderIDs, "responder_id_list", "responder_id", 0, nil)
	v.RequestExtensions = c.Opaque16("request_extensions", 0, max16)
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *StatusRequest) AppendData(b []byte, in HandshakeType) []byte {
	if in == TypeCertificate {
		return appendStatus(b, v.StatusType, v.Response)
	}
	if in != TypeClientHello {
		return b
	}
	b = append(b, byte(v.StatusType))
	if v.StatusType != StatusTypeOCSP {
		return append(b, v.Request...)
	}
	b = appendOpaqueList16(b, v.ResponderIDs)
	return appendOpaque16(b, v.RequestExtensions)
}

// SignedCertificateTimestamps is signed_certificate_timestamp (RFC 6962,
// section 3.3.1): empty data in a ClientHello or CertificateRequest, a list in an
// answer.
type SignedCertificateTimestamps struct {
	List [][]byte // each a SerializedSCT
}

// ExtensionType returns ExtensionSCT.
func (*SignedCertificateTimestamps) ExtensionType() ExtensionType { return ExtensionSCT }

// Decode reads the data. See [ExtensionData].
func (v *SignedCertificateTimestamps) Decode(c *field.Cursor, in HandshakeType) error {
	v.List = v.List[:0]
	if !asks(in) {
		v.List = readOpaqueList16(c, v.List, "sct_list", "serialized_sct", 1, der.SCT)
	}
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *SignedCertificateTimestamps) AppendData(b []byte, in HandshakeType) []byte {
	if asks(in) {
		return b
	}
	return appendOpaqueList16(b, v.List)
}

// asks reports whether the extensions of a message are requests, not answers.
func asks(in HandshakeType) bool { return in == TypeClientHello || in == TypeCertificateRequest }
