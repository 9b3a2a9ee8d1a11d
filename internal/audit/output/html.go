// Reports as one HTML page: no script, nothing loaded.

package output

import (
	"crypto/sha256"
	_ "embed" // the looks
	"encoding/base64"
	"html/template"
	"io"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/facts/plain"
)

//go:embed assets/audit.html
var layout string

//go:embed assets/audit.css
var style string

var tmpl = template.Must(template.New("audit").Parse(layout))

// A pageServer is a server on the page.
type pageServer struct {
	*model
	ID      int
	Verdict *judgement
}

// HTML writes reports as one page. The title may come from a command line.
func HTML(w io.Writer, title string, list []*audit.Report) error {
	var servers []pageServer
	for i, r := range list {
		servers = append(servers, pageServer{build(r), i + 1, judged(r.Verdict)})
	}
	sum := sha256.Sum256([]byte(style))
	allow := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src data:; base-uri 'none'; form-action 'none'"
	return tmpl.Execute(w, map[string]any{
		"Title": plain.Escape(title), "Style": template.CSS(style), "Policy": template.HTMLAttr(`content="` + allow + `"`), "Servers": servers,
	})
}
