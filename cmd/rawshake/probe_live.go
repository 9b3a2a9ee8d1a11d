//go:build linux

// The live view of a scan on a terminal: rates, outcomes, and the latest results,
// drawn over themselves.

package main

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/probe"
	"github.com/rawshake/rawshake/internal/probe/record"
)

// wipe clears the view, from the beginning of its first line.
const wipe = "\r\x1b[J"

// roomForAll is the height of a terminal from which on there is more than a line.
const roomForAll = 12

// draw returns what draws the view, and leaves the cursor where it began.
func (r *probeReport) draw(s *probe.Stats) string {
	width, height, err := term.GetSize(int(os.Stderr.Fd()))
	if err != nil || width <= 0 {
		width, height = 0, 0
	}
	lines := []string{r.progress(s)}
	if height >= roomForAll {
		lines = append(lines, outcomesLine(s))
		for i := range s.Latest {
			lines = append(lines, latestLine(&s.Latest[i]))
		}
	} else {
		lines[0] += "  " + outcomesLine(s)
	}
	return overdraw(lines, width)
}

// overdraw draws lines over those of before. None is longer than the terminal is
// wide, or it would take two.
func overdraw(lines []string, width int) string {
	var b strings.Builder
	for i, line := range lines {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString("\r\x1b[K" + cutTo(line, width-1))
	}
	if n := len(lines) - 1; n > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\r", n)
	}
	return b.String()
}

// cutTo cuts a line to a width, where there is one.
func cutTo(s string, width int) string {
	if width <= 0 || utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width])
}

// progress says how far the scan is, and how fast.
func (r *probeReport) progress(s *probe.Stats) string {
	var b strings.Builder
	total, whole := r.scan.Total()
	done := s.Done()
	if whole && total > 0 {
		fmt.Fprintf(&b, "%d of %d (%d%%)", done, total, done*100/total)
	} else {
		fmt.Fprintf(&b, "%d done", done)
	}
	span := (s.Time - r.last.Time).Seconds()
	if span > 0 {
		fmt.Fprintf(&b, "  %.0f packets/s", float64(s.Packets-r.last.Packets)/span)
		if r.load.Short > 0 {
			fmt.Fprintf(&b, " (%.0f asked for: more than this machine carries)", r.plan.options.Rate)
		}
		fmt.Fprintf(&b, "  %.0f results/s", float64(s.Results-r.last.Results)/span)
	}
	fmt.Fprintf(&b, "  %d in flight", s.InFlight)
	if s.Outage != "" {
		b.WriteString("  no route")
	}
	if n := s.Link.Dropped + s.Link.Unsent; n > 0 {
		fmt.Fprintf(&b, "  dropped %d", n)
	}
	if whole && s.Results > 0 && done < total {
		left := time.Duration(float64(s.Time) / float64(s.Results) * float64(total-done))
		fmt.Fprintf(&b, "  %v left", left.Round(time.Second))
	}
	return b.String()
}

func outcomesLine(s *probe.Stats) string {
	var parts []string
	for i, name := range record.Outcomes {
		if s.Outcomes[i] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", name, s.Outcomes[i]))
		}
	}
	return strings.Join(parts, "  ")
}

// latestLine is one of the latest results, or empty.
func latestLine(l *probe.Latest) string {
	if l.Target == (netip.AddrPort{}) {
		return ""
	}
	parts := []string{fmt.Sprintf("  %-24s %-12s", l.Target, l.Outcome)}
	if l.Version != 0 {
		parts = append(parts, l.Version.String(), l.Suite.String())
	}
	if l.RTT >= 0 {
		parts = append(parts, fmt.Sprintf("%.1f ms", l.RTT.Seconds()*1000))
	}
	if l.Name != "" {
		parts = append(parts, plain.Escape(l.Name))
	}
	return strings.Join(parts, " ")
}
