// Writes the fields of JSON objects without a value on the heap for each.

package plain

import (
	"encoding/hex"
	"strconv"
	"time"
)

// A Writer appends the fields of JSON objects to B, without a value on the heap
// for each. The caller opens and closes the outermost bracket.
type Writer struct {
	B    []byte
	Want map[string]bool // the fields of the outermost object that are wanted; nil: all are

	depth int
}

// Name writes a field's name, if it is wanted.
func (w *Writer) Name(name string) bool {
	if w.depth == 0 && w.Want != nil && !w.Want[name] {
		return false
	}
	w.Comma()
	w.B = append(append(append(w.B, '"'), name...), '"', ':')
	return true
}

// Comma writes what stands between two fields or elements, where one is needed.
func (w *Writer) Comma() {
	if c := w.B[len(w.B)-1]; c != '{' && c != '[' {
		w.B = append(w.B, ',')
	}
}

// Open begins a field that is an object or a list, if it is wanted.
func (w *Writer) Open(name string, bracket byte) bool {
	if !w.Name(name) {
		return false
	}
	w.depth++
	w.B = append(w.B, bracket)
	return true
}

// Element opens an element of a list.
func (w *Writer) Element(bracket byte) {
	w.Comma()
	w.depth++
	w.B = append(w.B, bracket)
}

// Close ends an object or a list.
func (w *Writer) Close(bracket byte) {
	w.depth--
	w.B = append(w.B, bracket)
}

// Value writes a string of a list.
func (w *Writer) Value(s string) {
	w.Comma()
	w.B = AppendString(w.B, s)
}

// Number writes a number of a list.
func (w *Writer) Number(n int) {
	w.Comma()
	w.B = strconv.AppendInt(w.B, int64(n), 10)
}

// Raw writes JSON that was made elsewhere as an element.
func (w *Writer) Raw(b []byte) {
	w.Comma()
	w.B = append(w.B, b...)
}

// String writes a field that is text.
func (w *Writer) String(name, v string) {
	if w.Name(name) {
		w.B = AppendString(w.B, v)
	}
}

// StringIf writes a text that is not empty.
func (w *Writer) StringIf(name, v string) {
	if v != "" {
		w.String(name, v)
	}
}

// Strings writes a field that is a list of texts.
func (w *Writer) Strings(name string, list []string) {
	if w.Open(name, '[') {
		for _, v := range list {
			w.Value(v)
		}
		w.Close(']')
	}
}

// Int writes a number.
func (w *Writer) Int(name string, v int) {
	if w.Name(name) {
		w.B = strconv.AppendInt(w.B, int64(v), 10)
	}
}

// IntIf writes a number that is not zero.
func (w *Writer) IntIf(name string, v int) {
	if v != 0 {
		w.Int(name, v)
	}
}

// Bool writes true or false.
func (w *Writer) Bool(name string, v bool) {
	if w.Name(name) {
		w.B = strconv.AppendBool(w.B, v)
	}
}

// BoolIf writes what is true.
func (w *Writer) BoolIf(name string, v bool) {
	if v {
		w.Bool(name, true)
	}
}

// Milliseconds writes a duration as milliseconds, to the microsecond.
func (w *Writer) Milliseconds(name string, d time.Duration) {
	if w.Name(name) {
		w.B = strconv.AppendFloat(w.B, float64(d)/float64(time.Millisecond), 'f', 3, 64)
	}
}

// Time writes a moment, to the microsecond, in UTC (RFC 3339).
func (w *Writer) Time(name string, t time.Time) {
	if w.Name(name) {
		w.B = append(w.B, '"')
		w.B = t.UTC().AppendFormat(w.B, "2006-01-02T15:04:05.000000Z")
		w.B = append(w.B, '"')
	}
}

// Hex writes bytes as hexadecimal digits.
func (w *Writer) Hex(name string, v []byte) {
	if w.Name(name) {
		w.B = append(w.B, '"')
		w.B = hex.AppendEncode(w.B, v)
		w.B = append(w.B, '"')
	}
}
