package arrows

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// guests are the folders of the packages that guests use, with all below them.
var guests = []string{"rawtcp", "tlsmsg", "field", "slab"}

// Whoever reads `go doc` finds a sentence for all that a public package exports:
// its own, or that of the group of constants or variables that it stands in.
func TestEveryExportedNameHasASentence(t *testing.T) {
	packages := 0
	for _, dir := range guestDirs(t) {
		fset, files := token.NewFileSet(), []*ast.File(nil)
		names, err := filepath.Glob(filepath.Join("..", "..", "..", dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
		if len(files) == 0 {
			continue
		}
		packages++
		pkg, err := doc.NewFromFiles(fset, files, path.Join(module, dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range undocumented(pkg) {
			t.Errorf("%s: %s has no sentence", dir, name)
		}
	}
	if packages < 15 {
		t.Errorf("%d public packages are read", packages)
	}
}

func guestDirs(t *testing.T) (dirs []string) {
	root := filepath.Join("..", "..", "..")
	for _, guest := range guests {
		err := filepath.WalkDir(filepath.Join(root, guest), func(p string, d os.DirEntry, err error) error {
			if err != nil || !d.IsDir() || d.Name() == "testdata" {
				return err
			}
			dir, err := filepath.Rel(root, p)
			dirs = append(dirs, filepath.ToSlash(dir))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return dirs
}

// undocumented lists the exported names of a package without a comment.
func undocumented(pkg *doc.Package) (names []string) {
	if pkg.Doc == "" {
		names = append(names, "the package")
	}
	funcs := func(list []*doc.Func) {
		for _, f := range list {
			name := f.Name
			if f.Recv != "" {
				name = strings.TrimPrefix(f.Recv, "*") + "." + name
			}
			if f.Doc == "" {
				names = append(names, name)
			}
		}
	}
	values := func(list []*doc.Value) {
		for _, v := range list {
			if v.Doc != "" {
				continue
			}
			for _, s := range v.Decl.Specs {
				s := s.(*ast.ValueSpec)
				if s.Doc == nil && s.Comment == nil && slices.ContainsFunc(s.Names, (*ast.Ident).IsExported) {
					names = append(names, s.Names[0].Name)
				}
			}
		}
	}
	funcs(pkg.Funcs)
	values(pkg.Consts)
	values(pkg.Vars)
	for _, typ := range pkg.Types {
		if typ.Doc == "" {
			names = append(names, typ.Name)
		}
		funcs(typ.Funcs)
		funcs(typ.Methods)
		values(typ.Consts)
		values(typ.Vars)
	}
	return names
}
