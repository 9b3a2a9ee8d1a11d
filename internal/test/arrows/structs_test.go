package arrows

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// loopFloors are the structs that a loop of the scanner is made of, from the lowest to
// the highest, as the opening of internal/probe says. What is one of their own stands
// beside it.
var loopFloors = [][]string{
	{"clock"}, {"ports"}, {"egress", "replies"}, {"results"}, {"begun", "window", "slot"}, {"syns"},
	{"connections", "connection", "workQueue", "wheel", "connQueue"}, {"admission"}, {"receiver"}, {"loop"},
}

// loopBeside name neither the other, whichever stands higher.
var loopBeside = [2]string{"syns", "connections"}

// A struct of the scanner's loop names fields and methods only of those below it.
func TestStructsOfTheLoopNameOnlyWhatIsBelowThem(t *testing.T) {
	var files []string
	for _, f := range sources(t) {
		if f.dir == "internal/probe" {
			b, err := os.ReadFile(filepath.Join("..", "..", "..", f.path))
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, string(b))
		}
	}
	bad, seen := upward(t, files, loopFloors, loopBeside)
	for _, b := range bad {
		t.Error(b)
	}
	if seen < 500 {
		t.Errorf("only %d names of fields and methods were looked at: the structs are not where they were", seen)
	}
}

// The page names these structs in this order, and each file of the package.
func TestThePageNamesTheStructsOfTheLoop(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, page, _ := strings.Cut(string(b), "\n## The prober's loops\n")
	page, _, _ = strings.Cut(page, "\n## ")
	var structs []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(page, -1) {
		structs = append(structs, m[1])
	}
	var floors []string
	for _, names := range loopFloors {
		floors = append(floors, names[0])
	}
	if !slices.Equal(structs, floors) {
		t.Errorf("the page has the structs %v, want %v", structs, floors)
	}
	there := make(map[string]bool)
	for _, f := range sources(t) {
		if f.dir == "internal/probe" {
			there[filepath.Base(f.path)] = true
		}
	}
	for _, m := range regexp.MustCompile("`(\\w+\\.go)`").FindAllStringSubmatch(page, -1) {
		if !there[m[1]] {
			t.Errorf("the page names %s, which is not in internal/probe, or names it twice", m[1])
		}
		delete(there, m[1])
	}
	for name := range there {
		t.Errorf("the page does not name %s", name)
	}
}

func TestUpwardNamesAreFound(t *testing.T) {
	const lower, upper = "type low struct{ n int }\n", "type high struct{ low *low; n int }\ntype beside struct{ n int }\n"
	floors, beside := [][]string{{"low"}, {"beside"}, {"high"}}, [2]string{"beside", "high"}
	for body, want := range map[string]int{
		"func (h *high) f() { h.low.n = h.n }":                                                 0,
		"func (l *low) f(h *high) { h.n = 1 }":                                                 1,
		"func (l *low) f() { l.n = 1 }":                                                        0,
		"func (h *high) g() {}\nfunc (l *low) f() { any(l).(interface{ h() *high }).h().g() }": 1,
		"func (h *high) f(b *beside) { b.n = 1 }":                                              1,
		"type low2 = high\nfunc (b *beside) f(h low2) { _ = h.n }":                             1,
	} {
		if bad, _ := upward(t, []string{"package x\n" + lower + upper + body}, floors, beside); len(bad) != want {
			t.Errorf("%s: %v, want %d", body, bad, want)
		}
	}
	if bad, _ := upward(t, []string{"package x\ntype low struct{ up *high }\ntype high struct{}\ntype beside struct{}\n"}, floors, beside); len(bad) != 1 {
		t.Errorf("a field that points up: %v", bad)
	}
}

// upward lists where methods of structs name fields or methods of one above theirs, and
// where a struct has one as a field; and how many names it looked at. What packages
// import is not looked into: names of their own resolve without it.
func upward(t *testing.T, sources []string, floors [][]string, beside [2]string) (bad []string, seen int) {
	t.Helper()
	pkg, files, info := checked(t, sources)
	floor := make(map[string]int)
	owner := make(map[types.Object]string) // of fields
	for i, names := range floors {
		for _, name := range names {
			obj := pkg.Scope().Lookup(name)
			if obj == nil {
				bad = append(bad, fmt.Sprintf("there is no %s any more", name))
				continue
			}
			floor[name] = i
			if s, ok := obj.Type().Underlying().(*types.Struct); ok {
				for f := range s.Fields() {
					owner[f] = name
				}
			}
		}
	}
	judge := func(from, to, what string) {
		i, known := floor[from]
		j, too := floor[to]
		if !known || !too {
			return
		}
		seen++
		if j > i || from != to && slices.Contains(beside[:], from) && slices.Contains(beside[:], to) {
			bad = append(bad, fmt.Sprintf("%s names %s of %s", from, what, to))
		}
	}
	for f, name := range owner {
		judge(name, named(f.Type()), f.Name())
	}
	for _, file := range files {
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || fn.Body == nil {
				continue
			}
			from := strings.TrimPrefix(types.ExprString(fn.Recv.List[0].Type), "*")
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok && info.Selections[sel] != nil {
					obj := info.Selections[sel].Obj()
					to := owner[obj]
					if m, ok := obj.(*types.Func); ok && m.Signature().Recv() != nil {
						to = named(m.Signature().Recv().Type())
					}
					judge(from, to, fn.Name.Name+" "+obj.Name())
				}
				return true
			})
		}
	}
	return bad, seen
}

// checked resolves names in the sources of a package.
func checked(t *testing.T, sources []string) (*types.Package, []*ast.File, *types.Info) {
	t.Helper()
	info := &types.Info{Selections: make(map[*ast.SelectorExpr]*types.Selection)}
	set := token.NewFileSet()
	var files []*ast.File
	for _, src := range sources {
		f, err := parser.ParseFile(set, "", src, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	conf := types.Config{Error: func(error) {}, Importer: nobody{}}
	pkg, _ := conf.Check("x", set, files, info)
	return pkg, files, info
}

// named is the name of a type, or of what it points to.
func named(t types.Type) string {
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		return n.Obj().Name()
	}
	return ""
}

// nobody imports nothing.
type nobody struct{}

func (nobody) Import(path string) (*types.Package, error) {
	p := types.NewPackage(path, path[strings.LastIndex(path, "/")+1:])
	p.MarkComplete()
	return p, nil
}
