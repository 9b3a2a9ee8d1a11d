// Typed views of an extension's data.

package tlsmsg

import "github.com/rawshake/rawshake/field"

// ExtensionData is a typed view of one extension's data. An extension may have
// another form in an answer than in an offer, so decoding and encoding are told
// which message it is in: TypeHelloRetryRequest for a ServerHello that is one.
//
// Decode resets its receiver first, so that a value can be used again. Whether
// the extension is allowed in that message is for the machine to judge.
type ExtensionData interface {
	ExtensionType() ExtensionType
	// Decode reads the data, all that is left in the cursor's group. Byte
	// slices in the result alias the cursor's input.
	Decode(c *field.Cursor, in HandshakeType) error
	// AppendData appends the encoded data, without type and length.
	AppendData(b []byte, in HandshakeType) []byte
}

// NewExtension encodes v for the message that it will be in.
func NewExtension(v ExtensionData, in HandshakeType) Extension {
	return Extension{Type: v.ExtensionType(), Data: v.AppendData(nil, in)}
}

// Decode decodes the data into a typed view; in says which message the
// extension is in. Errors are [*field.Error] whose paths begin with the
// extension's name, and whose offsets count from the start of the data.
func (e Extension) Decode(into ExtensionData, in HandshakeType) error {
	c := field.New(dataName(e.Type), e.Data)
	if e.Type != into.ExtensionType() {
		c.Failf("extension_type %s, expected %s", e.Type, into.ExtensionType())
		return c.Err()
	}
	return decodeData(into, &c, in)
}

// FindExtension returns the position of the first extension of type t, or -1.
func FindExtension(list []Extension, t ExtensionType) int {
	for i := range list {
		if list[i].Type == t {
			return i
		}
	}
	return -1
}

// decodeData calls v.Decode. Naming the types keeps the caller's cursor off
// the heap; a test finds the one that is not named.
func decodeData(v ExtensionData, c *field.Cursor, in HandshakeType) error {
	switch v := v.(type) {
	case *ServerName:
		return v.Decode(c, in)
	case *StatusRequest:
		return v.Decode(c, in)
	case *SupportedGroups:
		return v.Decode(c, in)
	case *ECPointFormats:
		return v.Decode(c, in)
	case *SignatureAlgorithms:
		return v.Decode(c, in)
	case *ALPN:
		return v.Decode(c, in)
	case *SignedCertificateTimestamps:
		return v.Decode(c, in)
	case *Padding:
		return v.Decode(c, in)
	case *EncryptThenMAC:
		return v.Decode(c, in)
	case *ExtendedMasterSecret:
		return v.Decode(c, in)
	case *CompressCertificate:
		return v.Decode(c, in)
	case *RecordSizeLimit:
		return v.Decode(c, in)
	case *SessionTicket:
		return v.Decode(c, in)
	case *PreSharedKey:
		return v.Decode(c, in)
	case *EarlyData:
		return v.Decode(c, in)
	case *SupportedVersions:
		return v.Decode(c, in)
	case *Cookie:
		return v.Decode(c, in)
	case *PSKKeyExchangeModes:
		return v.Decode(c, in)
	case *CertificateAuthorities:
		return v.Decode(c, in)
	case *OIDFilters:
		return v.Decode(c, in)
	case *PostHandshakeAuth:
		return v.Decode(c, in)
	case *SignatureAlgorithmsCert:
		return v.Decode(c, in)
	case *KeyShare:
		return v.Decode(c, in)
	case *ECHOuterExtensions:
		return v.Decode(c, in)
	case *EncryptedClientHello:
		return v.Decode(c, in)
	case *RenegotiationInfo:
		return v.Decode(c, in)
	}
	heap := *c // a type of another package
	defer func() { *c = heap }()
	return v.Decode(&heap, in)
}
