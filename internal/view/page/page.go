// Puts the page together from its template, style, script and data.

package page

import (
	"crypto/sha256"
	_ "embed" // the looks
	"encoding/base64"
	"encoding/json"
	"html/template"
	"io"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/dictionary"
)

//go:embed assets/page.html
var layout string

//go:embed assets/page.css
var onScreen string

//go:embed assets/print.css
var paper string

//go:embed assets/page.js
var behaviour string

//go:embed assets/print.js
var printing string

var (
	style  = onScreen + paper
	script = "\"use strict\";\n(() => {\n" + behaviour + printing + "})();\n"
)

// Options say how a page is made. The zero value is good.
type Options struct {
	Title      string                 // what the connection was to; may come from the network or a command line
	Dictionary *dictionary.Dictionary // nil: dictionary.English
}

var tmpl = template.Must(template.New("page").Parse(layout))

// Write writes the page of a finished transcript. It returns the first error of
// writing.
func Write(w io.Writer, t *transcript.Transcript, o Options) error {
	if o.Dictionary == nil {
		o.Dictionary = dictionary.English()
	}
	m := build(t, o)
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return tmpl.Execute(w, struct {
		*model
		Policy template.HTMLAttr
		Style  template.CSS
		Script template.JS
		Data   template.JS // json.Marshal escapes what would end a script element
	}{m, template.HTMLAttr(`content="` + policy() + `"`), template.CSS(style), template.JS(script), template.JS(data)})
}

// policy allows the page's own style and script, by their hashes, and an empty
// icon. All else is forbidden.
func policy() string {
	return "default-src 'none'; style-src " + hash(style) + "; script-src " + hash(script) +
		"; img-src data:; base-uri 'none'; form-action 'none'"
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
