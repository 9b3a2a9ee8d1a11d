// Whether raw sockets take the same route as a connection.

package route

import (
	"fmt"
	"net/netip"
)

// Mark is the socket mark (SO_MARK) on what the raw link sends, so that a
// netfilter guard can let our own RSTs pass. It avoids the bits that common
// routing and container set-ups match on.
const Mark = 0x53

// CheckRaw checks that what the raw link sends to remote takes r, the
// connection's route. The kernel routes it, but of a raw socket with its own IP
// headers it sees a mark, and neither protocol nor ports, so that rules may
// choose another route. The error then wraps ErrNoRoute.
func CheckRaw(r Route, remote netip.Addr) error {
	if r.Loopback || !r.NextHop.IsValid() {
		return nil
	}
	q := routeQuery{remote: remote.Unmap().WithZone(""), source: r.Source, iface: r.Index, mark: Mark, raw: true}
	found, err := q.ask()
	hop := q.remote
	if found.gateway.IsValid() {
		hop = found.gateway
	}
	if err == nil && found.iface == r.Index && hop == r.NextHop {
		return nil
	}
	return fmt.Errorf("%w to %v by %s and %v for the raw link: a rule that looks at protocol, ports or mark sends connections that way, and not what a raw socket sends (ip rule); use the packet link",
		ErrNoRoute, remote, r.Interface, r.NextHop)
}
