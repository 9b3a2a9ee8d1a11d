package probe

import (
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A firewall rule that answers what comes in is made while a scan runs, of which its
// guard knows nothing: the first connections that it costs are told from those that
// their hosts reset, and a guard that holds keeps the others.
func TestAScanGuardsItselfBetterOnceItsGuardDoesNotHold(t *testing.T) {
	l := newWideLab(t)
	serveTLS(t, l, "0.0.0.0:443")
	o := options(t, "443", "198.19.0.0/25")
	o.Rate, o.MaxInFlight, o.Timeout = 150, 4, 5*time.Second
	r := begin(t, l, t.Context(), o)
	r.await(t, "no records", func(s Stats) bool { return s.Results > 5 })
	check(t, l.Near().Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: "late"})
		chain := c.AddChain(&nftables.Chain{Name: "in", Table: table, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter})
		c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{wire.ProtocolTCP}}, &expr.Reject{Type: 1}}}) // NFT_REJECT_TCP_RST
		return c.Flush()
	}))
	check(t, <-r.done)
	outcomes := make(map[string]int)
	for _, rec := range readRecords(t, r.out.Bytes()) {
		outcomes[rec.Outcome]++
		if rec.Reset != nil && rec.Reset.FitsHost {
			t.Errorf("a host is blamed for a RST of this machine: %+v", rec)
		}
	}
	if n := int(o.Space.Len()); outcomes["certificate"] < n-4*o.MaxInFlight || outcomes["certificate"]+outcomes["reset"]+outcomes["timeout"] != n || r.stats.KernelRSTs == 0 {
		t.Errorf("%v, %d RSTs of this machine's kernel", outcomes, r.stats.KernelRSTs)
	}
}
