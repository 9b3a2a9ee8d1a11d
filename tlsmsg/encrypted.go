// The messages that only TLS 1.3 has: EncryptedExtensions, EndOfEarlyData and
// KeyUpdate (RFC 9846, sections 4.4.1, 4.6 and 4.7.3), CompressedCertificate
// (RFC 8879, section 4), and what replaces a first ClientHello in the
// transcript (RFC 9846, section 4.1).

package tlsmsg

import "github.com/rawshake/rawshake/field"

// EncryptedExtensions holds the server's answers to extensions that need not be
// readable to everybody.
type EncryptedExtensions struct{ Extensions []Extension }

// EndOfEarlyData is the end of a client's 0-RTT data.
type EndOfEarlyData struct{}

// KeyUpdate says that the sender's next record has new keys.
type KeyUpdate struct{ Request KeyUpdateRequest }

// MessageHash is never sent: it replaces the first ClientHello in the
// transcript of a handshake with a HelloRetryRequest.
type MessageHash struct{ Hash []byte }

// CompressedCertificate is a Certificate message's body, compressed. Nothing here
// decompresses it.
type CompressedCertificate struct {
	Algorithm          CertificateCompressionAlgorithm
	UncompressedLength uint32 // as claimed, at most 2^24-1
	Message            []byte // the body, compressed
}

// Type returns TypeEncryptedExtensions.
func (*EncryptedExtensions) Type() HandshakeType { return TypeEncryptedExtensions }

// Decode reads an EncryptedExtensions. See [Message].
func (m *EncryptedExtensions) Decode(c *field.Cursor, _ Context) error {
	m.Extensions = readBlock(c, m.Extensions, TypeEncryptedExtensions)
	return c.End()
}

// AppendBody appends the encoded body.
func (m *EncryptedExtensions) AppendBody(b []byte, _ Context) []byte {
	return appendExtensions(b, m.Extensions, true)
}

// Type returns TypeEndOfEarlyData.
func (*EndOfEarlyData) Type() HandshakeType { return TypeEndOfEarlyData }

// Decode checks that the body is empty. See [Message].
func (*EndOfEarlyData) Decode(c *field.Cursor, _ Context) error { return c.End() }

// AppendBody appends nothing.
func (*EndOfEarlyData) AppendBody(b []byte, _ Context) []byte { return b }

// Type returns TypeKeyUpdate.
func (*KeyUpdate) Type() HandshakeType { return TypeKeyUpdate }

// Decode reads a KeyUpdate. The caller refuses values that RFC 9846 does not
// define. See [Message].
func (m *KeyUpdate) Decode(c *field.Cursor, _ Context) error {
	m.Request = field.Enum8[KeyUpdateRequest](c, "request_update")
	return c.End()
}

// AppendBody appends the encoded body.
func (m *KeyUpdate) AppendBody(b []byte, _ Context) []byte { return append(b, byte(m.Request)) }

// Type returns TypeMessageHash.
func (*MessageHash) Type() HandshakeType { return TypeMessageHash }

// Decode takes all that is left as the hash. See [Message].
func (m *MessageHash) Decode(c *field.Cursor, _ Context) error {
	m.Hash = c.Rest("hash")
	return c.End()
}

// AppendBody appends the hash.
func (m *MessageHash) AppendBody(b []byte, _ Context) []byte { return append(b, m.Hash...) }

// Type returns TypeCompressedCertificate.
func (*CompressedCertificate) Type() HandshakeType { return TypeCompressedCertificate }

// Decode reads a CompressedCertificate, and leaves what is in it compressed. See
// [Message].
func (m *CompressedCertificate) Decode(c *field.Cursor, _ Context) error {
	m.Algorithm = field.Enum16[CertificateCompressionAlgorithm](c, "algorithm")
	m.UncompressedLength = c.Uint24("uncompressed_length")
	c.Means("bytes")
	m.Message = c.Opaque24("compressed_certificate_message", 1, max24)
	return c.End()
}

// AppendBody appends the encoded body.
func (m *CompressedCertificate) AppendBody(b []byte, _ Context) []byte {
	n := min(m.UncompressedLength, max24)
	b = append16(b, m.Algorithm)
	b = append(b, byte(n>>16), byte(n>>8), byte(n))
	return appendOpaque24(b, m.Message)
}
