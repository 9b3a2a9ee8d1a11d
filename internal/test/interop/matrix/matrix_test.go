package matrix

import (
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

var update = flag.Bool("update", false, "write docs/interop.md")

// cell is two handshakes with a peer: one in full, and one that resumes it.
type cell struct {
	suite  *suite.Suite
	kind   string // of the certificates
	auth   bool   // the client shows one too
	ticket bool   // the second resumes by ticket, or by ID
}

func (c cell) way() string {
	if c.ticket {
		return "ticket"
	}
	return "ID"
}

func (c cell) String() string {
	return fmt.Sprintf("%v/%s/auth=%v/by %s", c.suite.ID, c.kind, c.auth, c.way())
}

// A peer is a program in one of its roles.
type peer struct {
	name    string
	version func(*testing.T) string
	// suites says which of ours it was built with.
	suites func(*testing.T) func(tlsmsg.CipherSuite) bool
	// lacks says what it cannot do of a cell, though it knows the suite; "" for
	// nothing. A cell that it lacks is not tried.
	lacks func(cell) string
	// begin readies the peer for all cells of one kind of certificate, with or
	// without client authentication, and returns how to meet it.
	begin func(t *testing.T, a *authority, kind string, auth bool) (meet func(*testing.T, cell) error)
}

var peers = []*peer{opensslServer, opensslClient, gnutlsServer, gnutlsClient, nginxServer, goServer, goClient}

// cells are all that there are with one kind of certificate.
func cells(a *authority, kind string, auth bool) (all []cell) {
	for _, id := range slices.Concat(suite.IDs(), suite.LegacyIDs()) {
		s := suite.Lookup(id)
		if s.FitsKey(a.byKind[kind].key.Public()) != nil {
			continue
		}
		for _, ticket := range []bool{false, true} {
			all = append(all, cell{s, kind, auth, ticket})
		}
	}
	return all
}

// Every peer, with every suite that it shares with us, every kind of
// certificate, with and without client authentication: in full and resumed, by
// ID and by ticket, with data under the new keys. The document says what was
// done, and why what was not done was not.
func TestEveryPeerIsMetInEveryWay(t *testing.T) {
	a := newAuthority(t)
	out := newOutcome()
	t.Run("peers", func(t *testing.T) {
		for _, p := range peers {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				p.meet(t, a, out)
			})
		}
	})
	switch {
	case t.Failed():
	case len(out.versions) < len(peers):
		t.Skip("not every peer is installed (scripts/setup.sh installs them): the document is not compared")
	default:
		t.Log(out.versionLine())
		compare(t, begins, ends, out.text())
	}
}

func (p *peer) meet(t *testing.T, a *authority, out *outcome) {
	knows := p.suites(t)
	out.version(p, p.version(t))
	for _, kind := range kinds {
		for _, auth := range []bool{false, true} {
			var meet func(*testing.T, cell) error
			for _, c := range cells(a, kind, auth) {
				why := ""
				if !knows(c.suite.ID) {
					why = "it is not built with this suite"
				} else {
					why = p.lacks(c)
				}
				if why != "" {
					out.lacks(p, c, why)
					continue
				}
				if meet == nil {
					meet = p.begin(t, a, kind, auth)
				}
				if err := meet(t, c); err != nil {
					t.Errorf("%v: %v", c, err)
				}
				out.done(p, c)
			}
		}
	}
}

// outcome is what came of it all.
type outcome struct {
	mu       sync.Mutex
	versions map[*peer]string
	met      map[*peer]map[tlsmsg.CipherSuite]int // cells
	missed   map[*peer]map[string][]cell          // by what the peer lacks
}

func newOutcome() *outcome {
	return &outcome{versions: map[*peer]string{}, met: map[*peer]map[tlsmsg.CipherSuite]int{}, missed: map[*peer]map[string][]cell{}}
}

func (o *outcome) version(p *peer, v string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.versions[p], o.met[p], o.missed[p] = v, map[tlsmsg.CipherSuite]int{}, map[string][]cell{}
}

func (o *outcome) done(p *peer, c cell) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.met[p][c.suite.ID]++
}

func (o *outcome) lacks(p *peer, c cell, why string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.missed[p][why] = append(o.missed[p][why], c)
}
