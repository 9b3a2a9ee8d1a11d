// Every tool with every server, one after the other.

package compare

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

// A row is what came of one server.
type row struct {
	server *server
	pairs  int
	ours   cost
	theirs map[*tool]cost
}

// fewerByNmap are servers with so few suites and so many groups that nmap, which
// looks for no groups, signature schemes or sessions, needs fewer connections. At
// HAProxy it does not find all suites, either.
var fewerByNmap = []string{"Java, as it comes", "Java, client certificates", "HAProxy, RSA and ECDSA, TLS 1.0 on, the client's order"}

// What an audit finds is what sslscan, nmap and testssl.sh find, but for the
// differences whose cause is known; and no tool needs as few connections,
// but where nmap does not ask for most of what there is.
func TestAuditsAgreeWithOtherTools(t *testing.T) {
	p := newPapers(t)
	var mu sync.Mutex
	found := map[*server]*row{}
	t.Run("servers", func(t *testing.T) {
		for _, s := range all() {
			t.Run(s.String(), func(t *testing.T) {
				if !*update || *only == testssl.name { // it waits for most of its time
					t.Parallel()
				}
				r := compareAt(t, s, p)
				mu.Lock()
				defer mu.Unlock()
				found[s] = r
			})
		}
	})
	rows := make([]*row, 0, len(found))
	for _, s := range all() {
		if r := found[s]; r != nil {
			rows = append(rows, r)
		}
	}
	conclude(t, rows)
}

// conclude compares the rows with the document, or writes it.
func conclude(t *testing.T, rows []*row) {
	if len(rows) == len(all()) && *full && *only == "" {
		for _, e := range unmet(tools) {
			t.Errorf("this difference is explained, and was not met: %s", e)
		}
	}
	if *update { // where they differ and nobody knows why, the figures hold all the same
		write(t, rows)
		return
	}
	check(t, rows)
}

// compareAt has every tool look at one server.
func compareAt(t *testing.T, s *server, p *papers) *row {
	at := newSite(t, s, p)
	s.start(t, at)
	found, took := ours.run(t, at, at.addr())
	r := &row{server: s, pairs: found.pairs(), ours: took, theirs: map[*tool]cost{}}
	for _, o := range tools {
		if o == testssl && s.slow && !*full || *only != "" && !slices.Contains(strings.Split(*only, ","), o.name) {
			continue
		}
		theirs, cost := o.run(t, at, at.addr())
		r.theirs[o] = cost
		for _, d := range slices.DeleteFunc(differences(found, theirs), func(d string) bool { return explain(o, s, d) }) {
			t.Errorf("%v: %s differs, and nobody knows why: %s", s, o.name, d)
		}
		if took.connections >= cost.connections && (o != nmap || !slices.Contains(fewerByNmap, s.String())) {
			t.Errorf("%v: the audit took %d connections, and %s %d", s, took.connections, o.name, cost.connections)
		}
	}
	return r
}
