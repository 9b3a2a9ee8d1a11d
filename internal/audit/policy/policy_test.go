package policy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/test/schema"
)

// A built-in policy reads as its file, and says of each rule what it asks and
// where that is written.
func TestBuiltInPolicies(t *testing.T) {
	valid := schema.Compile(t, "policy.schema.json", Schema)
	files, err := filepath.Glob("builtin/*.yaml")
	if err != nil || len(files) != len(List()) {
		t.Fatalf("%d files, %d names, %v", len(files), len(List()), err)
	}
	for _, name := range List() {
		p, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if p.Name != name || p.Title == "" || p.About == "" || len(p.Rules) < 10 {
			t.Errorf("%s: %q, %q, %d rules", name, p.Name, p.About, len(p.Rules))
		}
		if text, _ := Text(name); valid != nil {
			if err := schema.Allows(valid, toJSON(t, text)); err != nil {
				t.Errorf("%s against the schema: %v", name, err)
			}
		}
		for _, r := range p.Rules {
			if !regexp.MustCompile(`^(RFC \d+, |Mozilla |PCI DSS )`).MatchString(r.Source) && !strings.HasPrefix(r.Source, "RFC 8996") {
				t.Errorf("%s: %s: source %q", name, r.ID, r.Source)
			}
		}
	}
}

func toJSON(t *testing.T, text []byte) []byte {
	t.Helper()
	b, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What the schema allows in a list of words is what the reader does.
func TestTheSchemaHasTheReadersWords(t *testing.T) {
	var s struct {
		Defs struct {
			Rule struct {
				Properties map[string]struct {
					Enum       []string
					Properties map[string]struct {
						Enum  []string
						Items struct{ Enum []string }
					}
				}
			}
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Schema, &s); err != nil {
		t.Fatal(err)
	}
	rule := s.Defs.Rule.Properties
	same := func(what string, got, want []string) {
		if !slices.Equal(got, want) {
			t.Errorf("%s: the schema has %q, the reader %q", what, got, want)
		}
	}
	same("level", rule["level"].Enum, levels)
	same("suites", rule["cipher_suites"].Properties["forbid_kinds"].Items.Enum, suiteKindNames())
	same("groups", rule["groups"].Properties["forbid_kinds"].Items.Enum, kindNamesOf(groupKinds))
	same("schemes", rule["signature_schemes"].Properties["require_kinds"].Items.Enum, kindNamesOf(schemeKinds))
	same("primes", rule["dh_primes"].Properties["forbid"].Items.Enum, primeKindNames())
	same("certificates", rule["certificates"].Properties["kinds"].Items.Enum, certificateKinds)
	same("hashes", rule["certificates"].Properties["forbid_hashes"].Items.Enum, hashes)
	same("severities", rule["weaknesses"].Properties["forbid_from"].Enum, audit.Severities)
	same("weaknesses", rule["weaknesses"].Properties["except"].Items.Enum, audit.WeaknessIDs())
	for _, name := range checkNames() {
		if _, ok := rule[name]; !ok {
			t.Errorf("the schema has no %s", name)
		}
	}
	if len(rule) != len(checks)+5 {
		t.Errorf("the schema has %d words of a rule", len(rule))
	}
	of := rule["features"].Properties
	for _, name := range featureNames() {
		if _, ok := of[name]; !ok || len(of) != len(features) {
			t.Errorf("the schema's features: %d, with %s %v", len(of), name, ok)
		}
	}
}

const rule = "  - {id: a, title: A, source: mine, "

// A file that is wrong is refused by its name, the line, the key, and what may
// stand there; the schema refuses it too, where it can.
func TestWrongPoliciesAreRefusedByTheirPlace(t *testing.T) {
	valid := schema.Compile(t, "policy.schema.json", Schema)
	for _, tc := range []struct {
		name, text, want string
		lenient          bool // the schema allows it
	}{
		{"unknown word", "name: x\nruels: []\n", "x.yaml:2: ruels: unknown word \"ruels\": the words here are name, title, about, rules", false},
		{"unknown check", "name: x\nrules:\n" + rule + "ciphers: {forbid: [RC4]}}\n", "x.yaml:3: rules[0].ciphers: unknown word \"ciphers\": the words here are id, title, level", false},
		{"unknown kind", "name: x\nrules:\n" + rule + "cipher_suites: {forbid_kinds: [rc5]}}\n", "x.yaml:3: rules[0].cipher_suites.forbid_kinds[0]: \"rc5\" is none of no_encryption, anonymous, export", false},
		{"misspelt suite", "name: x\nrules:\n" + rule + "cipher_suites: {forbid: [ECDHE-RSA-AES128-GCM-SHA265]}}\n", "unknown cipher suite \"ECDHE-RSA-AES128-GCM-SHA265\"; did you mean ECDHE-RSA-AES128-GCM-SHA256", true},
		{"no version", "name: x\nrules:\n" + rule + "versions: {forbid: [TLS 1.4]}}\n", "\"TLS 1.4\" is none of SSL 2.0, SSL 3.0, TLS 1.0", true},
		{"a number that is none", "name: x\nrules:\n" + rule + "keys: {rsa: 2048 bits}}\n", "rules[0].keys.rsa: \"2048 bits\" is no whole number from 1 to 32768", false},
		{"neither true nor false", "name: x\nrules:\n" + rule + "features: {compression: off}}\n", "rules[0].features.compression: \"off\" is neither true nor false", false},
		{"another level", "name: x\nrules:\n" + rule + "level: may, versions: {forbid: [SSL 3.0]}}\n", "rules[0].level: \"may\" is none of must, should", false},
		{"two checks", "name: x\nrules:\n" + rule + "versions: {forbid: [SSL 3.0]}, keys: {rsa: 2048}}\n", "a rule has one check, and this one has versions already", false},
		{"no check", "name: x\nrules:\n  - {id: a, title: A, source: mine}\n", "rules[0]: it checks nothing: one of versions, cipher_suites", false},
		{"nothing asked", "name: x\nrules:\n" + rule + "keys: {}}\n", "rules[0].keys: it asks for nothing: one of rsa, ec, dh is missing", false},
		{"no source", "name: x\nrules:\n  - id: a\n    title: A\n    keys: {rsa: 2048}\n", "x.yaml:3: rules[0]: source is missing", false},
		{"the same id twice", "name: x\nrules:\n" + rule + "keys: {rsa: 2048}}\n" + rule + "keys: {ec: 256}}\n", "x.yaml:4: rules[1]: another rule has the id a", true},
		{"a word twice", "name: x\nname: y\nrules: []\n", "x.yaml:2: ", true},
		{"an alias", "name: &n x\ntitle: *n\nrules: []\n", "are not for policies", true},
		{"a list for a text", "name: [x]\nrules: []\n", "x.yaml:1: name: a text is wanted, and here is a list", false},
		{"control characters", "name: x\ntitle: \"a\\x1b[2J\"\nrules:\n" + rule + "keys: {rsa: 2048}}\n", "has characters that cannot be shown", true},
		{"no YAML", "name: [x\n", "x.yaml:", true},
		{"empty", "", "x.yaml:", true},
		{"two documents", "name: x\n---\nname: y\n", "2 documents: a policy is one", true},
		{"a long line", "name: " + strings.Repeat("x", maxLine) + "\n", "x.yaml:1: a line of", false},
		{"no rules", "name: x\nrules: []\n", "0 rules: at least 1", false},
		{"a server nobody knows", "name: x\nrules:\n" + rule + "mend: {iis: off}, keys: {rsa: 2048}}\n", "unknown word \"iis\": the words here are nginx, apache, haproxy, caddy", false},
	} {
		_, err := Parse("x.yaml", []byte(tc.text))
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "x.yaml:") {
			t.Errorf("%s: %v; want %s", tc.name, err, tc.want)
		}
		if j, err := yaml.YAMLToJSON([]byte(tc.text)); !tc.lenient && (err != nil || schema.Allows(valid, j) == nil) {
			t.Errorf("%s: the schema allows it, %v", tc.name, err)
		}
	}
}

// Everything that is wrong is told at once, within reason.
func TestAllErrorsAreTold(t *testing.T) {
	_, err := Parse("x.yaml", []byte("name: x\nrules:\n"+strings.Repeat("  - {idd: 1}\n", 40)))
	if n := strings.Count(err.Error(), "\n"); n != maxErrors || !strings.Contains(err.Error(), "x.yaml: and ") {
		t.Errorf("%d lines:\n%v", n, err)
	}
}

// A policy is found by its name, or in a file.
func TestPoliciesAreFound(t *testing.T) {
	if _, err := Load("rfc9324"); err == nil || !strings.Contains(err.Error(), "the built-in ones are rfc9325, modern, intermediate, old, pci") {
		t.Errorf("%v", err)
	}
	file := filepath.Join(t.TempDir(), "mine.yaml")
	text, err := Text("rfc9325")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Load(file)
	if err != nil || p.Name != "rfc9325" {
		t.Errorf("%v, %v", p, err)
	}
	if _, err := Load(file + ".gone"); err == nil {
		t.Error("a file that is not there is read")
	}
	if err := os.WriteFile(file, []byte(strings.Repeat("# long\n", maxFile)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "is no policy") {
		t.Errorf("%v", err)
	}
}

// Whatever a file holds, it is a policy with rules that can be judged, or an
// error in words that a terminal bears.
func FuzzParse(f *testing.F) {
	for _, name := range List() {
		text, _ := Text(name)
		f.Add(string(text))
	}
	f.Add("name: x\nrules:\n" + rule + "cipher_suites: {forbid_kinds: [rc5]}}\n")
	f.Add("a: &a [*a, *a]\nb: !!binary x\n? [x]\n: y\n<<: {}\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse("x\x1b.yaml", []byte(text))
		if err != nil {
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return r != '\n' && (r < ' ' || r == 0x7f) }) {
				t.Errorf("%q", err.Error())
			}
			return
		}
		for _, r := range p.Rules {
			if r.ID == "" || r.Source == "" || r.check == nil {
				t.Errorf("%+v", r)
			}
			p.Mend(r)
		}
	})
}
