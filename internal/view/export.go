// What other ways of showing a transcript take from this package. All of it may
// hold text from the network, unescaped.

package view

import (
	"io"
	"time"

	"github.com/rawshake/rawshake/internal/facts"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/dissect"
)

// SegmentFacts are the numbers that matter in a segment.
func SegmentFacts(f *transcript.Frame) []string { return segmentFacts(f) }

// MessageFacts are the one or two things that matter in a message, in words.
func MessageFacts(m *transcript.Message) []string {
	var pieces []string
	for _, f := range facts.Message(m) {
		if f.Text != "" {
			pieces = append(pieces, f.Text)
		}
	}
	return pieces
}

// Milliseconds formats a time as the ladder does.
func Milliseconds(d time.Duration) string { return milliseconds(d) }

// Remarkable reports whether a decision is shown in a view that does not show
// everything.
func Remarkable(d *transcript.Decision) bool {
	return d.Name != "negotiated" && d.Name != "rtt_measured"
}

// Mood is how a decision is coloured: "good", "warn", "bad", or "" for most.
func Mood(d *transcript.Decision) string {
	switch decisionColor(d.Name) {
	case green:
		return "good"
	case yellow:
		return "warn"
	case red:
		return "bad"
	}
	return ""
}

// DrawSpecimen draws one specimen as the view "fields" or "hex" does. It
// returns the first error of writing.
func DrawSpecimen(name string, w io.Writer, o Options, s *dissect.Specimen) error {
	if name == "hex" {
		v := NewHex(w, o)
		v.dump(s)
		return v.Err()
	}
	v := NewFields(w, o)
	v.specimen(s)
	return v.Err()
}

// Text escapes text for a terminal with these options.
func Text(text string, o Options) string {
	c := newCanvas(nil, o)
	return c.text(text)
}

// Wrap breaks text into lines of at most so many columns.
func Wrap(text string, columns int) []string { return wrap(text, columns) }

// Columns is the number of terminal columns that text takes.
func Columns(text string) int { return columns(text) }
