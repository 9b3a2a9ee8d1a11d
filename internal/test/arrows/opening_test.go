package arrows

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// opened are the rooms, with all below them, whose files open with what they are for.
var opened = []string{
	"field", "slab", "rawtcp", "tlsmsg",
	"internal/lab",
	"cmd",
	"internal/capture", "internal/conn", "internal/connect", "internal/doctor", "internal/explain", "internal/facts", "internal/goal", "internal/memlimit",
	"internal/netem", "internal/observe", "internal/outfile", "internal/privilege", "internal/probe", "internal/sessionfile", "internal/test", "internal/transcript", "internal/view",
}

// A newcomer who opens a file reads first what it is for. The sentence stands apart
// from the package clause: it is no part of the package's documentation, which is
// in doc.go, or in the one file of a package that has no doc.go.
func TestFilesOpenWithWhatTheyAreFor(t *testing.T) {
	for _, f := range sources(t) {
		in := slices.ContainsFunc(opened, func(root string) bool { return within(f.dir, root) })
		if !in || filepath.Base(f.path) == "doc.go" {
			continue
		}
		path := filepath.Join("..", "..", "..", f.path)
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		_, err = os.Stat(filepath.Join(filepath.Dir(path), "doc.go"))
		if why := badOpening(parsed, err == nil); why != "" {
			t.Errorf("%s %s: its first lines say in a sentence what it is for, with an empty line before the package clause", f.path, why)
		}
	}
}

// badOpening says what is wrong with a file's first comment, or nothing.
func badOpening(f *ast.File, documentedElsewhere bool) string {
	i := slices.IndexFunc(f.Comments, func(g *ast.CommentGroup) bool { return g.Pos() < f.Package && g.Text() != "" })
	switch {
	case i < 0:
		return "opens with no comment"
	case f.Doc != nil && documentedElsewhere:
		return "documents the package, which doc.go does"
	case f.Comments[i] == f.Doc:
		return ""
	case strings.Contains(strings.TrimSpace(f.Comments[i].Text()), "\n\n"):
		return "opens with several paragraphs"
	case !strings.HasSuffix(strings.TrimSpace(f.Comments[i].Text()), "."):
		return "opens with no sentence"
	}
	return ""
}

func TestWhatIsNoOpening(t *testing.T) {
	for text, elsewhere := range map[string]bool{
		"package a":                                    true,
		"//go:build linux\n\npackage a":                true,
		"package a\n\n// How it is done.":              true,
		"// How it is done.\npackage a":                true,
		"// How it is done\n\npackage a":               true,
		"// How.\n//\n// It is done.\n\npackage a":     true,
		"//go:build linux\n\n// a\n\npackage a\n":      false,
		"// How it is done\n\n// Package a\npackage a": false,
	} {
		parsed, err := parser.ParseFile(token.NewFileSet(), "", text, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if badOpening(parsed, elsewhere) == "" {
			t.Errorf("%q is taken for an opening", text)
		}
	}
}
