// Package arrows holds the test that keeps the architecture: who may import
// whom, and which rooms do no I/O (docs/architecture.md).
package arrows

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/rawshake/rawshake/"

// pure rooms hold machines and codecs: bytes and the time go in, bytes come
// out. Subfolders are rooms of their own.
var pure = []string{
	"field", "slab", "rawtcp/endpoint", "rawtcp/tcb", "rawtcp/reassembly", "rawtcp/wire", "tlsmsg", "tlsmsg/der", "tlsmsg/handshake", "tlsmsg/suite", "internal/conn", "internal/starttls",
}

// forbiddenInPure are imports that mean I/O, clocks, locks or randomness.
var forbiddenInPure = []string{
	"os", "net", "log", "log/slog", "syscall", "golang.org/x/sys/unix", "math/rand", "math/rand/v2",
	"crypto/rand", "sync", "context", "crypto/tls", "io/fs", "os/exec",
}

// calls that need no forbidden import and are forbidden all the same.
var forbiddenCalls = map[string][]string{
	"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"},
}

// arrows that must not exist, from a folder and all below it.
var forbiddenArrows = []struct{ from, to string }{
	{"field", ""},
	{"slab", ""},
	{"tlsmsg", "rawtcp"}, {"tlsmsg", "internal"}, {"tlsmsg", "cmd"},
	{"rawtcp", "tlsmsg"}, {"rawtcp", "internal"}, {"rawtcp", "cmd"},
	{"rawtcp/wire", "rawtcp/tcb"}, {"rawtcp/reassembly", "rawtcp/tcb"},
	{"internal", "cmd"},
	{"internal/goal", "internal/view"}, {"internal/goal", "internal/connect"}, {"internal/goal", "internal/probe"},
	{"internal/probe/record", "internal/view"}, {"internal/facts", "internal/view"},
	{"internal", "internal/test"}, {"cmd", "internal/test"},
	{"internal/lab/netns", "internal/lab"}, {"internal/lab/pki", "internal/lab"},
	{"internal/lab/service", "internal/lab/netns"},
}

type file struct {
	dir  string // relative to the module, with slashes
	path string
	ast  *ast.File
}

func TestArrows(t *testing.T) {
	for _, f := range sources(t) {
		for _, imp := range f.ast.Imports {
			to, ours := strings.CutPrefix(importPath(imp), module)
			for _, a := range forbiddenArrows {
				if ours && within(f.dir, a.from) && within(to, a.to) && !within(to, "field") && !(within(f.dir, "internal/test") && a.from == "internal") {
					t.Errorf("%s imports %s: %s must not know %s", f.path, to, a.from, a.to)
				}
			}
		}
	}
}

// A newcomer finds each room on the page that says what it is for.
func TestThePageNamesEveryRoom(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range sources(t) {
		if !strings.Contains(string(page), "\n| `"+f.dir+"` |") {
			t.Errorf("docs/architecture.md has no row for %s, where %s is", f.dir, f.path)
		}
	}
	for line := range strings.Lines(string(page)) {
		if room, _, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "` |"); ok && strings.HasPrefix(line, "| `") && strings.Contains(line, "/") {
			if _, err := os.Stat(filepath.Join("..", "..", "..", room)); err != nil && !strings.ContainsAny(room, ".* ") {
				t.Errorf("docs/architecture.md has a row for %s, which is not there", room)
			}
		}
	}
}

func TestPureRoomsDoNoIO(t *testing.T) {
	for _, f := range sources(t) {
		if !slices.Contains(pure, f.dir) {
			continue
		}
		for _, imp := range f.ast.Imports {
			if slices.Contains(forbiddenInPure, importPath(imp)) {
				t.Errorf("%s imports %s: a machine does no I/O", f.path, importPath(imp))
			}
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s starts a goroutine: a machine is moved by its driver", f.path)
			case *ast.SelectorExpr:
				if pkg, ok := n.X.(*ast.Ident); ok && slices.Contains(forbiddenCalls[pkg.Name], n.Sel.Name) {
					t.Errorf("%s uses %s.%s: the time is an argument", f.path, pkg.Name, n.Sel.Name)
				}
			}
			return true
		})
	}
}

func TestCryptoTLSOnlyInPeers(t *testing.T) {
	for _, f := range sources(t) {
		for _, imp := range f.ast.Imports {
			if importPath(imp) == "crypto/tls" && !within(f.dir, "internal/lab/pki") && !within(f.dir, "internal/lab/service") && !within(f.dir, "internal/test") {
				t.Errorf("%s imports crypto/tls: TLS is ours, except in tests, benchmarks and the lab's peers", f.path)
			}
		}
	}
}

// alone are the packages that make unit tests without the race detector, which would
// find nothing in them and cost five to ten times. Of explain the test of the one
// goroutine runs with it too.
func alone(t *testing.T) (list []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(strings.ReplaceAll(string(b), "\\\n", " "), "\nALONE = ")
	line, _, _ := strings.Cut(after, "\n")
	if !ok || len(strings.Fields(line)) == 0 {
		t.Fatal("the Makefile has no ALONE")
	}
	return strings.Fields(line)
}

func TestWhatIsTestedWithoutTheRaceDetectorStartsNoGoroutine(t *testing.T) {
	list := alone(t)
	for _, p := range list {
		if _, err := os.Stat(filepath.Join("..", "..", "..", strings.TrimSuffix(p, "/..."))); err != nil {
			t.Errorf("ALONE of the Makefile has a package that is not there: %v", err)
		}
	}
	for _, f := range sources(t) {
		in := slices.ContainsFunc(list, func(p string) bool {
			dir, below := strings.CutSuffix(strings.TrimPrefix(p, "./"), "/...")
			return f.dir == dir || below && within(f.dir, dir)
		})
		if !in || f.path == "internal/explain/interrupt.go" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			_, statement := n.(*ast.GoStmt)
			sel, ok := n.(*ast.SelectorExpr)
			if statement || ok && (sel.Sel.Name == "Go" || sel.Sel.Name == "AfterFunc") {
				t.Errorf("%s starts a goroutine: take its package out of the Makefile's ALONE", f.path)
			}
			return true
		})
	}
}

// parsed are the sources, for all tests.
var parsed []file

// sources parses every Go file of the module that is not a test.
func sources(t *testing.T) []file {
	t.Helper()
	if parsed == nil {
		parsed = parseSources(t)
	}
	return parsed
}

func parseSources(t *testing.T) []file {
	t.Helper()
	root := filepath.Join("..", "..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	var files []file
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		files = append(files, file{filepath.ToSlash(filepath.Dir(rel)), filepath.ToSlash(rel), parsed})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("only %d source files found: the walk is broken", len(files))
	}
	return files
}

func importPath(i *ast.ImportSpec) string {
	p, _ := strconv.Unquote(i.Path.Value)
	return p
}

// within reports whether dir is root or below it; everything is below "".
func within(dir, root string) bool {
	return root == "" || dir == root || strings.HasPrefix(dir, root+"/")
}
