// JSON objects that keep their order and are safe on a terminal.

package view

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// An object is a JSON object whose fields keep the order they were added in.
type object struct{ b []byte }

// add appends a field. A nil value is null.
func (o *object) add(key string, value any) {
	if len(o.b) > 0 {
		o.b = append(o.b, ',')
	}
	o.b = append(appendString(o.b, key), ':')
	o.b = appendValue(o.b, value)
}

// addIf appends a field where there is something to tell.
func addIf[T comparable](o *object, key string, value T) {
	var zero T
	if value != zero {
		o.add(key, value)
	}
}

// appendTo appends the object's text to b.
func (o object) appendTo(b []byte) []byte {
	b = append(b, '{')
	b = append(b, o.b...)
	return append(b, '}')
}

func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case uint32:
		return strconv.AppendUint(b, uint64(v), 10)
	case string:
		return appendString(b, v)
	case time.Duration: // in milliseconds, to the microsecond
		return strconv.AppendFloat(b, float64(v)/float64(time.Millisecond), 'f', 3, 64)
	case []uint16:
		return appendList(b, v, func(b []byte, n uint16) []byte { return strconv.AppendUint(b, uint64(n), 10) })
	case []uint32:
		return appendList(b, v, func(b []byte, n uint32) []byte { return strconv.AppendUint(b, uint64(n), 10) })
	case []string:
		return appendList(b, v, appendString)
	case []object:
		return appendList(b, v, func(b []byte, o object) []byte { return o.appendTo(b) })
	case fmt.Stringer:
		return appendString(b, v.String())
	}
	panic(fmt.Sprintf("view: no JSON for a %T", value))
}

func appendList[T any](b []byte, list []T, item func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = item(b, v)
	}
	return append(b, ']')
}

// appendString appends s as a JSON string (RFC 8259, section 7). A program
// reads the text as it was; on a terminal the line does no harm, because what
// Escape would change is written as \u escapes. Bytes that are no UTF-8, for
// which JSON has no form, become the text that Escape gives them.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		if n := plainLen(s[i:]); n > 0 { // most of most strings
			b = append(b, s[i:i+n]...)
			i += n
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == utf8.RuneError && size == 1:
			b = fmt.Appendf(b, `\\x%02x`, s[i])
		case visible(r):
			b = utf8.AppendRune(b, r)
		case r >= 0x10000:
			high, low := utf16.EncodeRune(r)
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
		i += size
	}
	return append(b, '"')
}

// plainLen is how much of the beginning of s stands in JSON, and on a terminal,
// as it is.
func plainLen(s string) int {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return i
		}
	}
	return len(s)
}

// AppendJSONString appends s as this package writes strings: a program reads
// the text as it was, and on a terminal it does no harm.
func AppendJSONString(b []byte, s string) []byte { return appendString(b, s) }
