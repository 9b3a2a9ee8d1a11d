package matrix

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// cell13 is two connections of TLS 1.3 with a peer: a full handshake and one that
// resumes it by a ticket, each with data under keys that were updated.
type cell13 struct {
	suite *suite.Suite
	group tlsmsg.NamedGroup
	kind  string // of the certificates
	auth  bool   // the client shows one too
}

// retry reports whether the client of the full handshake guesses the wrong
// group, so that the server has to ask.
func (c cell13) retry() bool { return !c.auth }

func (c cell13) String() string {
	return fmt.Sprintf("%v/%v/%s/auth=%v", c.suite.ID, c.group, c.kind, c.auth)
}

// A peer13 is a program in one of its roles, in TLS 1.3.
type peer13 struct {
	name   string
	groups []tlsmsg.NamedGroup // of ours that it has
	// lacks says what it cannot do of a cell; "" for nothing. A cell that it
	// lacks is not tried.
	lacks func(cell13) string
	begin func(t *testing.T, a *authority, kind string, auth bool) (meet func(*testing.T, cell13) error)
}

var (
	curves13 = suite.Groups()
	groups13 = slices.Concat(suite.HybridGroups(), curves13, suite.FFDHEGroups())
	peers13  = []*peer13{opensslServer13, opensslClient13, gnutlsServer13, gnutlsClient13, nginxServer13, goServer13, goClient13}
)

func lacksNothing(cell13) string { return "" }

// Every peer, with every suite of TLS 1.3, every group and every kind of
// certificate that it shares with us: with a HelloRetryRequest and without, with
// and without client authentication, in full and resumed, with data under keys
// that both sides have updated.
func TestEveryPeerIsMetInEveryWayOfTLS13(t *testing.T) {
	a := newAuthority(t)
	out := &outcome13{met: map[string]map[tlsmsg.NamedGroup]int{}, missed: map[string][]string{}}
	t.Run("peers", func(t *testing.T) {
		for _, p := range peers13 {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				p.meet(t, a, out)
			})
		}
	})
	switch {
	case t.Failed():
	case len(out.met) < len(peers13):
		t.Skip("not every peer is installed (scripts/setup.sh installs them): the document is not compared")
	default:
		compare(t, begins13, ends13, out.text())
	}
}

func (p *peer13) meet(t *testing.T, a *authority, out *outcome13) {
	for _, kind := range kinds {
		for _, auth := range []bool{false, true} {
			var meet func(*testing.T, cell13) error
			for _, group := range groups13 {
				for _, id := range suite.IDs13() {
					c := cell13{suite.Lookup13(id), group, kind, auth}
					if !slices.Contains(p.groups, group) {
						continue
					}
					if why := p.lacks(c); why != "" {
						out.lacks(p, group, why)
						continue
					}
					if meet == nil {
						meet = p.begin(t, a, kind, auth)
					}
					if err := meet(t, c); err != nil {
						t.Errorf("%v: %v", c, err)
					}
					out.done(p, group)
				}
			}
		}
	}
}

// outcome13 is what came of it all.
type outcome13 struct {
	mu     sync.Mutex
	met    map[string]map[tlsmsg.NamedGroup]int // cells, by peer
	missed map[string][]string                  // "peer" and "group", by what the peer lacks
}

func (o *outcome13) done(p *peer13, g tlsmsg.NamedGroup) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.met[p.name] == nil {
		o.met[p.name] = map[tlsmsg.NamedGroup]int{}
	}
	o.met[p.name][g]++
}

func (o *outcome13) lacks(p *peer13, g tlsmsg.NamedGroup, why string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if key := p.name + " " + g.String(); !slices.Contains(o.missed[why], key) {
		o.missed[why] = append(o.missed[why], key)
	}
}

// text is the document's part.
func (o *outcome13) text() string {
	var reasons []string
	for why := range o.missed {
		reasons = append(reasons, why)
	}
	slices.Sort(reasons)
	var table strings.Builder
	table.WriteString("| group |")
	for _, p := range peers13 {
		table.WriteString(" " + p.name + " |")
	}
	table.WriteString("\n|" + strings.Repeat(" --- |", len(peers13)+1) + "\n")
	total := 0
	for _, g := range groups13 {
		fmt.Fprintf(&table, "| %v |", g)
		for _, p := range peers13 {
			n := 2 * o.met[p.name][g]
			total += n
			var words []string
			if n > 0 {
				words = append(words, fmt.Sprint(n))
			}
			for i, why := range reasons {
				if slices.Contains(o.missed[why], p.name+" "+g.String()) {
					words = append(words, string(rune('a'+i)))
				}
			}
			table.WriteString(" " + strings.Join(append(words, "|"), " "))
		}
		table.WriteString("\n")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%d handshakes, none of which failed. In each column is how many: two for each suite and each certificate, with and without client authentication. "+
		"Where there is nothing the program does not have the group; the letters say what else is missing.\n\n%s\n", total, table.String())
	for i, why := range reasons {
		fmt.Fprintf(&b, "* %c: %s\n", 'a'+i, why)
	}
	return b.String()
}
