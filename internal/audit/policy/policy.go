// What a policy is, and the built-in ones.

package policy

import (
	"embed"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// Schema is the JSON Schema (2020-12) of a policy.
//
//go:embed policy.schema.json
var Schema []byte

//go:embed builtin/*.yaml
var builtin embed.FS

// names are the built-in policies, the one to begin with first.
var names = []string{"rfc9325", "modern", "intermediate", "old", "pci"}

// A Policy is a list of rules.
type Policy struct {
	Name  string
	Title string
	About string // what it is for, in a few sentences
	Rules []Rule
}

// A Rule is one thing that a policy asks of a server.
type Rule struct {
	ID     string
	Title  string // what it asks, in words
	Level  string // Must or Should
	Source string // where it is written
	Check  string // what it looks at, "cipher_suites" say

	mend  map[string]string // by server; what the file says
	check check
}

// The levels: what violates a rule that must hold does not conform.
const (
	Must   = "must"
	Should = "should"
)

// Rule finds a rule by its ID.
func (p *Policy) Rule(id string) (Rule, bool) {
	i := slices.IndexFunc(p.Rules, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return p.Rules[i], true
}

// List names the built-in policies.
func List() []string { return slices.Clone(names) }

// Load returns the policy that a built-in name or a path says. What has a slash
// or a dot in it is a path.
func Load(nameOrFile string) (*Policy, error) {
	if slices.Contains(names, nameOrFile) {
		text, err := Text(nameOrFile)
		if err != nil {
			return nil, err
		}
		return Parse(nameOrFile+".yaml", text)
	}
	if !strings.ContainsAny(nameOrFile, `/\.`) {
		return nil, fmt.Errorf("no policy is called %q: the built-in ones are %s; a file's name has a dot or a slash in it", nameOrFile, strings.Join(names, ", "))
	}
	text, err := readFile(nameOrFile)
	if err != nil {
		return nil, err
	}
	return Parse(nameOrFile, text)
}

// Text is the file of a built-in policy, to begin one's own with.
func Text(name string) ([]byte, error) {
	return builtin.ReadFile(path.Join("builtin", name+".yaml"))
}

// readFile reads a policy's file, as far as one may be long.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile+1)) // Parse refuses what is longer
}
