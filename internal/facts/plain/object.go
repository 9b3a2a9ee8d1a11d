// A JSON object whose fields keep their order, and JSON strings.

package plain

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// An Object is a JSON object whose fields keep the order in which they were
// added.
type Object struct{ w Writer }

// Add appends a field. A nil value is null; a kind of value that it does not know
// panics.
func (o *Object) Add(key string, value any) {
	if len(o.w.B) == 0 {
		o.w.B = append(o.w.B, '{')
	}
	o.w.any(key, value)
}

// AddIf appends a field unless its value is zero.
func AddIf[T comparable](o *Object, key string, value T) {
	var zero T
	if value != zero {
		o.Add(key, value)
	}
}

// AppendTo appends the object's text to b.
func (o Object) AppendTo(b []byte) []byte {
	if len(o.w.B) == 0 {
		return append(b, "{}"...)
	}
	return append(append(b, o.w.B...), '}')
}

// any writes a field of whatever kind.
func (w *Writer) any(name string, value any) {
	switch v := value.(type) {
	case nil:
		w.null(name)
	case bool:
		w.Bool(name, v)
	case int:
		w.Int(name, v)
	case int64:
		w.Int(name, int(v))
	case uint32:
		w.Int(name, int(v))
	case string:
		w.String(name, v)
	case time.Duration:
		w.Milliseconds(name, v)
	case []uint16:
		numbers(w, name, v)
	case []uint32:
		numbers(w, name, v)
	case []string:
		w.Strings(name, v)
	case Object:
		if w.Name(name) {
			w.B = v.AppendTo(w.B)
		}
	case []Object:
		if w.Open(name, '[') {
			for _, o := range v {
				w.Comma()
				w.B = o.AppendTo(w.B)
			}
			w.Close(']')
		}
	case fmt.Stringer:
		w.String(name, v.String())
	default:
		panic(fmt.Sprintf("plain: no JSON for a %T", value))
	}
}

func (w *Writer) null(name string) {
	if w.Name(name) {
		w.B = append(w.B, "null"...)
	}
}

func numbers[T uint16 | uint32](w *Writer, name string, list []T) {
	if w.Open(name, '[') {
		for _, n := range list {
			w.Comma()
			w.B = strconv.AppendUint(w.B, uint64(n), 10)
		}
		w.Close(']')
	}
}

// AppendString appends s as a JSON string (RFC 8259, section 7). A program
// reads the text as it was; on a terminal the line does no harm, because what
// Escape would change is written as \u escapes. Invalid UTF-8, for which JSON
// has no form, becomes the text that Escape makes of it.
func AppendString(b []byte, s string) []byte {
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

// plainLen is the length of the beginning of s that needs no escape in JSON or
// on a terminal.
func plainLen(s string) int {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return i
		}
	}
	return len(s)
}
