// Package supply gives a scan's loops their targets, and each a number: those of a space
// in the order of a permutation, and those of lists and names as they are read.
package supply

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
	Tag  string // the user's own, passed through to the result
}

// String is the target as a list has it: the address and port, and the name.
func (t Target) String() string {
	s := netip.AddrPortFrom(t.Addr, t.Port).String()
	if t.Name != "" {
		s = fmt.Sprintf("%v,%s,%s,%d", t.Addr, t.Name, t.Tag, t.Port)
	}
	return s
}

// A Source gives a loop its targets. It numbers them 0, 1, 2, … as they are
// taken, and finds a number again from the answer.
type Source interface {
	// Take gives the next target and its number.
	Take() (Target, uint64, Supply)
	// At is a target that was taken and not released.
	At(n uint64) Target
	// Port is our port for a target, as an offset into the loop's slice.
	Port(n uint64, t *Target) uint16
	// Find is the number of the target that an answer comes from.
	Find(a netip.Addr, port, local uint16) (n uint64, ok bool)
	// Avoid has no target begin from a port of ours that is in use to its address and
	// port. Those of a space have none to share them with.
	Avoid(busy func(a netip.Addr, port, local uint16) bool)
	// Zoned reports whether targets have had zones.
	Zoned() bool
	// Failure is why a target that was taken has no address, or empty.
	Failure(n uint64) string
	// LeftOut reports whether there is only a target's place, and no target.
	LeftOut(n uint64) bool
	// Release forgets a target.
	Release(n uint64)
}

// A Supply says whether a source has a target.
type Supply uint8

const (
	More   Supply = iota
	Later         // none now
	TheEnd        // none any more
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

func (s *spaceSource) Take() (Target, uint64, Supply) {
	if s.position(s.next) >= s.space.Probed() {
		return Target{}, 0, TheEnd
	}
	n := s.next
	s.next++
	return s.At(n), n, More
}

func (s *spaceSource) At(n uint64) Target {
	a, port := s.space.At(s.order.At(s.position(n)))
	return Target{Addr: a, Port: port, Name: s.name}
}

func (s *spaceSource) Port(_ uint64, t *Target) uint16 {
	return s.mac.Port(t.Addr, t.Port) % s.ports
}

func (s *spaceSource) Find(a netip.Addr, port, local uint16) (uint64, bool) {
	i, ok := s.space.Index(a, port)
	if !ok || s.mac.Port(a, port)%s.ports != local {
		return 0, false
	}
	return s.number(s.order.Position(i))
}

// A Part says which of all targets are a loop's.
type Part struct {
	Shard, Shards uint64 // one of so many shards; 0 of 0 is all
	Loop, Loops   int    // and in it one of so many loops
}

// share is what a loop has of the space.
func (p *Part) share() share {
	shards := max(p.Shards, 1)
	return share{p.Shard + shards*uint64(p.Loop), shards * uint64(p.Loops)}
}

// New is a loop's source: its part of a space, all under one name and in the order that
// the seed gives, and then what is dealt out to it. Either may be missing. Our ports are a function
// of the target, as the MAC has it.
func New(space *targets.Space, seed uint64, name string, p Part, d *Distributor, m *syn.MAC, ports uint16) Source {
	var numbered *spaceSource
	if space != nil && space.Len() > 0 {
		numbered = &spaceSource{share: p.share(), space: space, order: targets.NewPermutation(space.Len(), seed), name: name, mac: m, ports: ports}
	}
	var stream *streamSource
	if d != nil {
		stream = newStreamSource(d.add(), share{uint64(p.Loop), uint64(p.Loops)}, m, ports)
	}
	return newChain(numbered, stream)
}
