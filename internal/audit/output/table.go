// A report as text for people.

package output

import (
	"bufio"
	"io"
	"strings"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/view"
)

// Options say how a table may look. The zero value is good.
type Options struct {
	Width int  // of a line, in columns; 0: view.DefaultWidth
	Color bool // whether to colour
}

// Lengths in columns.
const (
	minWidth   = 60
	labelWidth = 27
	levelWidth = 8
	cell       = 5 // of a version, beside its suites
)

// A table writes rows within a width.
type table struct {
	w io.Writer
	o Options
}

// Table writes a report, and its verdict if it has one, as text. It returns the
// first error of writing.
func Table(w io.Writer, r *audit.Report, o Options) error {
	if o.Width <= 0 {
		o.Width = view.DefaultWidth
	}
	o.Width = max(o.Width, minWidth)
	b := bufio.NewWriter(w)
	t := &table{b, o}
	m := build(r)
	t.paragraph("", m.Host, "1")
	t.paragraph("  ", m.Sum, colors[open])
	if m.Error != "" {
		t.paragraph("  ", m.Error, colors[bad])
	}
	for _, s := range m.Sections {
		t.heading(s.Title)
		for _, r := range s.Rows {
			t.row(r, widthOf(s.Rows))
		}
		if s.Key == "versions" {
			t.suites(m)
		}
	}
	t.verdict(judged(r.Verdict))
	return b.Flush()
}

// colors are SGR parameters (ECMA-48, section 8.3.117), of those that people
// choose for their terminals.
var colors = map[string]string{good: "32", warn: "33", bad: "31", open: "2"}

func (t *table) paint(color, s string) string {
	if !t.o.Color || color == "" || s == "" {
		return s
	}
	return "\x1b[" + color + "m" + s + "\x1b[0m"
}

func (t *table) line(s string) { io.WriteString(t.w, strings.TrimRight(s, " ")+"\n") }

func (t *table) heading(s string) {
	t.line("")
	t.line(t.paint("1", s))
}

// paragraph wraps a text.
func (t *table) paragraph(indent, text, color string) {
	for _, row := range view.Wrap(text, t.o.Width-view.Columns(indent)) {
		t.line(indent + t.paint(color, row))
	}
}

// widthOf is how wide the labels of some rows are, within bounds.
func widthOf(rows []row) int {
	n := 0
	for _, r := range rows {
		n = max(n, view.Columns(r.Label))
	}
	return min(n, labelWidth)
}

// row writes a label and a text beside it; below it, where the label is long.
func (t *table) row(r row, width int) {
	indent := "  "
	spaces := len(r.Label) - len(strings.TrimLeft(r.Label, " "))
	label := strings.Repeat(" ", spaces) + strings.TrimLeft(r.Label, " ")
	if view.Columns(label) > width {
		t.paragraph(indent, label, "")
		label = ""
	}
	for _, text := range view.Wrap(r.Text, t.o.Width-width-4) {
		t.line(indent + pad(label, width) + "  " + t.paint(colors[r.State], text))
		label = ""
	}
}

func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-view.Columns(s))) }

// suites writes the suites by versions.
func (t *table) suites(m *model) {
	if len(m.Suites) == 0 {
		return
	}
	t.heading("Cipher suites")
	name := view.Columns("cipher suite")
	for _, s := range m.Suites {
		name = max(name, view.Columns(s.Name))
	}
	name = min(name, t.o.Width-4-cell*len(m.Columns))
	head := "  " + pad("", name)
	for _, c := range m.Columns {
		head += center(short(c), cell)
	}
	t.line(t.paint(colors[open], head))
	for _, s := range m.Suites {
		rows := view.Wrap(s.Name, name)
		for _, part := range rows[:len(rows)-1] {
			t.line("  " + t.paint(colors[s.State], part))
		}
		line := "  " + t.paint(colors[s.State], pad(rows[len(rows)-1], name))
		used := 2 + name
		for _, c := range s.Cells {
			line += center(c, cell)
			used += cell
		}
		if s.Note != "" && used+2+view.Columns(s.Note) <= t.o.Width {
			line += "  " + s.Note
		}
		t.line(line)
	}
}

// short is a version's name for the head of a column.
func short(version string) string {
	switch version {
	case "SSL 2.0":
		return "SSL2"
	case "SSL 3.0":
		return "SSL3"
	}
	return view.Wrap(strings.TrimPrefix(version, "TLS "), cell)[0]
}

func center(s string, n int) string {
	room := max(0, n-view.Columns(s))
	return strings.Repeat(" ", room-room/2) + s + strings.Repeat(" ", room/2)
}

// verdict writes what a policy says.
func (t *table) verdict(j *judgement) {
	if j == nil {
		return
	}
	t.heading("Verdict")
	color := colors[good]
	if !j.Conforms {
		color = colors[bad]
	}
	t.paragraph("  ", j.Sentence, color)
	for _, b := range j.Broken {
		indent := "  " + pad("", levelWidth)
		for i, text := range view.Wrap(b.What, t.o.Width-len(indent)) {
			if i == 0 {
				t.line("  " + t.paint(colors[b.State], pad(b.Level, levelWidth)) + text)
			} else {
				t.line(indent + text)
			}
		}
		if b.Value != "" && !strings.Contains(b.What, b.Value) {
			t.paragraph(indent, b.Value, colors[open])
		}
		t.paragraph(indent, b.Source, colors[open])
	}
	if len(j.Unjudged) > 0 {
		t.heading("Not judged")
		for _, r := range j.Unjudged {
			t.row(r, widthOf(j.Unjudged))
		}
	}
	if len(j.Mends) > 0 {
		t.heading("Lines that mend it")
		for _, m := range j.Mends {
			t.line("  " + m.Server)
			for _, line := range m.Lines {
				t.line("    " + line) // whole, to be copied
			}
		}
	}
}
