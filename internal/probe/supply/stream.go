// A loop's part of a feed.

package supply

import (
	"net/netip"

	"github.com/rawshake/rawshake/internal/probe/syn"
)

// streamSource is a loop's part of a feed. It keeps the targets that are in
// flight.
type streamSource struct {
	share
	in     <-chan fed
	mac    *syn.MAC
	ports  uint16
	next   uint64
	held   *fed // taken from in, and without a port yet
	flying map[uint64]flight
	known  map[flightKey]uint64
	zones  bool                                        // some have had one
	busy   func(a netip.Addr, port, local uint16) bool // ports of ours that others use; nil: none do
}

type flight struct {
	fed
	local uint16
}

// flightKey is how an answer names its target.
type flightKey struct {
	addr  netip.Addr
	port  uint16
	local uint16
}

func newStreamSource(in <-chan fed, s share, m *syn.MAC, ports uint16) *streamSource {
	return &streamSource{share: s, in: in, mac: m, ports: ports,
		flying: make(map[uint64]flight), known: make(map[flightKey]uint64)}
}

func (s *streamSource) Take() (Target, uint64, Supply) {
	if s.held == nil {
		select {
		case t, ok := <-s.in:
			if !ok {
				return Target{}, 0, TheEnd
			}
			s.held = &t
		default:
			return Target{}, 0, Later
		}
	}
	t := *s.held
	key := flightKey{t.Addr, t.Port, s.mac.Port(t.Addr, t.Port) % s.ports}
	// The same host and port under another name takes another port of ours.
	for tries := uint16(0); ; tries++ {
		if _, taken := s.known[key]; !t.Addr.IsValid() || !taken && !(s.busy != nil && s.busy(key.addr, key.port, key.local)) {
			break
		}
		if tries == s.ports {
			return Target{}, 0, Later
		}
		key.local = (key.local + 1) % s.ports
	}
	s.zones = s.zones || t.Addr.Zone() != ""
	n := s.next
	s.next++
	s.held = nil
	s.flying[n] = flight{t, key.local}
	if t.Addr.IsValid() {
		s.known[key] = n
	}
	return t.Target, n, More
}

func (s *streamSource) At(n uint64) Target { return s.flying[n].Target }

func (s *streamSource) LeftOut(n uint64) bool {
	f := s.flying[n]
	return f.leftOut()
}

// Failure is why a target has no address.
func (s *streamSource) Failure(n uint64) string { return s.flying[n].failure }

func (s *streamSource) Port(n uint64, _ *Target) uint16 { return s.flying[n].local }

func (s *streamSource) Find(a netip.Addr, port, local uint16) (uint64, bool) {
	n, ok := s.known[flightKey{a, port, local}]
	return n, ok
}

func (s *streamSource) Zoned() bool { return s.zones }

func (s *streamSource) Release(n uint64) {
	f := s.flying[n]
	delete(s.flying, n)
	delete(s.known, flightKey{f.Addr, f.Port, f.local})
}

// chainSource is a space, and then a stream.
type chainSource struct {
	space  *spaceSource // nil: none
	stream *streamSource
	count  uint64 // of the space's targets
}

func newChain(space *spaceSource, stream *streamSource) *chainSource {
	c := &chainSource{space: space, stream: stream}
	if space != nil && space.first < space.space.Probed() {
		c.count = (space.space.Probed()-space.first-1)/space.step + 1
	}
	return c
}

func (c *chainSource) Take() (Target, uint64, Supply) {
	if c.count > 0 && c.space.next < c.count {
		return c.space.Take()
	}
	if c.stream == nil {
		return Target{}, 0, TheEnd
	}
	t, n, s := c.stream.Take()
	return t, n + c.count, s
}

func (c *chainSource) At(n uint64) Target {
	if n < c.count {
		return c.space.At(n)
	}
	return c.stream.At(n - c.count)
}

func (c *chainSource) Failure(n uint64) string {
	if n < c.count || c.stream == nil {
		return ""
	}
	return c.stream.Failure(n - c.count)
}

func (c *chainSource) LeftOut(n uint64) bool {
	return n >= c.count && c.stream != nil && c.stream.LeftOut(n-c.count)
}

func (c *chainSource) Port(n uint64, t *Target) uint16 {
	if n < c.count {
		return c.space.Port(n, t)
	}
	return c.stream.Port(n-c.count, t)
}

func (c *chainSource) Find(a netip.Addr, port, local uint16) (uint64, bool) {
	if c.count > 0 {
		if n, ok := c.space.Find(a, port, local); ok && n < c.count {
			return n, ok
		}
	}
	if c.stream == nil {
		return 0, false
	}
	n, ok := c.stream.Find(a, port, local)
	return n + c.count, ok
}

func (c *chainSource) Avoid(busy func(netip.Addr, uint16, uint16) bool) {
	if c.stream != nil {
		c.stream.busy = busy
	}
}

func (c *chainSource) Zoned() bool { return c.stream != nil && c.stream.Zoned() }

func (c *chainSource) Release(n uint64) {
	if n >= c.count {
		c.stream.Release(n - c.count)
	}
}
