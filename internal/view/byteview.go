// What the views of bytes have in common: fields and hex.

package view

import (
	"io"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/dictionary"
	"github.com/rawshake/rawshake/internal/view/dissect"
)

// A byteView draws specimens, and explains each thing once.
type byteView struct {
	canvas
	specimens specimens
	words     *dictionary.Dictionary
	told      map[string]bool // explanations given
}

func newByteView(w io.Writer, o Options) byteView {
	return byteView{canvas: newCanvas(w, o), words: words(o), told: map[string]bool{}}
}

// words is the dictionary of a view.
func words(o Options) *dictionary.Dictionary {
	if o.Dictionary != nil {
		return o.Dictionary
	}
	return dictionary.English()
}

// entry draws what is complete with an entry.
func (v *byteView) entry(e *transcript.Entry, draw func(*dissect.Specimen)) {
	v.fit()
	v.specimens.entry(e, draw)
	if e.Type == transcript.TypeResult {
		v.end(e.Result)
	}
}

// close draws what follows the fields of a specimen, of which some were drawn, or
// none because others were selected.
func (v *byteView) close(s *dissect.Specimen, drawn bool) {
	if !v.look.see(s, drawn) {
		return
	}
	if s.Err != nil {
		v.paragraph("", "", "not decoded further: "+s.Err.Error(), red)
	}
	v.print("\n")
}

// untold reports whether an explanation is to be given now, and notes that it is.
func (v *byteView) untold(e dictionary.Entry) bool {
	again := v.told[e.Key]
	v.told[e.Key] = true
	return !again || v.options.Verbose
}
