// What a protected record of TLS 1.3 holds (RFC 9846, sections 5.2 and 5.4).

package tlsmsg

import (
	"strconv"

	"github.com/rawshake/rawshake/field"
)

const (
	// MaxInnerPlaintext is the maximum length of an InnerPlaintext, in bytes.
	MaxInnerPlaintext = MaxPlaintext + 1
	// MaxCiphertext13 is the maximum length of a protected fragment of TLS 1.3,
	// in bytes.
	MaxCiphertext13 = MaxPlaintext + 256
)

// An InnerPlaintext is a TLSInnerPlaintext: content, its type, and any number
// of zeros.
type InnerPlaintext struct {
	Content []byte
	Type    ContentType
	Zeros   int
}

// ParseInnerPlaintext decodes what was in a protected record. Content aliases
// b. If all bytes are zero there is no type, and the error is a [*field.Error];
// the answer is the alert unexpected_message. It looks at each zero once.
func ParseInnerPlaintext(b []byte) (InnerPlaintext, error) {
	n := innerContent(b)
	if n < 0 {
		return InnerPlaintext{}, &field.Error{Path: innerName + ".type", Offset: len(b), Problem: noInnerType(len(b))}
	}
	return InnerPlaintext{b[:n:n], ContentType(b[n]), len(b) - n - 1}, nil
}

// Append appends the encoded structure. A type of 0 would be read as padding.
func (p InnerPlaintext) Append(b []byte) []byte {
	b = append(append(b, p.Content...), byte(p.Type))
	return append(b, make([]byte, max(0, p.Zeros))...)
}

// ExplainInnerPlaintext returns the tree of its fields, with the content as one
// leaf. See [Explain].
func ExplainInnerPlaintext(b []byte) (*field.Node, error) {
	c := field.Record(innerName, b)
	n := innerContent(b)
	if n < 0 {
		if len(b) > 0 {
			c.Rest("zeros")
		}
		return c.Whole(), &field.Error{Path: innerName + ".type", Offset: len(b), Problem: noInnerType(len(b))}
	}
	c.Bytes("content", n)
	field.Enum8[ContentType](&c, "type")
	if c.More() {
		c.Rest("zeros")
	}
	return c.Whole(), c.Err()
}

const innerName = "TLSInnerPlaintext"

// innerContent is the length of the content, or -1 where there is no type.
func innerContent(b []byte) int {
	for n := len(b) - 1; n >= 0; n-- {
		if b[n] != 0 {
			return n
		}
	}
	return -1
}

func noInnerType(n int) string {
	return "no content type: none of the " + strconv.Itoa(n) + " bytes is other than zero"
}

// CheckCiphertext13 fails with a [*RecordTooLongError] if the fragment is longer
// than a protected one of TLS 1.3 may be.
func (r Record) CheckCiphertext13() error {
	if n := len(r.Fragment); n > MaxCiphertext13 {
		return &RecordTooLongError{Type: r.Type, Length: n, Max: MaxCiphertext13}
	}
	return nil
}
