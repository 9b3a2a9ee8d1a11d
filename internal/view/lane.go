// How the width of a ladder is divided.

package view

import (
	"fmt"
	"strings"
	"time"
)

// A ladder's line has a gutter (number, time, time since the last frame), the
// lane between the two sides, and facts beside it. If the width is too small
// for all of them, times are left out.
type lane struct {
	numbers, times int // columns of the gutter's parts; 0: left out
	width          int // of the lane, both rails included
	beside         int // columns for facts; 0: none
	indent         string
}

const (
	// The longest names in the lane are "CertificateRequest" and
	// "ServerKeyExchange"; with rails and a space at each side they need this.
	minLane = 22
	maxLane = 44
	// minRoom is the smallest width to which text is wrapped.
	minRoom = 12
	// maxFactRows bounds how many lines the facts of one entry take.
	maxFactRows = 3
	besideGap   = 2
)

func newLane(width int) lane {
	l := lane{numbers: 3, times: 9}
	if width < 66 {
		l.times = 0
	}
	l.indent = strings.Repeat(" ", columns(l.gutter("", "", "")))
	l.width = min(max(width*26/100, minLane), maxLane)
	if l.beside = width - len(l.indent) - l.width - besideGap; l.beside < minRoom {
		l.beside = 0
	}
	return l
}

// gutter formats the left edge of a frame's line.
func (l *lane) gutter(number, at, after string) string {
	if l.times == 0 {
		return padLeft(number, l.numbers) + " "
	}
	number = padLeft(number, l.numbers)
	at = padLeft(at, l.numbers+l.times-columns(number)) // a long number takes space from the time
	return number + at + padLeft(after, l.times) + "  "
}

// milliseconds formats a time in at most eight columns, with microseconds if
// there is room for them.
func milliseconds(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms < 1000:
		return fmt.Sprintf("%.3f", ms)
	case ms < 100_000:
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.0f", ms)
}

// facts lays pieces of text out in lines beside the lane.
func (l *Ladder) facts(pieces []string) []string {
	if l.lane.beside == 0 {
		return nil
	}
	var rows []string
	row := ""
	for _, p := range pieces {
		p = l.cut(l.text(p), l.lane.beside)
		if row != "" && columns(row)+2+columns(p) > l.lane.beside {
			rows = append(rows, row)
			row = ""
		}
		if row != "" {
			row += "  "
		}
		row += p
	}
	if row != "" {
		rows = append(rows, row)
	}
	if len(rows) > maxFactRows && !l.options.Verbose && !l.options.Whole {
		rows = rows[:maxFactRows]
		last := &rows[maxFactRows-1]
		*last = cut(*last, l.lane.beside-columns(l.g.ellipsis)-1, "") + " " + l.g.ellipsis
	}
	return rows
}

// factsBeside is line i of the facts, with the gap before it.
func (l *Ladder) factsBeside(rows []string, i int, c color) string {
	if i >= len(rows) {
		return ""
	}
	return strings.Repeat(" ", besideGap) + l.paint(c, rows[i])
}

// more writes the facts after the first line, beside an empty lane.
func (l *Ladder) more(rows []string, c color) {
	rail := l.paint(dim, l.g.rail)
	empty := l.lane.indent + rail + strings.Repeat(" ", l.lane.width-2) + rail
	for i := 1; i < len(rows); i++ {
		l.print(empty + l.factsBeside(rows, i, c) + "\n")
	}
}
