package route

import (
	"fmt"
	"net/netip"
)

// Mark is the socket mark (SO_MARK) on what the raw link sends, so that a
// netfilter guard can spare our own RSTs. It keeps clear of the bits that
// common routing and container set-ups match on.
const Mark = 0x53

// CheckRaw says whether what the raw link sends to remote takes route r, which
// is the connection's. The kernel routes it, and sees neither protocol nor ports
// in what a raw socket sends with an IP header of its own, but a mark: so rules
// may have chosen otherwise for a connection. The error wraps ErrNoRoute.
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
