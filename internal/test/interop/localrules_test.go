package interop

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// nearRules has the near node's netfilter do something with a chain's packets.
func nearRules(t *testing.T, l *lab.Lab, hook *nftables.ChainHook, policy nftables.ChainPolicy, rules ...[]expr.Any) {
	t.Helper()
	err := l.Near().Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: "local"})
		chain := c.AddChain(&nftables.Chain{Name: "rules", Table: table, Type: nftables.ChainTypeFilter, Hooknum: hook,
			Priority: nftables.ChainPriorityFilter, Policy: &policy})
		for _, r := range rules {
			c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: r})
		}
		return c.Flush()
	})
	if err != nil {
		t.Fatal(err)
	}
}

func tcpOnly(then expr.Any) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{wire.ProtocolTCP}}, then}
}

// A firewall or an IPsec policy of this machine that lets nothing out is the
// cause; it is not the peer that is silent.
func TestWhatThisMachineDoesNotLetOutIsNamed(t *testing.T) {
	const rule = "a firewall rule on output"
	rules := map[string]expr.Any{"drop": &expr.Verdict{Kind: expr.VerdictDrop}, "tcp reset": &expr.Reject{Type: 1}, // NFT_REJECT_TCP_RST
		"port unreachable": &expr.Reject{Type: 2, Code: 1}} // NFT_REJECT_ICMPX_UNREACH
	for what, want := range map[string]string{"drop": rule, "tcp reset": rule, "port unreachable": rule, "policy": "an IPsec policy blocks"} {
		l := newLab(t)
		address := serve(t, l, echo)
		d := rawtcp.Dialer{Link: link.KindRaw}
		if rules[what] != nil {
			nearRules(t, l, nftables.ChainHookOutput, nftables.ChainPolicyAccept, tcpOnly(rules[what]))
		} else {
			d.Link = link.KindAuto // which keeps to the policy
			far := &net.IPNet{IP: l.Far().Addr().AsSlice(), Mask: net.CIDRMask(32, 32)}
			err := l.Near().Do(func() error {
				return netlink.XfrmPolicyAdd(&netlink.XfrmPolicy{Src: &net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}, Dst: far,
					Dir: netlink.XFRM_DIR_OUT, Action: netlink.XFRM_POLICY_BLOCK})
			})
			if err != nil {
				missing(t, "this kernel has no IPsec policies: %v", err)
			}
		}
		_, err := dial(t, l, d, address, 30*time.Second)
		if !errors.Is(err, link.ErrFiltered) || !errors.Is(err, rawtcp.ErrUnreachable) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", what, err)
		}
		if rules[what] == nil {
			continue
		}
		p := runProbe(t, l, "", "-q", "--link", "raw", "--allow-special", "--timeout", "3s", "--retries", "1", "-p", strings.Split(address, ":")[1], l.Far().Addr().String()+"/32")
		for _, r := range p.records(t) {
			if r["outcome"] != "unreachable" || r["class"] != "filtered" || !slices.Equal(codesOf(r), []string{"filtered"}) {
				t.Errorf("%s: %s", what, p.out)
			}
		}
	}
}

// A firewall that answers what comes in answers before a listener's filter has
// its turn. A guard that is chosen, not named, holds all the same.
func TestTheChosenGuardHoldsAgainstAFirewallThatAnswers(t *testing.T) {
	l := newLab(t)
	nearRules(t, l, nftables.ChainHookInput, nftables.ChainPolicyAccept, tcpOnly(&expr.Reject{Type: 1})) // NFT_REJECT_TCP_RST
	address := serve(t, l, echo)
	s := sniff(t, l.Far(), l.Far().Interface())
	var chosen string
	visit(t, l, rawtcp.Dialer{Link: link.KindPacket, Notes: func(layer, name, _ string) {
		if layer == "guard" {
			chosen = name
		}
	}}, address)
	if guard.Kind(chosen) == guard.KindListener {
		t.Error("the listener guard was chosen, which cannot hold")
	}
	for range resets(from(s.end(t), l.Near().Addr().String())) {
		t.Errorf("a RST of the near node's kernel, under the %s guard", chosen)
	}
}

// What a route says of the MSS is what the SYN says.
func TestTheSYNAnnouncesWhatTheRouteSays(t *testing.T) {
	l := newLab(t)
	address := serve(t, l, echo)
	far := &net.IPNet{IP: l.Far().Addr().AsSlice(), Mask: net.CIDRMask(32, 32)}
	err := l.Near().Do(func() error {
		dev, err := netlink.LinkByName(l.Near().Interface())
		if err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{LinkIndex: dev.Attrs().Index, Dst: far, Scope: netlink.SCOPE_LINK, AdvMSS: 400})
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, network := range []*rawtcp.Network{nil, {}} {
		s := sniff(t, l.Far(), l.Far().Interface())
		visit(t, l, rawtcp.Dialer{Network: network}, address)
		announced := 0
		for _, p := range s.end(t) {
			for _, o := range p.tcp.Options {
				if p.tcp.SYN && !p.tcp.ACK && o.OptionType == 2 {
					announced = int(o.OptionData[0])<<8 | int(o.OptionData[1])
				}
			}
		}
		if announced != 400 {
			t.Errorf("with a Network %v: the SYN announces %d, want 400", network != nil, announced)
		}
		if network != nil {
			network.Close()
		}
	}
}

// What the packet link goes below is found, for doctor and for whoever waits in
// vain.
func TestTranslationOnOutputIsFound(t *testing.T) {
	l := newLab(t)
	var before, after guard.Firewall
	err := l.Near().Do(func() error {
		before = guard.ReadFirewall()
		c, err := nftables.New()
		if err != nil {
			return err
		}
		table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "service"})
		chain := func(name string) *nftables.Chain {
			return c.AddChain(&nftables.Chain{Name: name, Table: table, Type: nftables.ChainTypeNAT,
				Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityNATDest})
		}
		c.AddRule(&nftables.Rule{Table: table, Chain: chain("out"), Exprs: []expr.Any{
			&expr.Immediate{Register: 1, Data: l.Far().Addr().AsSlice()},
			&expr.NAT{Type: expr.NATTypeDestNAT, Family: 2, RegAddrMin: 1}}})
		chain("empty")
		if err := c.Flush(); err != nil {
			return err
		}
		after = guard.ReadFirewall()
		return nil
	})
	if err != nil {
		missing(t, "this kernel has no nat: %v", err)
	}
	if len(before.OutputNAT) != 0 || len(after.OutputNAT) != 1 || !strings.Contains(after.OutputNAT[0], "out of table service") {
		t.Errorf("before %v, after %v", before.OutputNAT, after.OutputNAT)
	}
}
