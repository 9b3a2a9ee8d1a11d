// ClientHello and ServerHello (RFC 5246, sections 7.4.1.2 and 7.4.1.3).
// Decoding reuses the slices of the value that it decodes into.

package tlsmsg

import "github.com/rawshake/rawshake/field"

// Type returns TypeClientHello.
func (*ClientHello) Type() HandshakeType { return TypeClientHello }

// Decode reads a ClientHello. See [Message].
func (m *ClientHello) Decode(c *field.Cursor, ctx Context) error {
	if ctx.Version == VersionSSL20 {
		return m.decodeV2(c)
	}
	m.read(c)
	return c.End()
}

// read reads the fields of a ClientHello, and leaves what comes after them.
func (m *ClientHello) read(c *field.Cursor) {
	m.Version = field.Enum16[Version](c, "client_version")
	readRandom(c, &m.Random)
	m.SessionID = c.Opaque8("session_id", 0, 32)
	m.CipherSuites = readList16(c, m.CipherSuites, "cipher_suites", "cipher_suite", 2)
	m.CompressionMethods = readList8(c, m.CompressionMethods, "compression_methods", "compression_method", 1)
	m.Extensions, m.HasExtensions = readExtensions(c, m.Extensions, TypeClientHello)
}

// AppendBody appends the encoded body. The extension block is written if
// HasExtensions is set or there are extensions.
func (m *ClientHello) AppendBody(b []byte, _ Context) []byte {
	b = append16(b, m.Version)
	b = append(b, m.Random[:]...)
	b = appendOpaque8(b, m.SessionID)
	b = appendList16(b, m.CipherSuites)
	b = appendList8(b, m.CompressionMethods)
	return appendExtensions(b, m.Extensions, m.HasExtensions)
}

// Type returns TypeServerHello.
func (*ServerHello) Type() HandshakeType { return TypeServerHello }

// Decode reads a ServerHello. See [Message].
func (m *ServerHello) Decode(c *field.Cursor, _ Context) error {
	m.Version = field.Enum16[Version](c, "server_version")
	readRandom(c, &m.Random)
	if c.Recording() {
		c.Means(serverRandomMeaning(m.Random))
	}
	m.SessionID = c.Opaque8("session_id", 0, 32)
	m.CipherSuite = field.Enum16[CipherSuite](c, "cipher_suite")
	m.CompressionMethod = field.Enum8[CompressionMethod](c, "compression_method")
	m.Extensions, m.HasExtensions = readExtensions(c, m.Extensions, m.Form())
	return c.End()
}

// AppendBody appends the encoded body. The extension block is written if
// HasExtensions is set or there are extensions.
func (m *ServerHello) AppendBody(b []byte, _ Context) []byte {
	b = append16(b, m.Version)
	b = append(b, m.Random[:]...)
	b = appendOpaque8(b, m.SessionID)
	b = append16(b, m.CipherSuite)
	b = append(b, byte(m.CompressionMethod))
	return appendExtensions(b, m.Extensions, m.HasExtensions)
}

func readRandom(c *field.Cursor, random *[32]byte) {
	*random = [32]byte{}
	copy(random[:], c.Bytes("random", len(random)))
}

// A server that could speak more than it was asked to marks the end of its
// random (RFC 9846, section 4.2.3).
const (
	DowngradeTLS12 = "DOWNGRD\x01"
	DowngradeTLS11 = "DOWNGRD\x00"
)

// helloRetryRequest is the random that makes a ServerHello a
// HelloRetryRequest (RFC 9846, section 4.2.3): SHA-256 of that word.
var helloRetryRequest = [32]byte{
	0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
	0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
}

// HelloRetryRequestRandom returns the random that makes a ServerHello a
// HelloRetryRequest.
func HelloRetryRequestRandom() [32]byte { return helloRetryRequest }

// IsHelloRetryRequest reports whether the random says that the message is a
// HelloRetryRequest of TLS 1.3.
func (m *ServerHello) IsHelloRetryRequest() bool { return m.Random == helloRetryRequest }

// Form returns TypeServerHello, or TypeHelloRetryRequest if the random says so:
// the message as extensions see it. Both are sent with the former as their
// msg_type.
func (m *ServerHello) Form() HandshakeType {
	if m.IsHelloRetryRequest() {
		return TypeHelloRetryRequest
	}
	return TypeServerHello
}

func serverRandomMeaning(random [32]byte) string {
	switch {
	case random == helloRetryRequest:
		return "HelloRetryRequest"
	case string(random[24:]) == DowngradeTLS12:
		return "ends with the mark of a server that also speaks TLS 1.3"
	case string(random[24:]) == DowngradeTLS11:
		return "ends with the mark of a server that also speaks TLS 1.2"
	}
	return ""
}
