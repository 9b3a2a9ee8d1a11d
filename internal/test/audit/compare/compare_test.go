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

// What an audit finds is what sslscan, nmap and testssl.sh find, but for the
// differences whose cause is known; and no tool needs as few connections.
func TestAuditsAgreeWithOtherTools(t *testing.T) {
	p := newPapers(t)
	var mu sync.Mutex
	rows := map[*server]*row{}
	t.Run("servers", func(t *testing.T) {
		for i := range servers {
			for j := range servers[i] {
				s := &servers[i][j]
				t.Run(s.String(), func(t *testing.T) {
					if !*update {
						t.Parallel()
					}
					r := compareAt(t, s, p)
					mu.Lock()
					defer mu.Unlock()
					rows[s] = r
				})
			}
		}
	})
}

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
		if took.connections >= cost.connections {
			t.Errorf("%v: the audit took %d connections, and %s %d", s, took.connections, o.name, cost.connections)
		}
	}
	return r
}
