// The extensions that change how the session or its records work. Some have no
// data and matter by their presence.

package tlsmsg

import "github.com/rawshake/rawshake/field"

// ExtendedMasterSecret is extended_master_secret (RFC 7627, section 5.1).
type ExtendedMasterSecret struct{}

// ExtensionType returns ExtensionExtendedMasterSecret.
func (*ExtendedMasterSecret) ExtensionType() ExtensionType { return ExtensionExtendedMasterSecret }

// Decode checks that there is no data. See [ExtensionData].
func (*ExtendedMasterSecret) Decode(c *field.Cursor, _ HandshakeType) error { return c.End() }

// AppendData appends nothing.
func (*ExtendedMasterSecret) AppendData(b []byte, _ HandshakeType) []byte { return b }

// EncryptThenMAC is encrypt_then_mac (RFC 7366, section 2).
type EncryptThenMAC struct{}

// ExtensionType returns ExtensionEncryptThenMAC.
func (*EncryptThenMAC) ExtensionType() ExtensionType { return ExtensionEncryptThenMAC }

// Decode checks that there is no data. See [ExtensionData].
func (*EncryptThenMAC) Decode(c *field.Cursor, _ HandshakeType) error { return c.End() }

// AppendData appends nothing.
func (*EncryptThenMAC) AppendData(b []byte, _ HandshakeType) []byte { return b }

// RenegotiationInfo is renegotiation_info (RFC 5746, section 3.2).
type RenegotiationInfo struct {
	RenegotiatedConnection []byte // empty in a first handshake
}

// ExtensionType returns ExtensionRenegotiationInfo.
func (*RenegotiationInfo) ExtensionType() ExtensionType { return ExtensionRenegotiationInfo }

// Decode reads the data. See [ExtensionData].
func (v *RenegotiationInfo) Decode(c *field.Cursor, _ HandshakeType) error {
	v.RenegotiatedConnection = c.Opaque8("renegotiated_connection", 0, max8)
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *RenegotiationInfo) AppendData(b []byte, _ HandshakeType) []byte {
	return appendOpaque8(b, v.RenegotiatedConnection)
}

// SessionTicket is session_ticket (RFC 5077, section 3.2).
type SessionTicket struct {
	Ticket []byte // empty: the client supports tickets, or the server will send one
}

// ExtensionType returns ExtensionSessionTicket.
func (*SessionTicket) ExtensionType() ExtensionType { return ExtensionSessionTicket }

// Decode reads the data. See [ExtensionData].
func (v *SessionTicket) Decode(c *field.Cursor, _ HandshakeType) error {
	v.Ticket = nil
	if c.More() {
		v.Ticket = c.Rest("ticket")
	}
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *SessionTicket) AppendData(b []byte, _ HandshakeType) []byte { return append(b, v.Ticket...) }

// RecordSizeLimit is record_size_limit (RFC 8449, section 4).
type RecordSizeLimit struct {
	Limit uint16 // bytes of plaintext in a record
}

// ExtensionType returns ExtensionRecordSizeLimit.
func (*RecordSizeLimit) ExtensionType() ExtensionType { return ExtensionRecordSizeLimit }

// Decode reads the data. See [ExtensionData].
func (v *RecordSizeLimit) Decode(c *field.Cursor, _ HandshakeType) error {
	v.Limit = c.Uint16("record_size_limit")
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *RecordSizeLimit) AppendData(b []byte, _ HandshakeType) []byte { return append16(b, v.Limit) }

// Padding is padding (RFC 7685, section 3): a number of zero bytes.
type Padding struct {
	Length int
}

// ExtensionType returns ExtensionPadding.
func (*Padding) ExtensionType() ExtensionType { return ExtensionPadding }

// Decode reads the data. See [ExtensionData].
func (v *Padding) Decode(c *field.Cursor, _ HandshakeType) error {
	v.Length = 0
	if !c.More() {
		return c.End()
	}
	for i, x := range c.Rest("zeros") {
		if x != 0 {
			c.Failf("byte %d of the padding is 0x%02X, expected zero", i, x)
			break
		}
		v.Length++
	}
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *Padding) AppendData(b []byte, _ HandshakeType) []byte {
	return append(b, make([]byte, min(max(v.Length, 0), max16))...)
}
