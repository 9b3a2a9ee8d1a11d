// A YAML file as a tree whose nodes know their lines, for errors that name the
// place.

package policy

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Bounds of a file: the parser's time grows with the square of its lines.
const (
	maxFile  = 64 << 10
	maxLine  = 2 << 10
	maxDepth = 8
)

// What a node is.
const (
	isText = iota
	isList
	isMap
	isNothing
)

var kindNames = [...]string{"a text", "a list", "words with their values", "nothing"}

// A node is a value of the file.
type node struct {
	kind  int
	line  int
	path  string // "rules[2].versions"
	text  string
	items []*node
	keys  []string // of a map; items are their values
}

// parseTree reads the one document of a file.
func parseTree(text []byte) (*node, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("more than %d bytes is no policy", maxFile)
	}
	for i, line := range strings.Split(string(text), "\n") {
		if len(line) > maxLine {
			return nil, fmt.Errorf("%d: a line of %d bytes is no policy's: at most %d", i+1, len(line), maxLine)
		}
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, sayYAML(err)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, fmt.Errorf("%d documents: a policy is one", len(file.Docs))
	}
	return grow(file.Docs[0].Body, "", 0)
}

// sayYAML is the parser's error with the line that it names first.
func sayYAML(err error) error {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		return fmt.Errorf("%d: no YAML: %s", at.GetToken().Position.Line, at.GetMessage())
	}
	return fmt.Errorf("no YAML: %w", err)
}

// grow makes a node of the library's. Anchors and aliases are refused: a policy
// needs none, and a short text could grow to a very long one with them.
func grow(n ast.Node, path string, depth int) (*node, error) {
	out := &node{line: line(n), path: path}
	if depth > maxDepth {
		return nil, fmt.Errorf("%d: %s: nested too deep for a policy", out.line, path)
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return out, out.growMap(n.Values, depth)
	case *ast.MappingValueNode:
		return out, out.growMap([]*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		out.kind = isList
		for i, v := range n.Values {
			item, err := grow(v, fmt.Sprintf("%s[%d]", path, i), depth+1)
			if err != nil {
				return nil, err
			}
			out.items = append(out.items, item)
		}
	case *ast.NullNode, nil:
		out.kind = isNothing
	case *ast.LiteralNode:
		if n.Value != nil {
			out.text = n.Value.Value
		}
	case *ast.StringNode:
		out.text = n.Value
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		out.text = n.GetToken().Value // as it was written: 1.0 is a version
	default:
		return nil, fmt.Errorf("%d: %s: %ss are not for policies: write the value itself", out.line, orRoot(path), strings.ToLower(n.Type().String()))
	}
	return out, nil
}

func (n *node) growMap(values []*ast.MappingValueNode, depth int) error {
	n.kind = isMap
	for _, v := range values {
		if v == nil || v.Key == nil {
			return fmt.Errorf("%d: %s: a word without a name", n.line, orRoot(n.path))
		}
		key, err := grow(v.Key, n.path, depth+1)
		if err != nil {
			return err
		}
		if key.kind != isText {
			return fmt.Errorf("%d: %s: a word is wanted before the colon", key.line, orRoot(n.path))
		}
		path := key.text
		if n.path != "" {
			path = n.path + "." + key.text
		}
		item, err := grow(v.Value, path, depth+1)
		if err != nil {
			return err
		}
		if item.line == 0 {
			item.line = key.line
		}
		n.keys, n.items = append(n.keys, key.text), append(n.items, item)
	}
	if n.line == 0 && len(n.items) > 0 {
		n.line = n.items[0].line
	}
	return nil
}

// line is where a node begins, as far as the library knows.
func line(n ast.Node) int {
	if n == nil {
		return 0
	}
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && m.Values[0].Key != nil {
		n = m.Values[0].Key
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

func orRoot(path string) string {
	if path == "" {
		return "policy"
	}
	return path
}
