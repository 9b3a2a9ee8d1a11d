package view

import (
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/facts/plain"
)

func FuzzWrapAndCutFit(f *testing.F) {
	f.Add("the certificate chain does not verify", 12)
	f.Add("例え例え例え例え例え例え例え a", 13)
	f.Fuzz(func(t *testing.T, s string, width int) {
		s, width = plain.Escape(s), minRoom+width&0x3f
		if a := toASCII(s); !plain.Harmless(a) {
			t.Errorf("toASCII(%q) = %q", s, a)
		}
		var words strings.Builder
		for _, row := range wrap(s, width) {
			if columns(row) > width {
				t.Errorf("wrap(%q, %d) makes a line of %d columns: %q", s, width, columns(row), row)
			}
			words.WriteString(row)
		}
		if a, b := strings.ReplaceAll(words.String(), " ", ""), strings.ReplaceAll(s, " ", ""); a != b {
			t.Errorf("wrap(%q, %d) lost something: %q", s, width, a)
		}
		if got := cut(s, width, "…"); columns(got) > width {
			t.Errorf("cut(%q, %d) = %q", s, width, got)
		}
	})
}

// Our own sentences stay readable where there is nothing but ASCII.
func TestOurOwnSignsHaveALikeness(t *testing.T) {
	if got, want := toASCII("CLOSED → SYN-SENT, 87µs, a × b, 1–2…"), "CLOSED -> SYN-SENT, 87us, a x b, 1-2..."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// What a capture's comment says without a space costs about what it costs with
// them: each character is looked at a few times, however long the word is.
func TestALongWordCostsWhatItsCharactersDo(t *testing.T) {
	spaced := strings.Repeat("word ", 20_000)
	for name, s := range map[string]string{"with spaces": spaced, "without": strings.ReplaceAll(spaced, " ", "x")} {
		looks := 0
		wrapBy(s, 80, func(rune) int { looks++; return 1 })
		if looks < len(spaced)/2 || looks > 3*len(s) {
			t.Errorf("%s: %d characters are looked at %d times", name, len(s), looks)
		}
	}
}
