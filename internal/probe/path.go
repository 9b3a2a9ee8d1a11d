package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/rawshake/rawshake/internal/probe/neighbours"
	"github.com/rawshake/rawshake/internal/probe/syn"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
)

// takePorts takes the loop's ports, on every address of this machine: as many as
// are wished, or, where they are scarce, what there is. No more can be in the way
// later, whatever the targets are reached by.
func (l *loop) takePorts() (err error) {
	if l.guard, err = guard.OpenRange(guard.RangeOptions{Count: l.o.Ports, Least: 1, Hold: true}); err != nil {
		return err
	}
	first, last := l.guard.Ports()
	l.first, l.ports = first, last-first+1
	return nil
}

// openPaths finds the ways that are needed from the beginning, and asks their
// gateways: what cannot be reached at all is said before the first packet.
func (l *loop) openPaths(ctx context.Context) error {
	var err error
	if l.watch, err = link.OpenWatch(); err != nil {
		return err
	}
	if l.o.Space == nil || l.o.Space.Len() == 0 {
		// What comes will tell where it goes. Whether this machine allows the
		// sockets is known now.
		return link.Allowed()
	}
	var examples []flow
	for _, six := range []bool{false, true} {
		if a, ports := l.o.Space.Example(six); a.IsValid() {
			examples = append(examples, l.reachable(a, ports))
		}
	}
	err = l.openWays(ctx, examples)
	if l.o.Space.Len() <= mostResults && (errors.Is(err, link.ErrNoNeighbour) || slices.ContainsFunc(examples, l.unrouted)) {
		return link.Allowed()
	}
	return err
}

// unrouted reports whether the kernel knows no route for a flow. What a link cannot
// do is another matter: the options ask for it.
func (l *loop) unrouted(f flow) bool {
	w := l.ways.of(f)
	return w.err != nil && w.example.to.IsValid()
}

// mostResults is how many targets to which there is no way have a result each, as
// they have in a list. A scan of more would be nothing but these: it does not begin.
const mostResults = 256

// reachable is the flow to one of an address's ports: the first that there is a
// way to, since rules may choose by port.
func (l *loop) reachable(a netip.Addr, ports []uint16) flow {
	for _, port := range ports {
		f := flow{a, port, l.first}
		if l.ways.of(f).err == nil {
			return f
		}
	}
	return flow{a, ports[0], l.first}
}

// openWays opens the ways of these flows.
func (l *loop) openWays(ctx context.Context, list []flow) error {
	for _, f := range list {
		w := l.ways.of(f)
		if w.err != nil {
			return w.err
		}
		if err := l.askGateway(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// askGateway waits for the gateway's link-layer address, and before that for a
// place in the pace.
func (l *loop) askGateway(ctx context.Context, w *way) error {
	if w.path.neighbours == nil || !w.gateway.IsValid() || w.fixed {
		return nil
	}
	for !l.egress.takePacket() && ctx.Err() == nil {
		time.Sleep(min(l.egress.pace.Wait(0), lookEvery))
		l.egress.pace.Fill(l.instant())
	}
	hop, err := link.AskHop(ctx, w.route)
	if err == nil {
		w.path.neighbours.Learn(w.gateway, hop)
	}
	return err
}

// findRoute asks the kernel for the route of a flow.
func (l *loop) findRoute(f flow) (link.Route, error) {
	via := l.o.Via
	via.RemotePort, via.LocalPort = f.remote, f.local
	return link.FindRoute(f.to, via)
}

// openWay opens what a flow's route leads by. What this machine does not allow
// ends the scan.
func (l *loop) openWay(f flow, r link.Route) *way {
	p, err := l.pathBy(r, link.ChooseKind(l.o.Link, r, netip.AddrPortFrom(f.to, f.remote)))
	if err == nil && p.link.Kind() == link.KindRaw {
		err = link.RawRoute(r, f.to)
	}
	if err != nil {
		if errors.Is(err, link.ErrPermission) {
			l.sink.fail(err)
		}
		return &way{err: err}
	}
	w := &way{example: f, route: r, path: p}
	if r.NextHop != f.to.WithZone("") {
		w.gateway = r.NextHop
		w.hop, w.fixed = p.written[w.gateway]
	}
	return w
}

// mostPaths bounds the interfaces and addresses of this machine that a scan
// leaves by: each has a receive ring.
const mostPaths = 16

// pathBy is the path that a route takes, opened if it is the first to take it.
func (l *loop) pathBy(r link.Route, kind link.Kind) (*path, error) {
	for _, p := range l.paths {
		if p.serves(r) && p.link.Kind() == kind {
			return p, nil
		}
	}
	if len(l.paths) == mostPaths {
		return nil, fmt.Errorf("%w by %s from %v: this scan leaves by %d other interfaces and addresses already; probe what is there in a scan of its own",
			link.ErrNoRoute, r.Interface, r.Source, mostPaths)
	}
	p, err := l.openPath(r, kind)
	if err != nil {
		return nil, err
	}
	l.paths = append(l.paths, p)
	return p, nil
}

// serves reports whether a route can be taken by a path. An IPv6 next hop of an
// IPv4 route is asked for in another way than an IPv4 one.
func (p *path) serves(r link.Route) bool {
	was := &p.route
	return was.Index == r.Index && p.Local == r.Source && was.MTU == r.MTU && was.AdvMSS == r.AdvMSS && was.Loopback == r.Loopback &&
		was.NextHop.Is4() == r.NextHop.Is4()
}

// openPath opens the link of a route.
func (l *loop) openPath(r link.Route, kind link.Kind) (*path, error) {
	p := &path{Packets: syn.NewPackets(r.Source, mssOf(r)), route: r, first: l.first, ports: l.ports}
	if kind == link.KindPacket {
		if r.Loopback {
			return nil, fmt.Errorf("%w to this machine itself through the packet link; use --link raw, or auto", link.ErrNoRoute)
		}
		if err := p.findNeighbours(l.egress.takePacket); err != nil {
			return nil, err
		}
	}
	if err := p.openLink(l.o, kind, l.egress.replies.take); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// mssOf is the MSS that a route allows.
func mssOf(r link.Route) uint16 {
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

// findNeighbours readies what finds link-layer addresses, if the interface
// needs them found.
func (p *path) findNeighbours(may func() bool) error {
	hop, fixed, err := link.FixedHop(p.route)
	if fixed || err != nil {
		p.hop = hop
		return err
	}
	a, err := link.OpenAsker(p.route)
	if err == nil {
		p.neighbours = neighbours.New(a, link.Neighbours(p.route), may)
		p.written = link.WrittenNeighbours(p.route)
	}
	return err
}

func (p *path) openLink(o *Options, kind link.Kind, mayAnswer func() bool) (err error) {
	p.link, err = link.OpenRing(link.RingOptions{Kind: kind, Route: p.route, Local: p.Local, Port: p.first, Ports: p.ports, Ring: o.Ring, MayAnswer: mayAnswer})
	p.witness = err == nil && p.link.Witness()
	if err == nil && o.Wrap != nil {
		p.link = o.Wrap(p.link)
	}
	return err
}

// closePaths closes them all. What they have counted is kept.
func (l *loop) closePaths() {
	for _, p := range l.paths {
		l.past.Add(p.link.Stats())
		p.close()
	}
	l.paths = nil
}

func (p *path) close() {
	if p.link != nil {
		p.link.Close()
	}
	if p.neighbours != nil {
		p.neighbours.Close()
	}
}

// A path is an interface of this machine and an address on it by which targets
// are reached.
type path struct {
	syn.Packets
	link       link.Ring
	witness    bool                    // it sees the kernel's RSTs
	first      uint16                  // of the loop's ports
	ports      uint16                  // and how many they are
	hop        link.Hop                // of all targets, where there is nobody to ask
	neighbours *neighbours.Table       // or who finds theirs; nil: nobody
	written    map[netip.Addr]link.Hop // those of whom nobody asks
	route      link.Route
}
