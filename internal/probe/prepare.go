// What a loop opens before its first packet.

package probe

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/rawtcp/link"
)

// findRoutes makes the table of routes from the loop's ports.
func (l *loop) findRoutes() {
	l.useRoutes(routes.New(routes.Options{Via: l.o.Via, Kind: l.o.Link, ECN: l.o.ECN, Ring: l.o.Ring, Wrap: l.o.Wrap, First: l.ports.first, Ports: l.ports.count,
		May: l.egress.takePacket, MayAnswer: l.egress.replies.take, Forbidden: l.results.sink.Fail, Moved: l.connections.moved}))
}

// useRoutes has the loop reach its targets by a table.
func (l *loop) useRoutes(t *routes.Table) { l.routes, l.syns.routes = t, t }

// openPaths finds the routes that are needed from the beginning, and asks their
// gateways: what cannot be reached at all is reported before the first packet.
func (l *loop) openPaths(ctx context.Context) error {
	if err := l.routes.Watch(); err != nil {
		return err
	}
	if l.o.Space == nil || l.o.Space.Len() == 0 {
		// The targets are not known yet. Whether this machine allows the
		// sockets is known now.
		return link.Allowed()
	}
	var examples []routes.Flow
	for _, six := range []bool{false, true} {
		if a, ports := l.o.Space.Example(six); a.IsValid() {
			examples = append(examples, l.reachable(a, ports))
		}
	}
	err := l.routes.Open(ctx, examples, l.awaitPace)
	if l.o.Space.Len() <= maxUnrouted && (errors.Is(err, link.ErrNoNeighbour) || slices.ContainsFunc(examples, l.routes.Unrouted)) {
		return link.Allowed()
	}
	return err
}

// maxUnrouted is how many targets without a route have a result each, as they have in a
// list. A scan of nothing but such targets, and more of them, does not begin.
const maxUnrouted = 256

// reachable is the flow to one of an address's ports: the first that there is a
// route to, since rules may choose by port.
func (l *loop) reachable(a netip.Addr, ports []uint16) routes.Flow {
	for _, port := range ports {
		f := routes.Flow{To: a, Remote: port, Local: l.ports.first}
		if l.routes.Of(f).Err == nil {
			return f
		}
	}
	return routes.Flow{To: a, Remote: ports[0], Local: l.ports.first}
}

// awaitPace waits until a packet may leave, and takes it.
func (l *loop) awaitPace(ctx context.Context) {
	for !l.egress.takePacket() && ctx.Err() == nil {
		time.Sleep(min(l.egress.pace.Wait(0), pause))
		l.egress.pace.Fill(l.instant())
	}
}

// pause is how long a loop sleeps that can do nothing.
const pause = 10 * time.Millisecond
