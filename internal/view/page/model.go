// What the page's template and script are given.

package page

import (
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view"
	"github.com/rawshake/rawshake/internal/view/dictionary"
	"github.com/rawshake/rawshake/internal/view/dissect"
	"github.com/rawshake/rawshake/internal/view/keyschedule"
)

const (
	// maxShown bounds the bytes of one specimen in the page.
	maxShown = 16 << 10
	// maxValue bounds the text of one value, in bytes.
	maxValue = 400
	// maxPage bounds, roughly, what comes from the connection, in bytes of the
	// page: the page of an ordinary handshake is far smaller, that of a large
	// transfer stays below a megabyte.
	maxPage = 800 << 10
	// maxSteps bounds the ladder.
	maxSteps = 1000
)

// model is what the template and the script are given. Short names keep the
// page small.
type model struct {
	Title     string     `json:"title"`
	Client    string     `json:"client"`
	Server    string     `json:"server"`
	Result    string     `json:"result"`
	OK        bool       `json:"ok"`
	Reasons   []reason   `json:"-"`     // why it failed: the template shows them
	Opens     int        `json:"opens"` // the step that is open at first; -1: the first
	Steps     []*step    `json:"steps"`
	Omitted   int        `json:"omitted"` // steps that were left out
	Specimens []specimen `json:"specimens"`
	Words     []word     `json:"words"`
	Questions []question `json:"questions"`

	Story  []*screen          `json:"-"` // the template shows it
	Keys   []keyschedule.Step `json:"-"` // the template shows them
	NoKeys string             `json:"-"`
}

// specimen is something to look at byte by byte.
type specimen struct {
	Title string `json:"t"`
	Hex   string `json:"x"`
	Cut   int    `json:"c,omitempty"` // bytes that are left out
	Rows  []row  `json:"f"`
	Err   string `json:"e,omitempty"`
}

// row is one field: depth, name, offset, length, kind, value, the number of the
// word that explains it or -1, and the same for its value.
type row [8]any

// word is what the dictionary says.
type word struct {
	Source string `json:"s"`
	Text   string `json:"t"`
}

// builder makes the model.
type builder struct {
	model
	anatomy *dissect.Anatomy
	words   *dictionary.Dictionary
	known   map[word]int // the numbers of words
	room    int
	last    *transcript.Frame
}

func build(t *transcript.Transcript, o Options) *model {
	b := &builder{anatomy: dissect.Of(t), words: o.Dictionary, known: map[word]int{}, room: maxPage}
	b.Steps, b.Specimens, b.Words, b.Questions = []*step{}, []specimen{}, []word{}, []question{} // empty lists, not null, for the script
	b.Title, b.Opens = plain.Escape(o.Title), nothing
	b.derive(t)
	b.sides(t)
	for _, e := range t.Entries {
		b.entry(e)
	}
	if r := t.Result(); r != nil {
		b.Result, b.OK = plain.Escape(plainly(r)), r.OK
		b.explain(r)
	}
	b.ask()
	b.tell(t)
	if b.Title == "" {
		b.Title = b.Server
	}
	return &b.model
}

// plainly is the result for a reader who has never seen one: how far the
// connection got, in words rather than by the name of the goal.
func plainly(r *transcript.Result) string {
	s := view.Sentence(r)
	for goal, words := range map[string]string{"open": "the TCP connection is open", "hello": "the server has answered",
		"certificate": "the certificate has come", "finished": "the handshake is complete", "data": "the handshake is complete, and data has passed"} {
		if rest, ok := strings.CutPrefix(s, goal); ok && r.OK && r.Outcome == goal {
			return words + rest
		}
	}
	return s
}

// derive shows how the keys were derived.
func (b *builder) derive(t *transcript.Transcript) {
	var err error
	if b.Keys, err = keyschedule.Steps(t); err != nil {
		b.NoKeys = "The keys cannot be shown: " + err.Error() + "."
	}
	for _, s := range b.Keys {
		b.room -= len(s.Title) + len(s.Text) + len(s.Formula) + 200
		for _, v := range s.Values {
			b.room -= len(v.Name) + len(v.Hex) + len(v.Note) + 60
		}
	}
}

// nothing is the number that stands for no specimen.
const nothing = -1

// specimen adds one, and returns its number.
func (b *builder) specimen(s *dissect.Specimen, title string) int {
	if s == nil || b.room <= 0 {
		return nothing
	}
	data := s.Data
	p := specimen{Title: title, Rows: []row{}}
	if s.Err != nil {
		p.Err = plain.Escape(s.Err.Error())
	}
	if len(data) > maxShown {
		p.Cut = len(data) - maxShown
		data = data[:maxShown]
	}
	p.Hex = hex.EncodeToString(data)
	b.room -= len(p.Hex)
	for r := range s.Rows(nil) {
		n := r.Node
		if n.Offset > len(data) {
			break
		}
		if b.room <= 0 {
			p.Err = "the page would be too large with the rest"
			break
		}
		value := shorten(plain.Escape(view.Value(n, s.Data)))
		name := n.Name
		if n.Index >= 0 {
			name = r.Path[lastName(r.Path):]
		}
		p.Rows = append(p.Rows, row{r.Depth, name, n.Offset, min(own(n), len(data)-n.Offset), kinds[n.Kind], value, b.word(r.Key, s.Situation), b.valueWord(r.Key, n)})
		b.room -= cost(value) + len(name) + 32
	}
	b.Specimens = append(b.Specimens, p)
	return len(b.Specimens) - 1
}

// shorten cuts a value that is too long to read.
func shorten(s string) string {
	if len(s) <= maxValue {
		return s
	}
	end := maxValue
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// cost is what text takes in the page, where some characters are escaped.
func cost(s string) int {
	return len(s) + 5*(strings.Count(s, "<")+strings.Count(s, ">")+strings.Count(s, "&")+strings.Count(s, `"`))
}

// own is the length of a group without what it carries, such as that of a
// header.
func own(n *field.Node) int {
	for _, child := range n.Children {
		if child.Name == "payload" && child.Kind == field.Group {
			return child.Offset - n.Offset
		}
	}
	return n.Length
}

// kinds of fields as the script knows them.
var kinds = map[field.Kind]int{field.Group: 0, field.Uint: 1, field.Bytes: 2, field.BitField: 3}

// lastName is where the last name of a path begins.
func lastName(path string) int {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '.' {
			return i + 1
		}
	}
	return 0
}

func (b *builder) word(key, situation string) int {
	e, ok := b.words.Find(key, situation)
	if !ok {
		return nothing
	}
	return b.number(e)
}

// valueWord is the number of the word that explains a field's value.
func (b *builder) valueWord(key string, n *field.Node) int {
	e, ok := b.words.FindValue(key, n)
	if !ok {
		return nothing
	}
	return b.number(e)
}

func (b *builder) number(e dictionary.Entry) int {
	w := word{e.Source, e.Text} // several entries may have the same text
	n, ok := b.known[w]
	if !ok {
		n = len(b.Words)
		b.known[w] = n
		b.Words = append(b.Words, w)
		b.room -= len(e.Text) + 40
	}
	return n
}
