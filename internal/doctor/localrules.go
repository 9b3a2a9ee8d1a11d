// The firewall, NAT and IPsec rules of this machine, in which its links differ.

package doctor

import (
	"fmt"
	"strings"

	"github.com/vishvananda/netlink"

	"github.com/rawshake/rawshake/rawtcp/guard"
)

// checkLocalRules reads what this machine does to outgoing and incoming packets
// that makes its links differ. None of it is a fault.
func checkLocalRules() Finding {
	f := Finding{Name: LocalRules, Why: "the packet link goes below IPsec policies, nat and other rules on output; --link raw and --link kernel go through them"}
	var found []string
	list, err := netlink.XfrmPolicyList(netlink.FAMILY_ALL)
	n := 0
	for _, p := range list {
		if p.Dir == netlink.XFRM_DIR_OUT {
			n++
		}
	}
	if n > 0 {
		found = append(found, fmt.Sprintf("IPsec policies on output: %d, to which --link auto keeps (ip xfrm policy)", n))
	}
	rules := guard.ReadFirewall()
	if len(rules.OutputNAT) > 0 {
		found = append(found, fmt.Sprintf("nat on output, by %s: an address that only this machine translates, as a service's in Kubernetes, is reached with --link raw or kernel", strings.Join(rules.OutputNAT, ", ")))
	}
	if len(rules.Rejects) > 0 {
		found = append(found, fmt.Sprintf("a firewall that answers what comes in, by %s: --guard auto stands before it", strings.Join(rules.Rejects, ", ")))
	}
	switch {
	case len(found) > 0:
		f.Detail = strings.Join(found, "; ")
	case err != nil:
		f.Detail = "IPsec policies and netfilter rules cannot be read without CAP_NET_ADMIN"
	default:
		f.Detail = "no IPsec policy, no nat on output and no firewall that answers what comes in (iptables-legacy is not looked at)"
	}
	f.OK = true
	return f
}
