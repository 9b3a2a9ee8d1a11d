// How every node reaches every network of the lab.

package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab/netns"
)

// route lets every node reach every network of the lab: through the fewest
// nodes, which forward.
func (l *Lab) route() error {
	for _, n := range l.nodes {
		for _, p := range n.owns {
			if err := n.own(p); err != nil {
				return err
			}
		}
	}
	for _, n := range l.nodes {
		if err := n.routes(); err != nil {
			return err
		}
	}
	return nil
}

// own makes every address of a network the node's.
func (n *Node) own(p netip.Prefix) error {
	if p.Addr().Is6() && !n.addr6.IsValid() {
		return nil // a lab without IPv6
	}
	h, err := n.space.Netlink()
	if err != nil {
		return err
	}
	defer h.Close()
	lo, err := h.LinkByName("lo")
	if err == nil {
		err = h.RouteAdd(&netlink.Route{
			Dst: netns.IPNet(p.Masked()), LinkIndex: lo.Attrs().Index,
			Type: unix.RTN_LOCAL, Table: unix.RT_TABLE_LOCAL, Scope: netlink.SCOPE_HOST,
		})
	}
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("make %v %s's own: %w", p, n.name, err)
	}
	return nil
}

// forward makes the node a router.
func (n *Node) forward() error {
	for _, name := range []string{"ipv4/ip_forward", "ipv6/conf/all/forwarding"} {
		err := n.space.Sysctl(name, "1")
		if err != nil && !(name[3] == '6' && errors.Is(err, os.ErrNotExist)) {
			return fmt.Errorf("make %s forward: %w", n.name, err)
		}
	}
	return nil
}

// manyConnections lifts the bounds on connections that wait to be accepted, as
// far as this kernel lets a namespace have its own.
func (n *Node) manyConnections() {
	for name, value := range map[string]string{
		"core/somaxconn": "65536", "ipv4/tcp_max_syn_backlog": "65536", "ipv4/tcp_syncookies": "1",
	} {
		_ = n.space.Sysctl(name, value)
	}
}

// networks are those of an IP version that are reached at the node itself.
func (n *Node) networks(v4 bool) (list []netip.Prefix) {
	all := slices.Clone(n.owns)
	for _, p := range n.ports {
		all = append(all, p.addresses...)
	}
	for _, p := range all {
		if p.Addr().Is4() == v4 {
			list = append(list, p.Masked())
		}
	}
	return list
}

// routes adds the node's routes to all networks that are not on its links.
func (n *Node) routes() error {
	h, err := n.space.Netlink()
	if err != nil {
		return err
	}
	defer h.Close()
	for _, v4 := range []bool{true, false} {
		if err := n.routesOf(h, v4); err != nil {
			return err
		}
	}
	return nil
}

// routesOf adds those of an IP version, breadth first: a network is reached
// through the neighbour over which it was found first.
func (n *Node) routesOf(h *netlink.Handle, v4 bool) error {
	known := map[netip.Prefix]bool{}
	for _, p := range n.networks(v4) {
		known[p] = true
	}
	type found struct{ node, via *Node }
	seen := map[*Node]bool{n: true}
	queue := []found{{n, nil}}
	for ; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		for _, p := range at.node.networks(v4) {
			if known[p] {
				continue
			}
			known[p] = true
			hop, _ := n.hopTo(at.via, v4) // or it would not be a neighbour
			if err := h.RouteAdd(&netlink.Route{Dst: netns.IPNet(p), Gw: hop.AsSlice()}); err != nil {
				return fmt.Errorf("route %v from %s through %s: %w", p, n.name, at.via.name, err)
			}
		}
		for _, next := range at.node.neighbours(v4) {
			if seen[next] {
				continue
			}
			seen[next] = true
			via := at.via
			if via == nil {
				via = next
			}
			queue = append(queue, found{next, via})
		}
	}
	return nil
}

// neighbours are the nodes on the node's links that it can send to by an IP
// version, and they to it.
func (n *Node) neighbours(v4 bool) (list []*Node) {
	for _, p := range n.ports {
		_, to := n.hopTo(p.peer.node, v4)
		_, from := p.peer.node.hopTo(n, v4)
		if to && from {
			list = append(list, p.peer.node)
		}
	}
	return list
}

// hopTo is a neighbour's address on the link that leads there.
func (n *Node) hopTo(to *Node, v4 bool) (netip.Addr, bool) {
	for _, p := range n.ports {
		if p.peer.node != to {
			continue
		}
		for _, a := range p.peer.addresses {
			if a.Addr().Is4() == v4 && (v4 || to.addr6.IsValid()) {
				return a.Addr(), true
			}
		}
	}
	return netip.Addr{}, false
}
