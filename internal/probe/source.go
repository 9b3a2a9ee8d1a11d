package probe

import (
	"fmt"
	"net/netip"

	"github.com/rawshake/rawshake/internal/probe/syn"
	"github.com/rawshake/rawshake/internal/probe/targets"
)

// A Target is one host and port to be probed.
type Target struct {
	Addr netip.Addr
	Port uint16
	Name string // for server_name and the certificate; empty: none
	Tag  string // the person's own, passed through to the result
}

// String is the target as a list has it: the address and port, and the name.
func (t Target) String() string {
	s := netip.AddrPortFrom(t.Addr, t.Port).String()
	if t.Name != "" {
		s = fmt.Sprintf("%v,%s,%s,%d", t.Addr, t.Name, t.Tag, t.Port)
	}
	return s
}

// A source gives a loop its targets. It numbers them 0, 1, 2, … as they are
// taken, and knows a number again by the answer.
type source interface {
	// take gives the next target and its number.
	take() (Target, uint64, supply)
	// at is a target that was taken and not released.
	at(n uint64) Target
	// port is our port for a target, as an offset into the loop's slice.
	port(n uint64, t *Target) uint16
	// find is the number of the target that an answer comes from.
	find(a netip.Addr, port, local uint16) (n uint64, ok bool)
	// zoned reports whether targets have had zones.
	zoned() bool
	// failure is why a target that was taken has no address, or empty.
	failure(n uint64) string
	// leftOut says that there is no target, only its place.
	leftOut(n uint64) bool
	// release forgets a target.
	release(n uint64)
}

// supply says whether a source has a target.
type supply uint8

const (
	more   supply = iota
	later         // none now
	theEnd        // none any more
)

// A share is the part of all positions that a loop has: the shard's, dealt out
// among the loops.
type share struct{ first, step uint64 }

func (s share) position(n uint64) uint64 { return s.first + n*s.step }

func (s share) number(position uint64) (uint64, bool) {
	if position < s.first || (position-s.first)%s.step != 0 {
		return 0, false
	}
	return (position - s.first) / s.step, true
}

// spaceSource is a numbered space in the order of a permutation. It keeps
// nothing of what it gave out.
type spaceSource struct {
	share
	space *targets.Space
	order *targets.Permutation
	name  string // the same for all
	next  uint64
	mac   *syn.MAC
	ports uint16
}

func (s *spaceSource) take() (Target, uint64, supply) {
	if s.position(s.next) >= s.space.Len() {
		return Target{}, 0, theEnd
	}
	n := s.next
	s.next++
	return s.at(n), n, more
}

func (s *spaceSource) at(n uint64) Target {
	a, port := s.space.At(s.order.At(s.position(n)))
	return Target{Addr: a, Port: port, Name: s.name}
}

func (s *spaceSource) port(_ uint64, t *Target) uint16 {
	return s.mac.Port(t.Addr, t.Port) % s.ports
}

func (s *spaceSource) find(a netip.Addr, port, local uint16) (uint64, bool) {
	i, ok := s.space.Index(a, port)
	if !ok || s.mac.Port(a, port)%s.ports != local {
		return 0, false
	}
	return s.number(s.order.Position(i))
}

// shareOf is what a loop has of a shard.
func shareOf(shard, shards uint64, loop, loops int) share {
	shards = max(shards, 1)
	return share{shard + shards*uint64(loop), shards * uint64(loops)}
}
