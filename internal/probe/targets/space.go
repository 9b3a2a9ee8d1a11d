// A numbered space of targets.

package targets

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
)

// A Space is a numbered set of address and port pairs. It is not changed once
// it is built, and may be shared.
type Space struct {
	blocks []block // by group, and in a group by address
	groups []group
	total  uint64
	sample uint64
}

// A group is the blocks that have the same ports.
type group struct {
	from, to int // in blocks
	ports    []uint16
}

// A block is a run of addresses with the same ports.
type block struct {
	first number
	count uint64 // addresses
	ports []uint16
	start uint64 // number of its first target
}

// Len is how many targets there are.
func (s *Space) Len() uint64 { return s.total }

// Sample lets only n of the targets be probed, the first of the order; 0: all.
func (s *Space) Sample(n uint64) { s.sample = n }

// Probed is how many of the targets are probed.
func (s *Space) Probed() uint64 {
	if s.sample > 0 {
		return min(s.sample, s.total)
	}
	return s.total
}

// At is the target with a number below Len.
func (s *Space) At(i uint64) (netip.Addr, uint16) {
	b := &s.blocks[s.find(i)]
	i -= b.start
	n := uint64(len(b.ports))
	return b.first.plus(i / n).addr(), b.ports[i%n]
}

// Example is one of the space's addresses of an IP version, with its ports, if
// there is any; else the zero Addr.
func (s *Space) Example(six bool) (netip.Addr, []uint16) {
	for i := range s.blocks {
		b := &s.blocks[i]
		if a := b.first.plus(b.count / 2).addr(); a.Is6() == six {
			return a, b.ports
		}
	}
	return netip.Addr{}, nil
}

func (s *Space) find(i uint64) int {
	k, _ := slices.BinarySearchFunc(s.blocks, i, func(b block, i uint64) int {
		if b.start+b.count*uint64(len(b.ports)) <= i {
			return -1
		}
		return 1
	})
	return k
}

// Index is the number of a target, if it is one.
func (s *Space) Index(a netip.Addr, port uint16) (uint64, bool) {
	n := numberOf(a)
	for _, g := range s.groups { // they may cover the same addresses
		k := slices.Index(g.ports, port)
		if k < 0 {
			continue
		}
		i, found := slices.BinarySearchFunc(s.blocks[g.from:g.to], n, func(b block, n number) int {
			switch {
			case n.less(b.first):
				return 1
			case b.first.plus(b.count - 1).less(n):
				return -1
			}
			return 0
		})
		if found {
			b := &s.blocks[g.from+i]
			return b.start + n.minus(b.first).lo*uint64(len(b.ports)) + uint64(k), true
		}
	}
	return 0, false
}

// A Refusal counts targets that are not probed, and why.
type Refusal struct {
	What  string // "127.0.0.0/8"
	Why   string // "Loopback"
	Count uint64
}

// Rules are what is left out.
type Rules struct {
	Exclude      Set
	AllowSpecial bool // scan special-purpose addresses too
}

// MaxTargets bounds a space.
const MaxTargets = 1 << 40

// BuildSpace numbers the targets of typed-out ranges: each once, however often
// it is named. Addresses of special-purpose blocks are left out of ranges that
// hold others as well. Specs without ports get the default ones.
func BuildSpace(specs []Spec, ports []uint16, rules *Rules) (*Space, []Refusal, error) {
	byPort := make(map[uint16]*Set)
	count := newRefusals()
	for _, spec := range specs {
		p := spec.Ports
		if len(p) == 0 {
			p = ports
		}
		set, err := rules.apply(spec.Range, uint64(len(p)), count)
		if err != nil {
			return nil, nil, err
		}
		for _, port := range p {
			if byPort[port] == nil {
				byPort[port] = new(Set)
			}
			for _, r := range set.runs {
				byPort[port].add(r)
			}
		}
	}
	s, err := numbered(byPort)
	return s, count.list, err
}

// apply is what the rules leave of a range.
func (rules *Rules) apply(r Range, ports uint64, count *refusals) (*Set, error) {
	var set Set
	set.Add(r)
	if n, ok := set.Count(); !ok || n > MaxTargets {
		return nil, fmt.Errorf("%v-%v holds more than %d addresses: probe a part of it", r.First, r.Last, uint64(MaxTargets))
	}
	left := &set
	for i := range specials {
		sp := &specials[i]
		inside := sp.Prefix.Contains(r.First) && sp.Prefix.Contains(r.Last)
		if (inside || rules.AllowSpecial) && !sp.never {
			continue
		}
		left = count.cut(left, sp.set(), sp.Prefix.String(), sp.Name, ports)
	}
	return count.cut(left, &rules.Exclude, "excluded", "by --exclude or --exclude-file", ports), nil
}

type refusals struct{ list []Refusal }

func newRefusals() *refusals { return &refusals{} }

// cut takes the addresses of b from a, and counts them.
func (c *refusals) cut(a, b *Set, what, why string, ports uint64) *Set {
	if lost, _ := a.and(b).Count(); lost > 0 {
		c.add(what, why, lost*ports)
		return a.without(b)
	}
	return a
}

func (c *refusals) add(what, why string, n uint64) {
	for i := range c.list {
		if c.list[i].What == what && c.list[i].Why == why {
			c.list[i].Count += n
			return
		}
	}
	c.list = append(c.list, Refusal{what, why, n})
}

// numbered gives numbers to what each port has, ports with the same addresses
// together.
func numbered(byPort map[uint16]*Set) (*Space, error) {
	ports := make([]uint16, 0, len(byPort))
	for p := range byPort {
		ports = append(ports, p)
	}
	slices.Sort(ports)
	s := &Space{}
	done := make(map[uint16]bool)
	for i, p := range ports {
		if done[p] {
			continue
		}
		same := []uint16{p}
		for _, q := range ports[i+1:] {
			if slices.Equal(byPort[p].runs, byPort[q].runs) {
				same, done[q] = append(same, q), true
			}
		}
		from := len(s.blocks)
		for _, r := range byPort[p].runs {
			n := r.last.minus(r.first).lo + 1
			s.blocks = append(s.blocks, block{first: r.first, count: n, ports: same, start: s.total})
			s.total += n * uint64(len(same))
			if s.total > MaxTargets {
				return nil, fmt.Errorf("more than %d targets: probe them in parts", uint64(MaxTargets))
			}
		}
		s.groups = append(s.groups, group{from, len(s.blocks), same})
	}
	return s, nil
}

// Describe writes down which targets there are, and in which order.
func (s *Space) Describe(w io.Writer) {
	for _, b := range s.blocks {
		fmt.Fprintln(w, b.first.addr(), b.count, b.ports)
	}
}

// String says how large the space is.
func (s *Space) String() string { return strconv.FormatUint(s.total, 10) + " targets" }
