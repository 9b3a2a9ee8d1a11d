package lab_test

import (
	"math/rand/v2"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
)

// example is the file that docs/lab.md shows.
func example(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/lab.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	block, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/lab.md shows no topology file")
	}
	return block
}

func TestATopologyFileSaysItAll(t *testing.T) {
	topology, err := lab.ParseTopology([]byte(example(t)))
	if err != nil {
		t.Fatal(err)
	}
	link := topology.Links[0]
	if topology.Seed != 42 || link.MTU != 1400 || link.Latency != 10*time.Millisecond || link.Loss != 0.025 ||
		link.Reorder != 0.01 || link.Rate != 10e6 || link.Ends[1].Addresses[1].Bits() != 64 {
		t.Errorf("%+v", topology)
	}
	s := topology.Nodes[1].Services
	if len(s) != 5 || s[0].Fault != pki.Expired || s[3].ALPN[0] != "h2" || s[4].Command[0] != "openssl" {
		t.Errorf("%+v", s)
	}
}

// What is written is read as the same, for each built-in topology.
func TestTopologiesSurviveTheFile(t *testing.T) {
	for _, topology := range lab.Builtin() {
		text, err := topology.Text()
		if err != nil {
			t.Fatal(err)
		}
		again, err := lab.ParseTopology([]byte(text))
		if err != nil || !reflect.DeepEqual(topology, again) {
			t.Errorf("%v\n%s\n%+v\n%+v", err, text, topology, again)
		}
	}
}

func TestWrongTopologyFilesAreRefusedWithThePlace(t *testing.T) {
	for text, want := range map[string][]string{
		"":                              {"empty"},
		"nodes: [{name: a}]\nlinsk: []": {"linsk", "2"},
		"nodes: [{name: a, nmae: b}]":   {"nmae"},
		"links: [{loss: 200%}]":         {"200%", "chance"},
		"links: [{rate: fast}]":         {"fast", "rate"},
		"links: [{ends: [{}, {}, {}]}]": {},
		"nodes: [{name: a, owns: [x]}]": {"x"},
		"nodes: {a: b}":                 {},
		"\x00\xff":                      {},
		"nodes: &a [*a]":                {},
		"nodes: [{name: \"\x1b[31m\"}]": {},
	} {
		_, err := lab.ParseTopology([]byte(text))
		if err == nil {
			t.Errorf("%q is taken", text)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q: %v, want something about %q", text, err, w)
			}
		}
	}
}

// link is a topology of one link, with a word or two in place of what would do.
func oneLink(change ...string) string {
	return strings.NewReplacer(change...).Replace(`name: x
nodes:
  - {name: a}
  - {name: b, owns: [198.19.0.0/24]}
links:
  - ends:
      - {node: a, addresses: [198.18.0.1/24]}
      - {node: b, addresses: [198.18.0.2/24]}
    latency: 1ms
`)
}

// What no kernel would take, or no host could use, is refused before anything
// is made, with the field and in words of the file's.
func TestWhatCouldNotBeBuiltIsRefusedByItsField(t *testing.T) {
	if _, err := lab.ParseTopology([]byte(oneLink())); err != nil {
		t.Fatal(err)
	}
	const first = "198.18.0.1/24"
	for _, c := range []struct{ was, is, want string }{
		{first, "0.0.0.0/24", "links[0].ends[0].addresses[0]"}, {first, "224.0.0.1/24", "addresses[0]"}, {first, "127.0.0.1/8", "addresses[0]"},
		{first, "198.18.0.0/24", "no host's address"}, {first, "198.18.0.255/24", "no host's address"}, {first, `"::ffff:198.18.0.1/120"`, "198.18.0.1"},
		{first, `""`, "links[0].ends[0].addresses[0]"}, {first, "198.18.0.1", "such as 198.18.0.1/24"}, {first, "198.18.7.1/24", "not in one network"},
		{"198.19.0.0/24", `""`, "nodes[1].owns[0]"}, {"198.19.0.0/24", "224.0.0.0/4", "nodes[1].owns[0]"},
		{"198.19.0.0/24", strings.Repeat("198.19.0.0/24, ", 300), "nodes[1].owns"}, {first, strings.Repeat("198.18.0.1/24, ", 100), "links[0].ends[0].addresses"},
		{"1ms", "5", "such as 20ms"}, {"1ms", "[]", "such as 20ms"}, {"1ms", "1ms\n    jitter: 2h", "links[0].jitter"}, {"name: x", "name: [x]", "a text is wanted"},
		{"name: x", "seed: -1", "-1 is too"}, {"name: x", "seed: x", "a whole number is wanted"}, {"name: x", "name: " + strings.Repeat("x", 100), "name"},
		{"name: x", `name: "\e[31m"`, "cannot be shown"}, {"name: x", `about: "\n"`, "about"}, {"name: x", "nodes: 5", ""}, {"name: x", "name: " + strings.Repeat("[", 11000) + strings.Repeat("]", 11000), "nested"},
	} {
		_, err := lab.ParseTopology([]byte(oneLink(c.was, c.is)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60q: %v, expected something about %q", c.is, err, c.want)
		}
		if err != nil && goTerms.MatchString(err.Error()) {
			t.Errorf("%.60q: speaks of Go: %v", c.is, err)
		}
	}
}

var goTerms = regexp.MustCompile(`Go (struct|value)|netip\.|time\.Duration|interface \{|uint\d|[\x00-\x08\x0b-\x1f]`)

// A file that a disk, an editor or a copy has damaged is taken or refused: it
// never ends the program, and what is taken is a topology that can be built.
func TestADamagedTopologyIsTakenOrRefused(t *testing.T) {
	good := []byte(example(t))
	r := rand.New(rand.NewPCG(12, 6))
	for range 3000 {
		b := slices.Clone(good)
		for range 1 + r.IntN(3) {
			at := r.IntN(len(b))
			switch r.IntN(4) {
			case 0:
				b[at] ^= 1 << r.IntN(8)
			case 1:
				b = b[:at+1]
			case 2:
				b = slices.Delete(b, at, min(len(b), at+1+r.IntN(20)))
			case 3:
				b = slices.Insert(b, at, good[:r.IntN(40)]...)
			}
			if len(b) == 0 {
				break
			}
		}
		topology, err := lab.ParseTopology(b)
		if err != nil && goTerms.MatchString(err.Error()) {
			t.Fatalf("%v\nof\n%s", err, b)
		}
		if err == nil && topology.Check() != nil {
			t.Fatalf("taken, and %v:\n%s", topology.Check(), b)
		}
	}
}
