// Measures, cuts and wraps text by terminal columns.

package view

import (
	"strings"
	"unicode"
)

// columns is the number of terminal columns that s takes. Our own escape
// sequences are added after measuring; text from the network has none left.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// wide are the characters that terminals show in two columns: Unicode's East
// Asian Width W and F (UAX #11), roughly.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, {Lo: 0x2e80, Hi: 0x303e, Stride: 1}, {Lo: 0x3041, Hi: 0xa4cf, Stride: 1},
		{Lo: 0xa960, Hi: 0xa97f, Stride: 1}, {Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, {Lo: 0xf900, Hi: 0xfaff, Stride: 1},
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, {Lo: 0xff00, Hi: 0xff60, Stride: 1}, {Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{{Lo: 0x1f300, Hi: 0x1faff, Stride: 1}, {Lo: 0x20000, Hi: 0x3fffd, Stride: 1}},
}

// cut shortens s to n columns; an ellipsis says that something is missing.
func cut(s string, n int, ellipsis string) string {
	if columns(s) <= n {
		return s
	}
	room := n - columns(ellipsis)
	if room < 0 {
		return ""
	}
	used := 0
	for i, r := range s {
		if used += runeColumns(r); used > room {
			return strings.TrimRight(s[:i], " ") + ellipsis
		}
	}
	return s
}

// wrap breaks s at spaces into lines of at most n columns. A word that is
// longer than a line is broken where the line ends.
func wrap(s string, n int) []string { return wrapBy(s, n, runeColumns) }

// wrapBy is wrap for characters of other widths.
func wrapBy(s string, n int, measure func(rune) int) []string {
	var lines []string
	line, used := "", 0
	for word := range strings.FieldsSeq(s) {
		width := 0
		for _, r := range word {
			width += measure(r)
		}
		if used > 0 && used+1+width > n {
			lines = append(lines, line)
			line, used = "", 0
		}
		if used > 0 {
			line, used = line+" ", used+1
		}
		for width > n { // measured once, since a word may be long
			head, taken := split(word, n-used, measure)
			word, width = word[len(head):], width-taken
			lines = append(lines, line+head)
			line, used = "", 0
		}
		line, used = line+word, used+width
	}
	return append(lines, line)
}

// split is the beginning of s, of at most n columns but at least one character,
// and its columns.
func split(s string, n int, measure func(rune) int) (head string, used int) {
	for i, r := range s {
		width := measure(r)
		if used+width > n && i > 0 {
			return s[:i], used
		}
		used += width
	}
	return s, used
}

// padLeft and padRight fill s up to n columns.
func padLeft(s string, n int) string  { return strings.Repeat(" ", max(0, n-columns(s))) + s }
func padRight(s string, n int) string { return s + strings.Repeat(" ", max(0, n-columns(s))) }
