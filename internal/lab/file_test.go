package lab_test

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
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
	if len(s) != 5 || s[0].Fault != lab.Expired || s[3].ALPN[0] != "h2" || s[4].Command[0] != "openssl" {
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

// The example of the file's form runs, with somebody else's server in it.
func TestATopologyFileRunsWithAProgramInIt(t *testing.T) {
	topology, err := lab.ParseTopology([]byte(example(t)))
	if err != nil {
		t.Fatal(err)
	}
	l := newLabWith(t, topology)
	papers, err := l.Papers()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"198.18.0.2:4433", "198.18.0.2:8443"} {
		reply, err := get(t.Context(), l, address, clientConfig(papers.PKI, false))
		if err != nil || !strings.HasPrefix(reply, "HTTP/1.") {
			t.Errorf("%s: %.40q, %v", address, reply, err)
		}
	}
}

// Where a node has no IPv4, a program is told its IPv6 address.
func TestAProgramRunsOnANodeWithoutIPv4(t *testing.T) {
	topology, err := lab.ParseTopology([]byte(`
nodes:
  - name: client
  - name: server
    services:
      - kind: command
        port: 4433
        command: [openssl, s_server, -accept, "{address}:{port}", -cert, "{cert}", -key, "{key}", -tls1_2, -www, -quiet]
links:
  - ends:
      - {node: client, addresses: ["2001:db8::1/64"]}
      - {node: server, addresses: ["2001:db8::2/64"]}
`))
	if err != nil {
		t.Fatal(err)
	}
	l := newLabWith(t, topology)
	papers, err := l.Papers()
	if err != nil {
		t.Fatal(err)
	}
	reply, err := get(t.Context(), l, "[2001:db8::2]:4433", clientConfig(papers.PKI, false))
	if err != nil || !strings.HasPrefix(reply, "HTTP/1.") {
		t.Errorf("%.40q, %v", reply, err)
	}
}
