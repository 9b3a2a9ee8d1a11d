package probe

import (
	"net/netip"
	"testing"

	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/internal/probe/syn"
)

// The seed of a connection's keys is another for each address, port and random, and for
// each scan, and the same when it is made again.
func TestEachConnectionHasASeedOfItsOwn(t *testing.T) {
	one, other := newSeeds(), newSeeds()
	seen := make(map[[32]byte]string)
	for _, tc := range []struct {
		name          string
		local, target string
		port, ours    uint16
		random        byte
	}{
		{"the first", "198.18.0.1", "198.18.0.2", 443, 40000, 0},
		{"another target", "198.18.0.1", "198.18.0.3", 443, 40000, 0},
		{"another address of ours", "198.18.0.4", "198.18.0.2", 443, 40000, 0},
		{"the two addresses exchanged", "198.18.0.2", "198.18.0.1", 443, 40000, 0},
		{"another port", "198.18.0.1", "198.18.0.2", 444, 40000, 0},
		{"another port of ours", "198.18.0.1", "198.18.0.2", 443, 40001, 0},
		{"the two ports exchanged", "198.18.0.1", "198.18.0.2", 40000, 443, 0},
		{"another random", "198.18.0.1", "198.18.0.2", 443, 40000, 1},
		{"IPv6", "2001:db8::1", "2001:db8::2", 443, 40000, 0},
	} {
		c := &connection{}
		c.path = &routes.Path{Packets: syn.NewPackets(netip.MustParseAddr(tc.local), 1460, 0)}
		c.target, c.local, c.random = Target{Addr: netip.MustParseAddr(tc.target), Port: tc.port}, tc.ours, [32]byte{31: tc.random}
		for scan, s := range []*seeds{one, other} {
			seed := s.of(c)
			if before, ok := seen[seed]; ok || seed == [32]byte{} {
				t.Errorf("%s, scan %d: the seed of %s", tc.name, scan, before)
			}
			seen[seed] = tc.name
			if s.of(c) != seed {
				t.Errorf("%s, scan %d: not the same again", tc.name, scan)
			}
		}
	}
}
