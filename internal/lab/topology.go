// What a lab consists of, as data, and what is wrong with it.

package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/netem"
)

// A Topology says what a lab consists of: nodes, links between them, and what
// answers where. It is plain data, as a topology file holds it; the tags are
// the file's words.
type Topology struct {
	Name  string       `yaml:"name"`
	About string       `yaml:"about,omitempty"` // a line for people
	Seed  uint64       `yaml:"seed,omitempty"`  // of all impairments
	Nodes []NodeConfig `yaml:"nodes"`           // the first is where commands run
	Links []LinkConfig `yaml:"links"`
}

// A NodeConfig is one host.
type NodeConfig struct {
	Name string `yaml:"name"`
	// Owns are networks of which the node is every address.
	Owns     []netip.Prefix    `yaml:"owns,omitempty"`
	Services []service.Service `yaml:"services,omitempty"`
}

// A LinkConfig joins two nodes.
type LinkConfig struct {
	Ends []End `yaml:"ends"`          // two
	MTU  int   `yaml:"mtu,omitempty"` // of the interfaces, in bytes; 0: 1500

	netem.Impairment `yaml:",inline"`
}

// An End is one node's side of a link.
type End struct {
	Node      string         `yaml:"node"`
	Addresses []netip.Prefix `yaml:"addresses"` // each with the length of the link's network
}

// nodeName is what may name a node: also an interface (IFNAMSIZ) and a host.
var nodeName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,14}$`)

// Bounds of a topology.
const (
	maxNodes    = 64
	maxLinks    = 128
	maxServices = 256
	minMTU      = 68 // RFC 791
	maxMTU      = 65535
)

// Check says what is wrong with a topology, in a sentence for each thing.
func (t *Topology) Check() error {
	var errs []error
	if len(t.Nodes) == 0 {
		errs = append(errs, errors.New("there are no nodes"))
	}
	if len(t.Nodes) > maxNodes || len(t.Links) > maxLinks {
		return errors.Join(append(errs, fmt.Errorf("%d nodes and %d links: at most %d and %d", len(t.Nodes), len(t.Links), maxNodes, maxLinks))...)
	}
	errs = append(errs, t.checkTexts()...)
	errs = append(errs, t.checkNodes()...)
	for i, l := range t.Links {
		if len(l.Ends) != 2 {
			return errors.Join(append(errs, fmt.Errorf("links[%d].ends: %d, expected two", i, len(l.Ends)))...)
		}
	}
	errs = append(errs, t.checkJoints()...)
	for i := range t.Links {
		errs = append(errs, t.checkLink(i)...)
	}
	for i := range t.Nodes {
		errs = append(errs, t.checkNetworks(i)...)
		errs = append(errs, t.checkOwned(i)...)
		errs = append(errs, t.checkPlaces(i, &t.Nodes[i])...)
	}
	return errors.Join(errs...)
}

// checkNodes says what is wrong with nodes' names, and with services by
// themselves.
func (t *Topology) checkNodes() (errs []error) {
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	names := map[string]bool{}
	services := 0
	for i, n := range t.Nodes {
		switch {
		case !nodeName.MatchString(n.Name):
			wrong("nodes[%d].name %q: 1 to 15 of a-z, 0-9 and -, a letter first", i, n.Name)
		case n.Name == "lo" || names[n.Name]:
			wrong("nodes[%d].name: %q is taken", i, n.Name)
		}
		names[n.Name] = true
		services += len(n.Services)
		for j := range n.Services {
			if err := n.Services[j].Check(); err != nil {
				wrong("nodes[%d].services[%d]: %w", i, j, err)
			}
			if n.Services[j].Port == 0 {
				wrong("nodes[%d].services[%d].port: the port is missing", i, j)
			}
		}
	}
	if services > maxServices {
		wrong("%d services: at most %d", services, maxServices)
	}
	return errs
}

// checkJoints says which links join what is not there or is joined already, and
// which addresses stand twice.
func (t *Topology) checkJoints() (errs []error) {
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	taken := map[netip.Addr]string{}
	joined := map[[2]string]bool{}
	for i, l := range t.Links {
		for _, e := range l.Ends {
			if !slices.ContainsFunc(t.Nodes, func(n NodeConfig) bool { return n.Name == e.Node }) {
				wrong("links[%d]: there is no node %q", i, e.Node)
			}
			for _, p := range e.Addresses {
				if other, ok := taken[p.Addr()]; ok {
					wrong("links[%d]: %v is an address of %s already", i, p.Addr(), other)
				}
				taken[p.Addr()] = e.Node
			}
		}
		a, b := l.Ends[0].Node, l.Ends[1].Node
		if a == b {
			wrong("links[%d] joins %q with itself", i, a)
		}
		if joined[[2]string{a, b}] || joined[[2]string{b, a}] {
			wrong("links[%d]: %q and %q are joined already", i, a, b)
		}
		joined[[2]string{a, b}] = true
	}
	return errs
}

// checkLink says what is wrong with a link by itself.
func (t *Topology) checkLink(i int) []error {
	l := &t.Links[i]
	errs := t.checkAddresses(i)
	if err := l.Impairment.Check(); err != nil {
		errs = append(errs, fmt.Errorf("links[%d].%w", i, err))
	}
	v6 := firstOf(l.Ends[0].Addresses, false).IsValid() || firstOf(l.Ends[1].Addresses, false).IsValid()
	switch {
	case l.MTU == 0:
	case l.MTU < minMTU || l.MTU > maxMTU:
		errs = append(errs, fmt.Errorf("links[%d].mtu: %d, expected %d to %d", i, l.MTU, minMTU, maxMTU))
	case v6 && l.MTU < netns.MinMTU6:
		errs = append(errs, fmt.Errorf("links[%d].mtu: %d, and IPv6 needs %d (RFC 8200)", i, l.MTU, netns.MinMTU6))
	}
	return errs
}

// checkOwned says which addresses of others lie in the networks that a node is
// every address of: what it sent to them would come back to it.
func (t *Topology) checkOwned(i int) (errs []error) {
	n := &t.Nodes[i]
	for _, l := range t.Links {
		for _, e := range l.Ends {
			for _, a := range e.Addresses {
				holds := func(p netip.Prefix) bool { return p.Contains(a.Addr()) }
				if j := slices.IndexFunc(n.Owns, holds); j >= 0 && e.Node != n.Name {
					errs = append(errs, fmt.Errorf("nodes[%d].owns: %v holds %v, an address of %s: give the links another network", i, n.Owns[j], a.Addr(), e.Node))
				}
			}
		}
	}
	return errs
}

// checkPlaces says which services of a node answer where it is not, or where
// another does.
func (t *Topology) checkPlaces(i int, n *NodeConfig) (errs []error) {
	own := slices.Clone(n.Owns)
	for _, l := range t.Links {
		for _, e := range l.Ends {
			for _, p := range e.Addresses {
				if e.Node == n.Name {
					own = append(own, netip.PrefixFrom(p.Addr(), p.Addr().BitLen()))
				}
			}
		}
	}
	type place struct {
		port uint16
		at   netip.Prefix // the zero value: everywhere
	}
	taken := map[place]int{}
	for j, s := range n.Services {
		places := []netip.Prefix{{}}
		if len(s.At) > 0 {
			places = s.At
		}
		port := s.Port
		if s.Routed() {
			port = 0 // nothing of these addresses answers, at any port
		}
		for _, at := range places {
			switch {
			case at.IsValid() && !slices.ContainsFunc(own, at.Overlaps):
				errs = append(errs, fmt.Errorf("nodes[%d].services[%d].at: %v is no address of %s", i, j, at, n.Name))
			case s.Routed() && !slices.ContainsFunc(n.Owns, func(p netip.Prefix) bool { return p.Bits() <= at.Bits() && p.Contains(at.Addr()) }):
				errs = append(errs, fmt.Errorf("nodes[%d].services[%d].at: %v can only be %s as part of a network in nodes[%d].owns", i, j, at, s.Kind, i))
			}
			here := place{port, at.Masked()}
			if other, ok := taken[here]; ok && port == 0 {
				errs = append(errs, fmt.Errorf("nodes[%d].services[%d].at: every port of %v is services[%d]'s already", i, j, at, other))
			} else if ok {
				errs = append(errs, fmt.Errorf("nodes[%d].services[%d]: port %d is services[%d]'s already", i, j, port, other))
			}
			taken[here] = j
		}
	}
	return errs
}

// interfaceName is what the interface is called that a node has on a link: as
// the node where that is its only one, as the neighbour otherwise.
func (t *Topology) interfaceName(node, neighbour string) string {
	links := 0
	for _, l := range t.Links {
		if l.Ends[0].Node == node || l.Ends[1].Node == node {
			links++
		}
	}
	if links == 1 {
		return node
	}
	return neighbour
}

// LinkName is what a link is called: its two nodes, "near-far".
func (c *LinkConfig) LinkName() string { return c.Ends[0].Node + "-" + c.Ends[1].Node }

// FindLink is the number of the link of a name; the nodes may be in either
// order.
func (t *Topology) FindLink(name string) (int, error) {
	found, names := -1, []string{}
	for i := range t.Links {
		c := &t.Links[i]
		names = append(names, c.LinkName())
		if name != c.LinkName() && name != c.Ends[1].Node+"-"+c.Ends[0].Node {
			continue
		}
		if found >= 0 {
			return -1, fmt.Errorf("%q names two links: give the nodes names without hyphens", name)
		}
		found = i
	}
	if found < 0 {
		return -1, fmt.Errorf("there is no link %q: there are %s", name, strings.Join(names, ", "))
	}
	return found, nil
}
