package plain

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestEscapeShowsWhatATerminalWouldObey(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"plain text", "example.org", "example.org"},
		{"other scripts", "bücher.例え.рф", "bücher.例え.рф"},
		{"backslash", `C:\x1b`, `C:\x1b`},
		{"escape sequence", "\x1b[31mred", `\x1b[31mred`},
		{"line break", "a\r\nb\tc", `a\x0d\x0ab\x09c`},
		{"NUL and DEL", "\x00\x7f", `\x00\x7f`},
		{"C1 control as UTF-8", "\u009b31m", `\u009b31m`},
		{"C1 control as a byte", "\x9b31m", `\x9b31m`},
		{"bidi override", "gpj\u202eexe", `gpj\u202eexe`},
		{"bidi isolates", "\u2066a\u2069", `\u2066a\u2069`},
		{"zero width", "pay\u200bpal\ufeff", `pay\u200bpal\ufeff`},
		{"invisible letters", "a\u3164\u115f\u2800", `a\u3164\u115f\u2800`},
		{"odd space", "a\u00a0b\u2028", `a\u00a0b\u2028`},
		{"variation selector", "a\ufe0f\U000e0101", `a\ufe0f\U000e0101`},
		{"tag characters", "\U000e0041", `\U000e0041`},
		{"half a character", "a\xe2\x80", `a\xe2\x80`},
		{"surrogate", "\xed\xa0\x80", `\xed\xa0\x80`},
		{"overlong", "\xc0\x9b", `\xc0\x9b`},
		{"accent", "e\u0301", "e\u0301"},
		{"accent on what stands before", "\u0301e", `\u0301e`},
		{"tower of accents", "e" + strings.Repeat("\u0301", 5), "e\u0301\u0301\u0301" + `\u0301` + "\u0301"},
	} {
		if got := Escape(tc.in); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// harmful reports the first character of s that a terminal may obey or hide.
func harmful(s string) (rune, bool) {
	for i, r := range s {
		_, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) ||
			unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return r, true
		}
	}
	return 0, false
}

// broken clears the screen, rings, renames the window, turns the reading
// direction, hides a character, and breaks UTF-8 and the line.
const broken = "a\x1b[2J\x07\x1b]0;pwned\x07\u202egpj.exe\u200b\u009b31m\xff\xfe\r\nInjected: line"

func FuzzEscape(f *testing.F) {
	f.Add(broken)
	f.Add("e\u0301\u0301\u0301\u0301\u0301")
	f.Add("ü\xc3")
	f.Fuzz(func(t *testing.T, s string) {
		e := Escape(s)
		if r, bad := harmful(e); bad {
			t.Errorf("Escape(%q) leaves %U", s, r)
		}
		if again := Escape(e); again != e {
			t.Errorf("Escape(%q) = %q, twice %q", s, e, again)
		}
	})
}

func FuzzJSONString(f *testing.F) {
	f.Add(broken)
	f.Add("\"\\\u2028\U000e0041 😀")
	f.Fuzz(func(t *testing.T, s string) {
		b := AppendString(nil, s)
		if r, bad := harmful(string(b)); bad {
			t.Errorf("the JSON of %q holds %U", s, r)
		}
		var back string
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if utf8.ValidString(s) && back != s {
			t.Errorf("%q came back as %q", s, back)
		}
	})
}
