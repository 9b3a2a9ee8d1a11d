// Colours, signs and the width of the terminal, for all views that people read.

package view

import (
	"io"
	"strings"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/dissect"
	"github.com/rawshake/rawshake/tlsmsg"
)

// glyphs are the signs that a ladder is drawn with.
type glyphs struct {
	line, kernelSent   string // of an arrow
	right, left        string // its heads
	rail, out, in      string // the two sides, and where an arrow leaves them
	ellipsis, dot, yes string
	no, between        string
}

var unicodeGlyphs = glyphs{
	line: "─", kernelSent: "╌", right: "▶", left: "◀", rail: "│", out: "├", in: "┤",
	ellipsis: "…", dot: "·", yes: "✔", no: "✘", between: " · ",
}

var asciiGlyphs = glyphs{
	line: "-", kernelSent: ".", right: ">", left: "<", rail: "|", out: "|", in: "|",
	ellipsis: "...", dot: "*", yes: "OK", no: "FAILED", between: ", ",
}

// A color is the number of an SGR sequence (ECMA-48, section 8.3.117). Only
// the sixteen colours that people choose for their terminals are used.
type color string

const (
	noColor color = ""
	bold    color = "1"
	dim     color = "2"
	red     color = "31"
	green   color = "32"
	yellow  color = "33"
	magenta color = "35"
	cyan    color = "36"
)

// A canvas is what all views for people draw on.
type canvas struct {
	printer
	options Options
	g       *glyphs
	look    search
}

func newCanvas(w io.Writer, o Options) canvas {
	if o.Width <= 0 {
		o.Width = DefaultWidth
	}
	c := canvas{printer: printer{w: w}, options: o, g: &unicodeGlyphs, look: search{sel: o.Select}}
	if o.ASCII {
		c.g = &asciiGlyphs
	}
	return c
}

// fit takes the current width of the terminal, and reports whether it has
// changed.
func (v *canvas) fit() bool {
	if v.options.Columns == nil {
		return false
	}
	now := v.options.Columns()
	if now <= 0 || now == v.options.Width {
		return false
	}
	v.options.Width = now
	return true
}

// paint colours s, if colour is wanted.
func (v *canvas) paint(c color, s string) string {
	if !v.options.Color || c == noColor || s == "" {
		return s
	}
	return "\x1b[" + string(c) + "m" + s + "\x1b[0m"
}

// text escapes s for this terminal.
func (v *canvas) text(s string) string {
	s = plain.Escape(s)
	if v.options.ASCII {
		s = toASCII(s)
	}
	return s
}

// cut shortens a text to a number of columns, unless all of it is wanted.
func (v *canvas) cut(s string, n int) string {
	if v.options.Whole {
		return s
	}
	return cut(s, n, v.g.ellipsis)
}

// paragraph wraps text into as many lines as it takes, the first with a mark
// and the others indented to match.
func (v *canvas) paragraph(indent, mark, text string, c color) {
	room := max(v.options.Width-columns(indent)-columns(mark), minRoom)
	for _, row := range wrap(v.text(text), room) {
		v.print(indent + v.paint(c, mark+row) + "\n")
		mark = strings.Repeat(" ", columns(mark))
	}
}

// result closes a view with the result in words, and a remark about the rest.
func (v *canvas) result(r *transcript.Result, remark string) {
	mark, c := v.g.yes+" ", green
	if !r.OK {
		mark, c = v.g.no+" ", red
	}
	v.paragraph("", mark, Sentence(r), c)
	if remark != "" {
		v.paragraph("", strings.Repeat(" ", columns(mark)), remark, dim)
	}
	v.reasons(r)
}

// end closes a view of fields, and says so if there was nothing to show.
func (v *canvas) end(r *transcript.Result) {
	if sel := v.options.Select; sel != nil && !v.look.shown {
		text := "nothing in this connection is called " + sel.String()
		if v.look.elsewhere {
			text = "this connection has " + sel.Anywhere().String() + ", but not so many that there is " + sel.String() + " (the first is 0)"
		}
		v.paragraph("", "", text+": look at the names with --view hex", yellow)
	}
	v.result(r, "")
}

// A search is what a view of fields has found of what its selector names.
type search struct {
	sel       dissect.Selector
	shown     bool // something was shown
	elsewhere bool // the name exists, but not at the index asked for
}

// see takes note of a specimen, and of whether fields in it were picked.
func (f *search) see(s *dissect.Specimen, picked bool) bool {
	f.shown = f.shown || picked
	if !f.shown && !f.elsewhere {
		for range s.Leaves(f.sel.Anywhere()) {
			f.elsewhere = true
			break
		}
	}
	return picked
}

// toASCII replaces what is not ASCII: the signs in our own sentences by similar
// ones, all else by its number.
func toASCII(s string) string {
	s = asciiSigns.Replace(s)
	if plain.Harmless(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if r < 0x80 {
			b.WriteRune(r)
		} else {
			b.WriteString(plain.EscapeRune(r))
		}
	}
	return b.String()
}

var asciiSigns = strings.NewReplacer("→", "->", "×", "x", "…", "...", "–", "-", "’", "'", "µ", "u")

// messageColor tells alerts and encrypted messages from the rest.
func messageColor(m *transcript.Message) color {
	switch {
	case m.Content == tlsmsg.ContentAlert:
		return yellow
	case m.Encrypted:
		return magenta
	}
	return green
}
