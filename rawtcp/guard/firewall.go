// What this machine's own netfilter rules may do to our packets.

package guard

import (
	"fmt"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// A Firewall is the part of this machine's netfilter rules that matters to our
// packets. Reading it needs CAP_NET_ADMIN; without that, and of rules that
// nftables does not know (iptables-legacy), nothing is known.
type Firewall struct {
	// Rejects are the chains that may answer arriving packets with a RST or an
	// ICMP error ("reject"), also those of our connections, which the kernel
	// does not know.
	Rejects []string
	// OutputNAT are the chains that may translate addresses of outgoing
	// packets, such as those of Kubernetes and Docker. Packets of the packet
	// link do not pass them.
	OutputNAT []string
}

// ReadFirewall reads the current rules. What it cannot read it leaves out.
func ReadFirewall() Firewall {
	conn, err := nftables.New()
	if err != nil {
		return Firewall{}
	}
	chains, _ := conn.ListChains()
	r := firewallReader{conn: conn, chains: chains}
	var f Firewall
	for _, c := range chains {
		if c.Hooknum == nil || c.Table == nil {
			continue
		}
		name := fmt.Sprintf("%s of table %s", c.Name, c.Table.Name)
		switch {
		case c.Type == nftables.ChainTypeNAT && *c.Hooknum == *nftables.ChainHookOutput && r.any(c, isTranslation):
			f.OutputNAT = append(f.OutputNAT, name)
		case (*c.Hooknum == *nftables.ChainHookInput || *c.Hooknum == *nftables.ChainHookPrerouting) && r.any(c, isReject):
			f.Rejects = append(f.Rejects, name)
		}
	}
	return f
}

// A firewallReader follows rules from chain to chain.
type firewallReader struct {
	conn   *nftables.Conn
	chains []*nftables.Chain
}

// maxChains bounds how many chains are followed from one.
const maxChains = 64

// any reports whether a rule of a chain, or of one that it leads to, is of the
// given kind.
func (r *firewallReader) any(from *nftables.Chain, kind func(expr.Any) bool) bool {
	todo, seen := []*nftables.Chain{from}, map[string]bool{from.Name: true}
	for n := 0; len(todo) > 0 && n < maxChains; n++ {
		c := todo[0]
		todo = todo[1:]
		rules, _ := r.conn.GetRules(c.Table, c)
		for _, rule := range rules {
			if slices.ContainsFunc(rule.Exprs, kind) {
				return true
			}
			for _, next := range r.leadsTo(c, rule) {
				if !seen[next.Name] {
					seen[next.Name] = true
					todo = append(todo, next)
				}
			}
		}
	}
	return false
}

// leadsTo returns the chains that a rule jumps to.
func (r *firewallReader) leadsTo(c *nftables.Chain, rule *nftables.Rule) (list []*nftables.Chain) {
	for _, e := range rule.Exprs {
		v, ok := e.(*expr.Verdict)
		if !ok || v.Chain == "" {
			continue
		}
		for _, next := range r.chains {
			if next.Name == v.Chain && next.Table.Name == c.Table.Name && next.Table.Family == c.Table.Family {
				list = append(list, next)
			}
		}
	}
	return list
}

// isReject recognizes nft's own reject and that of iptables-nft.
func isReject(e expr.Any) bool {
	switch e := e.(type) {
	case *expr.Reject:
		return true
	case *expr.Target:
		return e.Name == "REJECT"
	}
	return false
}

// isTranslation recognizes what changes a packet's destination.
func isTranslation(e expr.Any) bool {
	switch e := e.(type) {
	case *expr.NAT:
		return e.Type == expr.NATTypeDestNAT
	case *expr.Redir:
		return true
	case *expr.Target:
		return e.Name == "DNAT" || e.Name == "REDIRECT"
	}
	return false
}
