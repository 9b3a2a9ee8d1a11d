// Makes text from the network harmless to a terminal.

package plain

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many combining marks one character may have. Writing systems
// need up to three; a hundred would paint over the lines around.
const maxMarks = 3

// EscapeError is an error in one escaped line, with joined errors separated by
// semicolons.
func EscapeError(err error) string { return Escape(strings.ReplaceAll(err.Error(), "\n", "; ")) }

// Escape makes text from the network harmless to a terminal and honest to a
// reader. What is not a visible character is shown by its number: \x1b for
// control characters and invalid UTF-8, \u202e for characters that change the
// reading direction or are invisible. Visible text in any language stays as it
// is, backslashes included: escaping twice changes nothing.
func Escape(s string) string {
	if Harmless(s) {
		return s
	}
	var b strings.Builder
	marks := maxMarks // none at the beginning, where it would combine with what precedes s
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
			marks = 0
		case !visible(r) || unicode.In(r, unicode.Mn, unicode.Me) && marks == maxMarks:
			b.WriteString(EscapeRune(r))
			marks = 0
		case unicode.In(r, unicode.Mn, unicode.Me):
			b.WriteRune(r)
			marks++
		default:
			b.WriteRune(r)
			marks = 0
		}
		i += size
	}
	return b.String()
}

// Harmless reports whether s is printable ASCII, as nearly everything is.
func Harmless(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// visible reports whether r has a shape of its own, or is the ASCII space.
// Format characters, including bidi controls, and unusual spaces have none.
func visible(r rune) bool {
	return strconv.IsPrint(r) && r != '\u2800' &&
		!unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// EscapeRune is how [Escape] shows a character that is not visible.
func EscapeRune(r rune) string {
	switch {
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}
