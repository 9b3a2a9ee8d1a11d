// A tally in the terminal.

package results

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/rawshake/rawshake/internal/facts/plain"
)

// Lengths on the terminal, in characters.
const (
	barWidth   = 24
	labelWidth = 44
)

// Summary writes the tally as text: of each section the most frequent values,
// at most most of them (0: all), with a bar for each.
func (t *Tally) Summary(w io.Writer, most int) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%d results, %s reached the goal\n", t.Targets, share(t.Reached, t.Targets))
	if t.First != "" {
		fmt.Fprintf(b, "from %s to %s\n", clock(t.First), clock(t.Last))
	}
	if t.Repeated > 0 {
		fmt.Fprintf(b, "%d may have been probed more than once\n", t.Repeated)
	}
	for _, s := range t.Sections {
		if s.Total > 0 {
			s.text(b, most)
		}
	}
	return b.Flush()
}

func (s *Section) text(w io.Writer, most int) {
	bars := s.Sorted()
	fmt.Fprintf(w, "\n%s\n", s.Title)
	hidden, rest := 0, s.Other
	if most > 0 && len(bars) > most && s.ordered == nil {
		for _, b := range bars[most:] {
			hidden, rest = hidden+1, rest+b.Count
		}
		bars = bars[:most]
	}
	var top uint64
	for _, b := range bars {
		top = max(top, b.Count)
	}
	for _, b := range bars {
		label := plain.Escape(b.Value)
		pad := max(labelWidth-utf8.RuneCountInString(label), 0)
		fmt.Fprintf(w, "  %9d %6s  %s%s %s\n", b.Count, share(b.Count, s.Total), label, strings.Repeat(" ", pad), bar(b.Count, top))
	}
	if rest > 0 {
		fmt.Fprintf(w, "  %9d %6s  %s\n", rest, share(rest, s.Total), more(hidden, s.Other))
	}
}

// more says what is not shown one by one.
func more(hidden int, other uint64) string {
	if other > 0 {
		return "of other values"
	}
	return "of " + plain.Plural(hidden, "other value")
}

func share(n, of uint64) string {
	if of == 0 {
		return "none"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(n)/float64(of))
}

func bar(n, top uint64) string {
	if top == 0 {
		return ""
	}
	eighths := int(float64(n) / float64(top) * barWidth * 8)
	s := strings.Repeat("█", eighths/8)
	if part := eighths % 8; part > 0 {
		s += string([]rune("▏▎▍▌▋▊▉")[part-1])
	} else if eighths == 0 && n > 0 {
		s = "▏"
	}
	return s
}

// clock is a time without its fraction of a second.
func clock(s string) string {
	day, rest, ok := strings.Cut(s, "T")
	if !ok || len(rest) < 8 {
		return plain.Escape(s)
	}
	return plain.Escape(day + " " + rest[:8] + " UTC")
}
