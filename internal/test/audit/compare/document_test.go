// docs/audit-compared.md: what each tool took, and what they disagree about.

package compare

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	document = "../../../../docs/audit-compared.md"
	begins   = "<!-- Written by: go test ./internal/test/audit/compare -update -->\n"
	ends     = "<!-- Written until here. -->\n"
)

// write puts what was found into the document.
func write(t *testing.T, rows []*row) {
	before, said, after := parts(t)
	text := before + begins + metAt(t) + "\n" + costs(rows, said) + "\n" + disagreements() + ends + after
	must(t, os.WriteFile(document, []byte(text), 0o644))
}

func parts(t *testing.T) (before, said, after string) {
	b, err := os.ReadFile(document)
	must(t, err)
	before, rest, ok1 := strings.Cut(string(b), begins)
	said, after, ok2 := strings.Cut(rest, ends)
	if !ok1 || !ok2 {
		t.Fatalf("%s lacks %q or %q", document, begins, ends)
	}
	return before, said, after
}

// slack is by how many connections an audit may differ from another of the same
// server: what is asked along with what depends on which answer is there first.
const slack = 6

// check fails where the document has other rows or differences than the test, or
// says of us that we need fewer connections than we do. Times are not compared.
func check(t *testing.T, rows []*row) {
	_, said, _ := parts(t)
	if !strings.HasSuffix(said, disagreements()) {
		t.Errorf("%s does not have the differences that the test explains (-update writes it)", document)
	}
	for _, r := range rows {
		m := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(r.server.String()) + ` \| (\d+) \| (\d+), `).FindStringSubmatch(said)
		if m == nil {
			t.Errorf("%s has no row for %v (-update writes it)", document, r.server)
			continue
		}
		pairs, _ := strconv.Atoi(m[1])
		connections, _ := strconv.Atoi(m[2])
		if pairs != r.pairs || r.ours.connections > connections+slack {
			t.Errorf("%s says of %v that it has %d pairs, and that an audit takes %d connections: it has %d, and took %d (-update writes it)",
				document, r.server, pairs, connections, r.pairs, r.ours.connections)
		}
	}
}

// costs is the table of connections and time. What was not run, be it a server or
// a tool, stays as the document has said so far.
func costs(rows []*row, said string) string {
	var b strings.Builder
	b.WriteString("| server | pairs | rawshake audit |")
	for _, o := range tools {
		b.WriteString(" " + o.name + " |")
	}
	b.WriteString("\n|" + strings.Repeat(" --- |", len(tools)+3) + "\n")
	for _, s := range all() {
		if i := slices.IndexFunc(rows, func(r *row) bool { return r.server == s }); i >= 0 {
			b.WriteString(rows[i].line(said))
		} else {
			b.WriteString(line(said, s))
		}
	}
	return b.String()
}

func (r *row) line(said string) string {
	took := r.ours.String()
	if *only != "" { // beside others, perhaps
		took = cmp.Or(cell(said, r.server, -1), took)
	}
	text := fmt.Sprintf("| %v | %d | %s |", r.server, r.pairs, took)
	for i, o := range tools {
		if c, ok := r.theirs[o]; ok {
			text += fmt.Sprintf(" %v |", c)
		} else {
			text += fmt.Sprintf(" %s |", cell(said, r.server, i))
		}
	}
	return text + "\n"
}

// line is what the document says of a server.
func line(said string, s *server) string {
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "| "+s.String()+" | ") {
			return line
		}
	}
	return ""
}

// cell is what the document says of a server and a tool, by its place.
func cell(said string, s *server, tool int) string {
	cells := strings.Split(line(said, s), " | ")
	if i := 3 + tool; i < len(cells) {
		return strings.Trim(cells[i], " |\n")
	}
	return ""
}

// String is "87, 0.4 s".
func (c cost) String() string {
	if c.time < 10*time.Second {
		return fmt.Sprintf("%d, %.1f s", c.connections, c.time.Seconds())
	}
	return fmt.Sprintf("%d, %.0f s", c.connections, c.time.Seconds())
}

// disagreements are the explanations, as text.
func disagreements() string {
	var b strings.Builder
	b.WriteString("| tool | server | what it says | who is right |\n| --- | --- | --- | --- |\n")
	for _, e := range explanations {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", e.tool.name, e.at, e.says, e.why)
	}
	return b.String()
}

// programs are those of the servers, and how they say their version.
var programs = []struct {
	name, program, args, pattern string
}{
	{"OpenSSL", "openssl", "version", `OpenSSL ([0-9.a-z]+)`},
	{"nginx", "nginx", "-v", `nginx/([0-9.]+)`},
	{"GnuTLS", "gnutls-serv", "--version", `gnutls-serv ([0-9.]+)`},
	{"Apache", "apache2", "-v", `Apache/([0-9.]+)`},
	{"HAProxy", "haproxy", "-v", `version ([0-9.]+)`},
	{"stunnel", "stunnel4", "-version", `stunnel ([0-9.]+)`},
	{"Java", "java", "-version", `version "([0-9._]+)"`},
}

// metAt is the line of versions.
func metAt(t *testing.T) string {
	var list []string
	for _, p := range programs {
		o := &tool{name: p.program, version: []string{p.args}, pattern: p.pattern}
		list = append(list, p.name+" "+o.versionOf(t))
	}
	list = append(list, "Go "+strings.TrimPrefix(runtime.Version(), "go"))
	var theirs []string
	for _, o := range tools {
		theirs = append(theirs, o.name+" "+o.versionOf(t))
	}
	return "Servers: " + strings.Join(list, ", ") + ". Tools: " + strings.Join(theirs, ", ") + ".\n"
}
