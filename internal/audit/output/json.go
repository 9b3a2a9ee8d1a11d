// A report as JSON.

package output

import (
	_ "embed" // the schema
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/facts/plain"
)

// Schema is the JSON Schema (2020-12) of a report.
//
//go:embed audit.schema.json
var Schema []byte

// JSON writes a report as one line. The same report is the same line, always.
func JSON(w io.Writer, r *audit.Report) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("the report of %s has no JSON: %w", plain.Escape(r.Host), err)
	}
	_, err = w.Write(append(harmless(b), '\n'))
	return err
}

// harmless writes what a terminal would obey in JSON as escapes: outside ASCII
// there is nothing but strings.
func harmless(b []byte) []byte {
	out := make([]byte, 0, len(b)+1)
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		switch {
		case r < utf8.RuneSelf && r != 0x7f, r > 0x7f && r != utf8.RuneError && plain.Escape("a"+string(r)) == "a"+string(r):
			out = append(out, b[:size]...)
		case r >= 0x10000:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		b = b[size:]
	}
	return out
}
