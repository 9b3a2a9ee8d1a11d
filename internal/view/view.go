// What a view is, and the options of all views.

package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/dictionary"
	"github.com/rawshake/rawshake/internal/view/dissect"
)

// A View shows entries as they come.
type View interface {
	// Entry shows one entry. After a failed write it does nothing.
	Entry(e *transcript.Entry)
	// Err returns the first error of writing, or nil.
	Err() error
}

// Options say how a view may look.
type Options struct {
	Width   int        // of a line, in columns; 0 means DefaultWidth
	Whole   bool       // longer lines are not cut, as in a file
	Columns func() int // the current width, if it can change; may be nil
	Color   bool       // whether to colour
	ASCII   bool       // whether to use only ASCII characters
	Verbose bool       // whether to show what usually distracts: records, every measurement
	Data    bool       // whether a ladder quotes the application data that arrives, as text

	Select     dissect.Selector       // which fields to show in fields and hex; nil: all
	Dictionary *dictionary.Dictionary // explains fields; nil: dictionary.English

	// Transcript returns all that is known at the end, including secrets, for
	// the view of keys; nil: what the view's entries say.
	Transcript func() *transcript.Transcript
}

// DefaultWidth is the width of a line, in columns, if there is no terminal to
// tell.
const DefaultWidth = 100

// Names are the views that New makes.
var Names = []string{"ladder", "fields", "hex", "keys", "json", "none"}

// New returns the view of that name, writing to w. The error lists the names.
func New(name string, w io.Writer, o Options) (View, error) {
	switch name {
	case "ladder":
		return NewLadder(w, o), nil
	case "fields":
		return NewFields(w, o), nil
	case "hex":
		return NewHex(w, o), nil
	case "keys":
		return NewKeys(w, o), nil
	case "json":
		return NewJSON(w, o), nil
	case "none":
		return none{}, nil
	}
	return nil, fmt.Errorf("no view is called %q: choose one of %s", name, strings.Join(Names, ", "))
}

// Draw shows a whole transcript, and returns the first error of writing.
func Draw(v View, t *transcript.Transcript) error {
	for _, e := range t.Entries {
		v.Entry(e)
	}
	return v.Err()
}

type none struct{}

func (none) Entry(*transcript.Entry) {}
func (none) Err() error              { return nil }

// printer writes until the first error, and keeps that.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) Err() error { return p.err }

func (p *printer) print(s string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, s)
	}
}
