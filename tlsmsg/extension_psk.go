// The extensions by which a client resumes a session in TLS 1.3, or tries
// again.

package tlsmsg

import "github.com/rawshake/rawshake/field"

// PreSharedKey is pre_shared_key (RFC 9846, section 4.3.11). In a ClientHello,
// whose last extension it is, it has identities and a binder for each; in a
// ServerHello it says which of them was chosen.
type PreSharedKey struct {
	Identities []PSKIdentity
	Binders    [][]byte
	Selected   uint16 // in an answer: a position in Identities
}

// A PSKIdentity is the name of one key: a ticket, or what both sides agreed on.
type PSKIdentity struct {
	Identity            []byte
	ObfuscatedTicketAge uint32 // milliseconds, after adding ticket_age_add
}

// minBinder and maxBinder bound a binder's length, in bytes.
const minBinder, maxBinder = 32, 255

// ExtensionType returns ExtensionPreSharedKey.
func (*PreSharedKey) ExtensionType() ExtensionType { return ExtensionPreSharedKey }

// Decode reads the data. The caller checks that there are as many binders as
// identities. See [ExtensionData].
func (v *PreSharedKey) Decode(c *field.Cursor, in HandshakeType) error {
	*v = PreSharedKey{Identities: v.Identities[:0], Binders: v.Binders[:0]}
	if in != TypeClientHello {
		v.Selected = c.Uint16("selected_identity")
		return c.End()
	}
	c.Enter16("identities", 7, max16)
	for c.More() {
		c.Item()
		id := c.Opaque16("identity", 1, max16)
		v.Identities = append(v.Identities, PSKIdentity{id, c.Uint32("obfuscated_ticket_age")})
		c.Leave()
	}
	c.Leave()
	c.Enter16("binders", 1+minBinder, max16)
	for c.More() {
		c.Element()
		v.Binders = append(v.Binders, c.Opaque8("binder", minBinder, maxBinder))
	}
	c.Leave()
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *PreSharedKey) AppendData(b []byte, in HandshakeType) []byte {
	if in != TypeClientHello {
		return append16(b, v.Selected)
	}
	b, at := open16(b)
	for _, id := range v.Identities {
		b = append32(appendOpaque16(b, id.Identity), id.ObfuscatedTicketAge)
	}
	b, at = open16(close16(b, at))
	for _, binder := range v.Binders {
		b = appendOpaque8(b, binder)
	}
	return close16(b, at)
}

// BindersLen returns how many bytes the binders take at the end of a
// ClientHello, with their length: they are computed from everything before that
// (RFC 9846, section 4.3.11.2).
func (v *PreSharedKey) BindersLen() int {
	n := 2
	for _, binder := range v.Binders {
		n += 1 + len(binder)
	}
	return n
}

// EarlyData is early_data (RFC 9846, section 4.3.10). In a NewSessionTicket it
// says how much may be sent; elsewhere it has no data.
type EarlyData struct {
	MaxSize uint32 // max_early_data_size, bytes
}

// ExtensionType returns ExtensionEarlyData.
func (*EarlyData) ExtensionType() ExtensionType { return ExtensionEarlyData }

// Decode reads the data. See [ExtensionData].
func (v *EarlyData) Decode(c *field.Cursor, in HandshakeType) error {
	v.MaxSize = 0
	if in == TypeNewSessionTicket {
		v.MaxSize = c.Uint32("max_early_data_size")
		c.Means("bytes")
	}
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *EarlyData) AppendData(b []byte, in HandshakeType) []byte {
	if in != TypeNewSessionTicket {
		return b
	}
	return append32(b, v.MaxSize)
}

// Cookie is cookie (RFC 9846, section 4.3.2): what a HelloRetryRequest asks the
// client to send back.
type Cookie struct {
	Cookie []byte
}

// ExtensionType returns ExtensionCookie.
func (*Cookie) ExtensionType() ExtensionType { return ExtensionCookie }

// Decode reads the data. See [ExtensionData].
func (v *Cookie) Decode(c *field.Cursor, _ HandshakeType) error {
	v.Cookie = c.Opaque16("cookie", 1, max16)
	return c.End()
}

// AppendData appends the encoded data. See [ExtensionData].
func (v *Cookie) AppendData(b []byte, _ HandshakeType) []byte { return appendOpaque16(b, v.Cookie) }
