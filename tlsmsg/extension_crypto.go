// The extensions that negotiate cryptography.

package tlsmsg

import "github.com/rawshake/rawshake/field"

// SupportedGroups is supported_groups (RFC 8422, section 5.1.1; RFC 7919).
type SupportedGroups struct {
	Groups []NamedGroup // preferred first
}

// ExtensionType returns ExtensionSupportedGroups.
func (*SupportedGroups) ExtensionType() ExtensionType { return ExtensionSupportedGroups }

// Decode reads the data. See [ExtensionData].
func (v *SupportedGroups) Decode(c *field.Cursor, _ HandshakeType) error {
	v.Groups = readList16(c, v.Groups, "named_group_list", "named_group", 2)
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *SupportedGroups) AppendData(b []byte, _ HandshakeType) []byte {
	return appendList16(b, v.Groups)
}

// ECPointFormats is ec_point_formats (RFC 8422, section 5.1.2).
type ECPointFormats struct {
	Formats []ECPointFormat
}

// ExtensionType returns ExtensionECPointFormats.
func (*ECPointFormats) ExtensionType() ExtensionType { return ExtensionECPointFormats }

// Decode reads the data. See [ExtensionData].
func (v *ECPointFormats) Decode(c *field.Cursor, _ HandshakeType) error {
	v.Formats = readList8(c, v.Formats, "ec_point_format_list", "ec_point_format", 1)
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *ECPointFormats) AppendData(b []byte, _ HandshakeType) []byte {
	return appendList8(b, v.Formats)
}

// SignatureAlgorithms is signature_algorithms (RFC 5246, section 7.4.1.4.1).
type SignatureAlgorithms struct {
	Schemes []SignatureScheme // preferred first
}

// ExtensionType returns ExtensionSignatureAlgorithms.
func (*SignatureAlgorithms) ExtensionType() ExtensionType { return ExtensionSignatureAlgorithms }

// Decode reads the data. See [ExtensionData].
func (v *SignatureAlgorithms) Decode(c *field.Cursor, _ HandshakeType) error {
	v.Schemes = readList16(c, v.Schemes, "supported_signature_algorithms", "signature_algorithm", 2)
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *SignatureAlgorithms) AppendData(b []byte, _ HandshakeType) []byte {
	return appendList16(b, v.Schemes)
}

// SignatureAlgorithmsCert is signature_algorithms_cert (RFC 9846, section
// 4.3.3): the schemes for signatures in certificates, if they differ from those
// of signature_algorithms.
type SignatureAlgorithmsCert struct {
	Schemes []SignatureScheme // preferred first
}

// ExtensionType returns ExtensionSigAlgsCert.
func (*SignatureAlgorithmsCert) ExtensionType() ExtensionType { return ExtensionSigAlgsCert }

// Decode reads the data. See [ExtensionData].
func (v *SignatureAlgorithmsCert) Decode(c *field.Cursor, _ HandshakeType) error {
	v.Schemes = readList16(c, v.Schemes, "supported_signature_algorithms", "signature_algorithm", 2)
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *SignatureAlgorithmsCert) AppendData(b []byte, _ HandshakeType) []byte {
	return appendList16(b, v.Schemes)
}

// KeyShare is key_share (RFC 9846, section 4.3.8): a list in a ClientHello,
// one share in a ServerHello, the group alone in a HelloRetryRequest.
type KeyShare struct {
	Shares []KeyShareEntry // in an answer exactly one
}

// A KeyShareEntry is the public key for one group, in the group's own form.
type KeyShareEntry struct {
	Group       NamedGroup
	KeyExchange []byte // empty in a HelloRetryRequest, which only names the group
}

// ExtensionType returns ExtensionKeyShare.
func (*KeyShare) ExtensionType() ExtensionType { return ExtensionKeyShare }

// Decode reads the data. See [ExtensionData].
func (v *KeyShare) Decode(c *field.Cursor, in HandshakeType) error {
	v.Shares = v.Shares[:0]
	switch {
	case in == TypeClientHello:
		c.Enter16("client_shares", 0, max16)
		for c.More() {
			c.Item()
			v.Shares = append(v.Shares, readShare(c))
			c.Leave()
		}
		c.Leave()
	case in == TypeHelloRetryRequest:
		v.Shares = append(v.Shares, KeyShareEntry{Group: field.Enum16[NamedGroup](c, "selected_group")})
	default:
		c.Enter("server_share")
		v.Shares = append(v.Shares, readShare(c))
		c.Leave()
	}
	return c.End()
}

func readShare(c *field.Cursor) KeyShareEntry {
	group := field.Enum16[NamedGroup](c, "group")
	return KeyShareEntry{Group: group, KeyExchange: c.Opaque16("key_exchange", 1, max16)}
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *KeyShare) AppendData(b []byte, in HandshakeType) []byte {
	if in == TypeClientHello {
		b, at := open16(b)
		for _, s := range v.Shares {
			b = appendOpaque16(append16(b, s.Group), s.KeyExchange)
		}
		return close16(b, at)
	}
	for _, s := range v.Shares[:min(1, len(v.Shares))] {
		b = append16(b, s.Group)
		if in != TypeHelloRetryRequest {
			b = appendOpaque16(b, s.KeyExchange)
		}
	}
	return b
}

// PSKKeyExchangeModes is psk_key_exchange_modes (RFC 9846, section 4.3.9).
type PSKKeyExchangeModes struct {
	Modes []PSKKeyExchangeMode
}

// ExtensionType returns ExtensionPSKKeyExchangeModes.
func (*PSKKeyExchangeModes) ExtensionType() ExtensionType { return ExtensionPSKKeyExchangeModes }

// Decode reads the data. See [ExtensionData].
func (v *PSKKeyExchangeModes) Decode(c *field.Cursor, _ HandshakeType) error {
	v.Modes = readList8(c, v.Modes, "ke_modes", "ke_mode", 1)
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *PSKKeyExchangeModes) AppendData(b []byte, _ HandshakeType) []byte {
	return appendList8(b, v.Modes)
}
