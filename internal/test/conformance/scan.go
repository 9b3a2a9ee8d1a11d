// Finds in the sources which code and which tests name a requirement.

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// findings are what the sources say about each requirement.
type findings struct {
	code  map[string][]string
	tests map[string][]test
}

var (
	idPattern   = regexp.MustCompile(`\b(?:MUST|SHLD|MAY|REC)-\d+\b`)
	listPattern = regexp.MustCompile(`(?m)^Requirements?: (.*(?:\n[^\n]*\d$)*)`)
)

// rooms are the packages with the TCP.
var rooms = []string{"rawtcp", "internal/test/interop"}

// scan reads the comments of the TCP's sources.
func scan(root string) (*findings, error) {
	f := &findings{code: make(map[string][]string), tests: make(map[string][]test)}
	for _, room := range rooms {
		err := filepath.WalkDir(filepath.Join(root, room), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
				return err
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			return f.file(path, filepath.ToSlash(name))
		})
		if err != nil {
			return nil, err
		}
	}
	return f, nil
}

// file reads one source, at path, which is called name in the module.
func (f *findings) file(path, name string) error {
	parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		return err
	}
	if strings.HasSuffix(name, "_test.go") {
		f.testFile(parsed, name)
		return nil
	}
	for _, group := range parsed.Comments {
		for _, id := range idPattern.FindAllString(group.Text(), -1) {
			if !slices.Contains(f.code[id], name) {
				f.code[id] = append(f.code[id], name)
			}
		}
	}
	return nil
}

func (f *findings) testFile(parsed *ast.File, name string) {
	for _, decl := range parsed.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Doc == nil || !strings.HasPrefix(fn.Name.Name, "Test") {
			continue
		}
		for _, list := range listPattern.FindAllString(fn.Doc.Text(), -1) {
			for _, id := range idPattern.FindAllString(list, -1) {
				f.tests[id] = append(f.tests[id], test{name, path.Dir(name), fn.Name.Name})
			}
		}
	}
}

// attach gives each row what was found about it. An unknown requirement is an
// error.
func attach(rows []*requirement, f *findings) error {
	for _, r := range rows {
		r.code, r.tests = f.code[r.id], f.tests[r.id]
		delete(f.code, r.id)
		delete(f.tests, r.id)
	}
	for id, files := range f.code {
		return fmt.Errorf("%s names %s, which RFC 9293 does not have", files[0], id)
	}
	for id, tests := range f.tests {
		return fmt.Errorf("%s in %s names %s, which RFC 9293 does not have", tests[0].name, tests[0].file, id)
	}
	return nil
}
