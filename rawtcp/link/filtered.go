// What of this machine may keep our packets from leaving: IPsec policies and
// firewall rules.

package link

import (
	"fmt"
	"net/netip"

	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/vishvananda/netlink"
)

// An IPsecPolicy is what this machine's IPsec requires for packets to an
// address (ip xfrm policy).
type IPsecPolicy struct {
	Block bool   // else it is to be encrypted
	Text  string // which it is, in words
}

// FindIPsecPolicy finds the policy for a TCP connection from source to remote.
// Packets of the packet link bypass it, unencrypted; those of the raw link
// follow it. Without CAP_NET_ADMIN policies cannot be read, and none is known.
func FindIPsecPolicy(source, remote netip.Addr, remotePort uint16) (IPsecPolicy, bool) {
	family := netlink.FAMILY_V4
	if remote.Is6() {
		family = netlink.FAMILY_V6
	}
	list := policies(family)
	var found *netlink.XfrmPolicy
	for i := range list {
		p := &list[i]
		if p.Dir == netlink.XFRM_DIR_OUT && selects(p, source, remote, remotePort) && (found == nil || p.Priority < found.Priority) {
			found = p
		}
	}
	if found == nil || found.Action == netlink.XFRM_POLICY_ALLOW && len(found.Tmpls) == 0 {
		return IPsecPolicy{}, false
	}
	to := "everywhere"
	if found.Dst != nil {
		to = found.Dst.String()
	}
	if found.Action == netlink.XFRM_POLICY_BLOCK {
		return IPsecPolicy{true, fmt.Sprintf("an IPsec policy blocks what leaves for %s (ip xfrm policy)", to)}, true
	}
	return IPsecPolicy{false, fmt.Sprintf("an IPsec policy has what leaves for %s encrypted (ip xfrm policy)", to)}, true
}

// selects reports whether a policy's selector takes a connection.
func selects(p *netlink.XfrmPolicy, source, remote netip.Addr, remotePort uint16) bool {
	const tcp = 6
	return (p.Src == nil || p.Src.Contains(source.AsSlice())) && (p.Dst == nil || p.Dst.Contains(remote.AsSlice())) &&
		(p.Proto == 0 || p.Proto == tcp) && (p.DstPort == 0 || remotePort == 0 || p.DstPort == int(remotePort))
}

// outputRule is what keeps a packet from leaving, if no IPsec policy does.
const outputRule = "a firewall rule on output drops or rejects the packet (nft list ruleset; iptables-save)"

// blockedBy is the IPsec policy, in words, that lets nothing out to remote; empty
// if there is none, or no remote.
func blockedBy(r route.Route, remote netip.Addr) string {
	if !remote.IsValid() {
		return ""
	}
	if p, ok := FindIPsecPolicy(r.Source, remote, 0); ok && p.Block {
		return p.Text
	}
	return ""
}

// whoRefuses says what can keep a packet to remote from leaving.
func (l *rawLink) whoRefuses(remote netip.Addr) string {
	switch found := blockedBy(l.route, remote); {
	case l.blocked != "":
		return l.blocked
	case found != "":
		return found
	}
	return outputRule
}
