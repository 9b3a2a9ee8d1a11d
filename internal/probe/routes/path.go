// An interface and an address of this machine, with the link on it.

package routes

import (
	"fmt"
	"net/netip"

	"github.com/rawshake/rawshake/internal/probe/neighbours"
	"github.com/rawshake/rawshake/internal/probe/syn"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// A Path is an interface of this machine and an address on it through which targets are
// reached, with the link on which packets leave and arrive.
type Path struct {
	syn.Packets
	Link       link.Ring
	Witness    bool              // it sees the kernel's RSTs
	First      uint16            // of our ports
	Route      route.Route       // the first that led through it
	Neighbours *neighbours.Table // nil: there are none to look up

	hop     link.Hop                // of all targets, then
	written map[netip.Addr]link.Hop // those that are not looked up
}

// maxPaths bounds the interfaces and addresses of this machine that a scan uses: each
// has a receive ring.
const maxPaths = 16

// pathBy is the path of a route, opened if the route is the first on it.
func (t *Table) pathBy(r route.Route, kind link.Kind) (*Path, error) {
	for _, p := range t.Paths {
		if p.serves(r) && p.Link.Kind() == kind {
			return p, nil
		}
	}
	if len(t.Paths) == maxPaths {
		return nil, fmt.Errorf("%w by %s from %v: this scan leaves by %d other interfaces and addresses already; probe what is there in a scan of its own",
			route.ErrNoRoute, r.Interface, r.Source, maxPaths)
	}
	p, err := t.openPath(r, kind)
	if err != nil {
		return nil, err
	}
	t.Paths = append(t.Paths, p)
	return p, nil
}

// serves reports whether a path can serve a route. An IPv6 next hop of an IPv4 route is
// looked up differently from an IPv4 one.
func (p *Path) serves(r route.Route) bool {
	was := &p.Route
	return was.Index == r.Index && p.Local == r.Source && was.MTU == r.MTU && was.AdvMSS == r.AdvMSS && was.Loopback == r.Loopback &&
		was.NextHop.Is4() == r.NextHop.Is4()
}

// openPath opens the link of a route.
func (t *Table) openPath(r route.Route, kind link.Kind) (*Path, error) {
	p := &Path{Packets: syn.NewPackets(r.Source, mssOf(r), t.ECN), Route: r, First: t.First}
	if kind == link.KindPacket || kind == link.KindXDP {
		if r.Loopback {
			return nil, fmt.Errorf("%w to this machine itself through the %s link; use --link raw, or auto", route.ErrNoRoute, kind)
		}
		if err := p.findNeighbours(t.May); err != nil {
			return nil, err
		}
	}
	if err := p.openLink(&t.Options, kind); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// mssOf is the MSS that a route allows.
func mssOf(r route.Route) uint16 {
	headers := 40 // IPv4's and TCP's (RFC 9293, section 3.7.1)
	if r.Source.Is6() {
		headers = 60
	}
	mss := uint16(r.MTU - headers)
	if r.AdvMSS > 0 {
		mss = uint16(min(int(mss), r.AdvMSS))
	}
	return mss
}

// findNeighbours prepares the lookup of link-layer addresses, if the interface needs
// them.
func (p *Path) findNeighbours(may func() bool) error {
	hop, fixed, err := link.FixedHop(p.Route)
	if fixed || err != nil {
		p.hop = hop
		return err
	}
	a, err := link.OpenAsker(p.Route)
	if err == nil {
		p.Neighbours = neighbours.New(a, link.Neighbours(p.Route), may)
		p.written = link.WrittenNeighbours(p.Route)
	}
	return err
}

func (p *Path) openLink(o *Options, kind link.Kind) (err error) {
	p.Link, err = link.OpenRing(link.RingOptions{Kind: kind, Route: p.Route, Local: p.Local, Port: o.First, Ports: o.Ports, Ring: o.Ring, MayAnswer: o.MayAnswer})
	p.Witness = err == nil && p.Link.Witness()
	if err == nil && o.Wrap != nil {
		p.Link = o.Wrap(p.Link)
	}
	return err
}

// Stats are the counters of all links, including those that are closed.
func (t *Table) Stats() link.RingStats {
	s := t.past
	for _, p := range t.Paths {
		s.Add(p.Link.Stats())
	}
	return s
}

// Close closes all links.
func (t *Table) Close() {
	t.closePaths()
	if t.watch != nil {
		t.watch.Close()
		t.watch = nil
	}
}

// closePaths closes them all, and keeps their counters.
func (t *Table) closePaths() {
	for _, p := range t.Paths {
		t.past.Add(p.Link.Stats())
		p.close()
	}
	t.Paths = nil
}

func (p *Path) close() {
	if p.Link != nil {
		p.Link.Close()
	}
	if p.Neighbours != nil {
		p.Neighbours.Close()
	}
}
