package policy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/test/golden"
)

const madeMark = "<!-- made by go test ./internal/audit/policy -update -->\n"

// code is a list of words in code.
func code(list []string) string { return "`" + strings.Join(list, "`, `") + "`" }

// made is the part of docs/policies.md that follows from the code.
func made(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("\n## Kinds and features\n\n| `forbid_kinds` of `cipher_suites` | suites |\n| --- | --- |\n")
	for _, k := range suiteKinds {
		fmt.Fprintf(&b, "| `%s` | %s |\n", k.name, k.says)
	}
	for _, x := range []struct {
		name  string
		kinds []kind
	}{{"groups", groupKinds}, {"signature_schemes", schemeKinds}} {
		fmt.Fprintf(&b, "\n| kinds of `%s` | why |\n| --- | --- |\n", x.name)
		for _, k := range x.kinds {
			fmt.Fprintf(&b, "| `%s` | %s |\n", k.name, k.says)
		}
	}
	b.WriteString("\n| `features` | if `true` |\n| --- | --- |\n")
	for _, f := range features {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.name, f.on)
	}
	fmt.Fprintf(&b, "\nThe kinds of certificates are %s; the hashes %s.\n", code(certificateKinds), code(hashes))
	for _, name := range List() {
		p, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\n## `%s`\n\n%s: %s\n\n| rule | level | what it asks | source | lines for |\n| --- | --- | --- | --- | --- |\n", name, p.Title, p.About)
		for _, r := range p.Rules {
			var lines []string
			for _, s := range servers {
				if p.Mend(r)[s] != "" {
					lines = append(lines, s)
				}
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r.ID, r.Level, r.Title, r.Source, strings.Join(lines, ", "))
		}
	}
	return b.String()
}

// The page has each rule of the built-in policies, with its source, and each word
// that a file may use.
func TestThePageSaysEachRule(t *testing.T) {
	file := filepath.Join("..", "..", "..", "docs", "policies.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, tail, ok := strings.Cut(string(text), madeMark)
	if !ok {
		t.Fatalf("%s has no mark for what is made", file)
	}
	if want := made(t); tail != want {
		if !golden.Update() {
			t.Errorf("%s is not what the policies say: go test ./internal/audit/policy -update writes it anew", file)
		} else if err := os.WriteFile(file, []byte(head+madeMark+want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range checks {
		if !strings.Contains(head, "| `"+c.name+"` |") {
			t.Errorf("%s does not explain %s", file, c.name)
		}
	}
}

// The page's own file is one.
func TestThePagesFileIsAPolicy(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "policies.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	example, _, ok := strings.Cut(rest, "```")
	p, err := Parse("mine.yaml", []byte(example))
	if !ok || err != nil || len(p.Rules) != 3 || p.Mend(p.Rules[1])["nginx"] != "include /etc/nginx/tls.conf;" || !strings.Contains(p.Mend(p.Rules[2])["nginx"], "X25519MLKEM768") {
		t.Errorf("%+v, %v", p, err)
	}
}
