// The record layer (RFC 5246, section 6.2).

package tlsmsg

import (
	"fmt"
	"unicode/utf8"

	"github.com/rawshake/rawshake/field"
)

const (
	// RecordHeaderLen is the length of a record's header, in bytes.
	RecordHeaderLen = 5
	// MaxPlaintext is the maximum length of a fragment before protection, in
	// bytes (RFC 5246, section 6.2.1).
	MaxPlaintext = 1 << 14
	// MaxCiphertext is the maximum length of a protected fragment, in bytes
	// (RFC 5246, section 6.2.3).
	MaxCiphertext = MaxPlaintext + 2048
)

// A Record is one TLS record, as TLSPlaintext or TLSCiphertext.
type Record struct {
	Type     ContentType
	Version  Version
	Fragment []byte
}

// A NotTLSError says that the bytes belong to another protocol: a server that
// answers a ClientHello in plain HTTP, say.
type NotTLSError struct {
	First []byte // the first bytes seen, at most 32; a copy
}

// maxFirst bounds NotTLSError.First: enough to recognize a protocol by.
const maxFirst = 32

// Error quotes the bytes that came in the place of a record.
func (e *NotTLSError) Error() string {
	first := e.First
	for i := range first { // a copy may end inside a character
		if !utf8.FullRune(first[i:]) {
			first = first[:i]
			break
		}
	}
	return fmt.Sprintf("not TLS: the bytes begin with %+q", first)
}

// RecordVersionError says that a record's version is not one of SSL 3.0 to
// TLS 1.3, all of which are 3.x in a header.
type RecordVersionError struct {
	Type    ContentType
	Version Version
}

// Error names the type and the version that the record has.
func (e *RecordVersionError) Error() string {
	return fmt.Sprintf("record of type %s has version %s, expected 0x03 as its first byte", e.Type, hex16(uint16(e.Version)))
}

// RecordTooLongError says that a record exceeds the limit on its fragment.
// Its alert is record_overflow.
type RecordTooLongError struct {
	Type   ContentType
	Length int // in bytes
	Max    int
}

// Error names the type, the length in bytes, and the largest that is allowed.
func (e *RecordTooLongError) Error() string {
	return fmt.Sprintf("record of type %s: fragment of %d bytes, expected at most %d", e.Type, e.Length, e.Max)
}

// NextRecord splits the first record off a byte stream. It returns the record
// and its length, header included, or n == 0 if more bytes are needed; it never
// needs more than RecordHeaderLen+MaxCiphertext. The fragment aliases b, and
// may be empty: whether that is allowed depends on type and state.
//
// What cannot become a record is refused as soon as that is certain, with a
// [*NotTLSError], a [*RecordVersionError] or a [*RecordTooLongError]. An
// unknown content type in an otherwise valid header is not refused. The limit
// is MaxCiphertext; [Record.CheckPlaintext] has the tighter one.
func NextRecord(b []byte) (rec Record, n int, err error) {
	if err := checkHeader(b); err != nil || len(b) < RecordHeaderLen {
		return Record{}, 0, err
	}
	n = RecordHeaderLen + int(b[3])<<8 + int(b[4])
	if len(b) < n {
		return Record{}, 0, nil
	}
	return Record{ContentType(b[0]), Version(b[1])<<8 | Version(b[2]), b[RecordHeaderLen:n:n]}, n, nil
}

// checkHeader judges as much of a record header as b holds.
func checkHeader(b []byte) error {
	const major = 3 // of every version since SSL 3.0
	if len(b) < 2 {
		return nil
	}
	t := ContentType(b[0])
	if b[1] != major {
		if t < ContentChangeCipherSpec || t > ContentHeartbeat {
			return &NotTLSError{First: append([]byte(nil), b[:min(len(b), maxFirst)]...)}
		}
		if len(b) > 2 {
			return &RecordVersionError{Type: t, Version: Version(b[1])<<8 | Version(b[2])}
		}
	}
	if len(b) >= RecordHeaderLen {
		if n := int(b[3])<<8 + int(b[4]); n > MaxCiphertext {
			return &RecordTooLongError{Type: t, Length: n, Max: MaxCiphertext}
		}
	}
	return nil
}

// Decode reads one record, all that is left in the cursor's group. The
// fragment aliases the cursor's input.
func (r *Record) Decode(c *field.Cursor) error {
	r.Type = field.Enum8[ContentType](c, "type")
	r.Version = field.Enum16[Version](c, "version")
	r.Fragment = c.Opaque16("fragment", 0, MaxCiphertext)
	return c.End()
}

// CheckPlaintext fails with a [*RecordTooLongError] if the fragment is longer
// than an unprotected one may be (RFC 5246, section 6.2.1).
func (r Record) CheckPlaintext() error {
	if n := len(r.Fragment); n > MaxPlaintext {
		return &RecordTooLongError{Type: r.Type, Length: n, Max: MaxPlaintext}
	}
	return nil
}

// AppendRecord appends the record to b. A fragment that is too long for a
// 16-bit length is cut; the caller splits data by MaxPlaintext.
func AppendRecord(b []byte, r Record) []byte {
	b = append(b, byte(r.Type))
	b = append16(b, r.Version)
	return appendOpaque16(b, r.Fragment)
}

// ExplainRecord returns the tree of one record's fields as on the wire, with
// its fragment as one leaf. See [Explain].
func ExplainRecord(wire []byte) (*field.Node, error) {
	c := field.Record("TLSRecord", wire)
	err := new(Record).Decode(&c)
	return c.Whole(), err
}
