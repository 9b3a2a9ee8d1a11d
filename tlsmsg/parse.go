// Decoding and encoding of whole messages, and the tree of their fields.

package tlsmsg

import "github.com/rawshake/rawshake/field"

// HeaderLen is the length of a handshake message's header, in bytes: msg_type
// and a 24-bit length (RFC 5246, section 7.4).
const HeaderLen = 4

// Decode reads the body of a message of type t, all that is left in the
// cursor's group.
func Decode(t HandshakeType, c *field.Cursor, ctx Context) (Message, error) {
	m := New(t)
	if err := m.Decode(c, ctx); err != nil {
		return nil, err
	}
	return m, nil
}

// Append appends a whole message to b: the header and the body.
func Append(b []byte, m Message, ctx Context) []byte {
	b = append(b, byte(m.Type()))
	b, at := open24(b)
	return close24(m.AppendBody(b, ctx), at)
}

// ParseMessage decodes one whole message, header included, as [Assembler.Next]
// returns it. Byte slices in the result alias raw. Errors are [*field.Error];
// their paths begin with the message's name ("ServerHello.session_id") and
// their offsets count from the header's first byte.
func ParseMessage(raw []byte, ctx Context) (Message, error) {
	m := New(rawType(raw))
	if err := ParseInto(m, raw, ctx); err != nil {
		return nil, err
	}
	return m, nil
}

// ParseInto is ParseMessage into an existing message, whose storage it reuses.
// A msg_type other than m's is an error.
func ParseInto(m Message, raw []byte, ctx Context) error {
	c := field.New(rootName(m, raw), raw)
	readHeader(&c, m.Type(), ctx)
	return decodeBody(m, &c, ctx)
}

// Explain decodes raw with the same decoders as ParseMessage and returns the
// tree of its fields. The tree is never nil, and its leaves cover all of raw
// also after an error: what could not be decoded is a last leaf named
// "undecoded", whose meaning is the error.
func Explain(raw []byte, ctx Context) (*field.Node, error) {
	m := New(rawType(raw))
	c := field.Record(rootName(m, raw), raw)
	readHeader(&c, m.Type(), ctx)
	err := m.Decode(&c, ctx)
	return c.Whole(), err
}

// RecordTree is Explain without the error, which is in the tree.
func RecordTree(raw []byte, ctx Context) *field.Node {
	tree, _ := Explain(raw, ctx)
	return tree
}

// ExplainContent returns the tree of the decrypted and reassembled content of a
// record of type t: a handshake message with its header, a ChangeCipherSpec, an
// alert; anything else is one leaf. See Explain.
func ExplainContent(t ContentType, raw []byte, ctx Context) (*field.Node, error) {
	if t == ContentHandshake {
		return Explain(raw, ctx)
	}
	c := field.Record(t.Heading(), raw)
	var err error
	switch t {
	case ContentChangeCipherSpec:
		err = new(ChangeCipherSpec).Decode(&c)
	case ContentAlert:
		err = new(Alert).Decode(&c)
	default:
		c.Rest("data")
	}
	return c.Whole(), err
}

// rawType peeks at msg_type.
func rawType(raw []byte) HandshakeType {
	if len(raw) == 0 {
		return 0
	}
	return HandshakeType(raw[0])
}

// rootName names the message in paths; where not even its type is there, after
// RFC 5246's struct for all of them.
func rootName(m Message, raw []byte) string {
	if len(raw) == 0 {
		return "Handshake"
	}
	if t := m.Type(); t != TypeServerHello {
		return t.Heading()
	}
	return Form(raw).Heading()
}

// Form returns the type of a whole message, header included, and
// TypeHelloRetryRequest of a ServerHello whose random makes it one.
func Form(raw []byte) HandshakeType {
	const random = HeaderLen + 2
	t := rawType(raw)
	if t == TypeServerHello && len(raw) >= random+32 && [32]byte(raw[random:]) == helloRetryRequest {
		return TypeHelloRetryRequest
	}
	return t
}

func readHeader(c *field.Cursor, want HandshakeType, ctx Context) {
	if t := field.Enum8[HandshakeType](c, "msg_type"); t != want {
		c.Failf("%s, expected %s", t, want)
	}
	if ctx.Version == VersionSSL20 && want == TypeClientHello {
		return // its length stands before it
	}
	n := int(c.Uint24("length"))
	if left := c.Left(); n != left {
		c.Failf("length %d, expected %d, which is what follows the header", n, left)
	}
}

// decodeBody calls m.Decode. Naming the types keeps the caller's cursor off
// the heap; a test finds the one that is not named.
func decodeBody(m Message, c *field.Cursor, ctx Context) error {
	switch m := m.(type) {
	case *HelloRequest:
		return m.Decode(c, ctx)
	case *ClientHello:
		return m.Decode(c, ctx)
	case *ServerHello:
		return m.Decode(c, ctx)
	case *NewSessionTicket:
		return m.Decode(c, ctx)
	case *EndOfEarlyData:
		return m.Decode(c, ctx)
	case *EncryptedExtensions:
		return m.Decode(c, ctx)
	case *KeyUpdate:
		return m.Decode(c, ctx)
	case *CompressedCertificate:
		return m.Decode(c, ctx)
	case *MessageHash:
		return m.Decode(c, ctx)
	case *Certificate:
		return m.Decode(c, ctx)
	case *ServerKeyExchange:
		return m.Decode(c, ctx)
	case *CertificateRequest:
		return m.Decode(c, ctx)
	case *ServerHelloDone:
		return m.Decode(c, ctx)
	case *CertificateVerify:
		return m.Decode(c, ctx)
	case *ClientKeyExchange:
		return m.Decode(c, ctx)
	case *Finished:
		return m.Decode(c, ctx)
	case *CertificateStatus:
		return m.Decode(c, ctx)
	case *UnknownMessage:
		return m.Decode(c, ctx)
	}
	heap := *c // a type of another package
	defer func() { *c = heap }()
	return m.Decode(&heap, ctx)
}
