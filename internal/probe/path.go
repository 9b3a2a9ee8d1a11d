package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
)

// openPaths finds the ways that are needed from the beginning.
func (l *loop) openPaths(ctx context.Context) error {
	if l.o.Space == nil || l.o.Space.Len() == 0 {
		// What comes will tell where it goes. Whether this machine allows the
		// sockets is known now.
		return link.Allowed()
	}
	for _, six := range []bool{false, true} {
		a, ok := l.o.Space.Example(six)
		if !ok {
			continue
		}
		p, err := openPath(ctx, l.o, a)
		if err != nil {
			return err
		}
		l.paths[family(a)] = p
	}
	return nil
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// pathTime bounds how long a loop waits for a next hop.
const pathTime = 4 * time.Second

// findPath finds the way to the first target of its IP version. What this
// machine does not allow ends the scan.
func (l *loop) findPath(t *Target) error {
	ctx, cancel := context.WithTimeout(context.Background(), pathTime)
	defer cancel()
	p, err := openPath(ctx, l.o, t.Addr)
	if errors.Is(err, link.ErrPermission) || errors.Is(err, guard.ErrPermission) || errors.Is(err, guard.ErrPortInUse) {
		l.sink.fail(err)
	}
	if err == nil {
		l.paths[family(t.Addr)] = p
	}
	return err
}

// openPath finds the way to addresses like one of them.
func openPath(ctx context.Context, o *Options, to netip.Addr) (*path, error) {
	r, err := link.FindRoute(to, o.Via)
	if err != nil {
		return nil, err
	}
	p := &path{local: r.Source, route: r, ports: uint16(o.Ports)}
	// The raw link leaves it to the kernel to find each neighbour's address; the
	// packet link sends all to one next hop.
	kind, near := o.Link, r.Loopback || r.OnLink(to)
	switch {
	case kind == link.KindPacket && near:
		return nil, fmt.Errorf("%w to %v through the packet link: it sends all targets to one next hop, and these are on %s itself; use --link raw, or auto", link.ErrNoRoute, to, r.Interface)
	case kind != "" && kind != link.KindAuto:
	case near:
		kind = link.KindRaw
	default:
		kind = link.KindPacket
	}
	p.guard, err = guard.OpenRange(guard.RangeOptions{Addrs: []netip.Addr{r.Source}, Count: o.Ports, Hold: true})
	if err != nil {
		return nil, err
	}
	p.first, _ = p.guard.Ports()
	if kind == link.KindPacket {
		if p.hop, err = link.ResolveHop(ctx, r); err != nil {
			p.close()
			return nil, err
		}
	}
	p.link, err = link.OpenRing(link.RingOptions{Kind: kind, Route: r, Local: r.Source, Port: p.first, Ports: p.ports, Ring: o.Ring})
	if err != nil {
		p.close()
		return nil, err
	}
	if o.Wrap != nil {
		p.link = o.Wrap(p.link)
	}
	headers := 40 // IPv4's and TCP's (RFC 9293, section 3.7.1)
	if r.Source.Is6() {
		headers = 60
	}
	p.mss = uint16(r.MTU - headers)
	p.makeSYN()
	return p, nil
}

func (p *path) close() {
	if p == nil {
		return
	}
	if p.link != nil {
		p.link.Close()
	}
	if p.guard != nil {
		p.guard.Close()
	}
}

func (p *path) describe() string {
	return fmt.Sprintf("%s link on %s, from %v ports %d-%d, MTU %d; %s", p.link.Kind(), p.route.Interface, p.local,
		p.first, p.first+p.ports-1, p.route.MTU, p.guard.Describe())
}
