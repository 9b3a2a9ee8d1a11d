package probe

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/probe/neighbours"
	"github.com/rawshake/rawshake/internal/probe/pace"
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/internal/probe/store"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// A fakeAsker hears what a test says.
type fakeAsker struct {
	asked   []netip.Addr
	answers []netip.Addr
}

func (f *fakeAsker) Ask(a netip.Addr) error { f.asked = append(f.asked, a); return nil }
func (f *fakeAsker) Protocol() string       { return "ARP" }
func (f *fakeAsker) Close() error           { return nil }
func (f *fakeAsker) Answers(tell func(netip.Addr, link.Hop)) error {
	for _, a := range f.answers {
		tell(a, gatewayHop)
	}
	f.answers = nil
	return nil
}

var gatewayHop = link.HopTo([]byte{2, 0, 0, 0, 0, 1})

func newFakeNeighbours() (*neighbours.Table, *fakeAsker) {
	f := new(fakeAsker)
	return neighbours.New(f, make(map[netip.Addr]link.Hop), func() bool { return true }), f
}

const second = tcb.Instant(time.Second)

// newNearLab is a host on two links. On one are 128 hosts of 198.18.0.0/16, at
// the even addresses of a /24, each to be asked for; behind the other a network.
func newNearLab(t *testing.T) *lab.Lab {
	t.Helper()
	prefixes := func(s ...string) (list []netip.Prefix) {
		for _, p := range s {
			list = append(list, netip.MustParsePrefix(p))
		}
		return list
	}
	tls := []service.Service{{Kind: service.TLS, Port: 443}}
	l, err := lab.New(t.Context(), lab.With(lab.Topology{Name: "near",
		Nodes: []lab.NodeConfig{{Name: "near"}, {Name: "beside", Owns: prefixes("198.19.128.0/24"), Services: tls},
			{Name: "far", Owns: prefixes("198.18.0.0/25"), Services: tls}},
		Links: []lab.LinkConfig{
			{Ends: []lab.End{{Node: "near", Addresses: prefixes("198.19.0.1/24")}, {Node: "far", Addresses: prefixes("198.19.0.2/24")}}},
			{Ends: []lab.End{{Node: "near", Addresses: prefixes("198.19.1.1/24")}, {Node: "beside", Addresses: prefixes("198.19.1.2/24")}}},
		}}))
	check(t, err)
	t.Cleanup(func() { l.Close() })
	check(t, l.Near().Do(func() error {
		r, err := route.Find(netip.MustParseAddr("198.19.0.2"), route.Via{})
		if err != nil {
			return err
		}
		index := r.Index
		return errors.Join(
			netlink.RouteReplace(&netlink.Route{LinkIndex: index, Scope: netlink.SCOPE_LINK, Dst: ipNet("198.18.0.0/16")}),
			netlink.RouteReplace(&netlink.Route{LinkIndex: index, Scope: netlink.SCOPE_LINK, Dst: ipNet("198.18.0.0/25")}),
			netlink.RouteAdd(&netlink.Route{LinkIndex: index, Gw: net.IPv4(198, 19, 0, 77), Dst: ipNet("198.19.200.0/24")}))
	}))
	return l
}

func ipNet(s string) *net.IPNet {
	_, n, _ := net.ParseCIDR(s)
	return n
}

// Each host on the link has its own link-layer address, and some have none; a
// gateway does not answer; a network lies behind another interface; and one
// nowhere. None of these keeps the others waiting, and the kernel's neighbour
// table stays as it was.
func TestEveryTargetIsReachedByItsOwnRoute(t *testing.T) {
	l := newNearLab(t)
	want := []struct {
		network, outcome, class string
	}{
		{"198.18.0.0/25", "certificate", ""}, // on the link
		{"198.18.128.0/27", "unreachable", classNeighbour},
		{"198.19.200.0/28", "unreachable", classNeighbour}, // behind a gateway that is not there
		{"198.19.128.0/28", "certificate", ""},             // behind one on another link
		{"203.0.113.0/30", "unreachable", classRoute},
	}
	var words []string
	for _, w := range want {
		words = append(words, w.network)
	}
	o := options(t, "443", words...)
	var out bytes.Buffer
	var stats Stats
	check(t, l.Near().Do(func() error {
		s, err := Open(t.Context(), o, store.NewOutput(&out))
		if err != nil {
			return err
		}
		if stats, err = s.Run(t.Context(), t.Context()); err != nil {
			return err
		}
		if table, err := netlink.NeighList(0, netlink.FAMILY_V4); err != nil || len(table) > 20 {
			t.Errorf("%d entries in the kernel's neighbour table, %v", len(table), err)
		}
		return nil
	}))
	records := readRecords(t, out.Bytes())
	if uint64(len(records)) != o.Space.Len() {
		t.Errorf("%d records of %d", len(records), o.Space.Len())
	}
	for _, r := range records {
		for _, w := range want {
			if netip.MustParsePrefix(w.network).Contains(netip.MustParseAddr(r.Addr)) && (r.Outcome != w.outcome || r.Class != w.class) {
				t.Errorf("%s: %s, %s (%s), want %s, %s", r.Addr, r.Outcome, r.Class, r.Error, w.outcome, w.class)
			}
		}
	}
	if want := uint64(neighbours.MaxAsks * (32 + 1)); stats.Asked < want+128 || stats.SYNs < 128+16 {
		t.Errorf("asked %d times, want %d at least for the dead; %d SYNs", stats.Asked, want, stats.SYNs)
	}
}

// Thousands may wait for one gateway: when it answers they leave at the rate,
// not all at once.
func TestTargetsThatWaitedForTheirGatewayLeaveAtTheRate(t *testing.T) {
	o := fakeOptions(t, 2048)
	o.Rate, o.Timeout = 1000, time.Minute
	f := &fakeNet{deaf: true}
	l := fakeLoop(t, o, f)
	n, asker := newFakeNeighbours()
	p, gateway := l.routes.Paths[0], netip.MustParseAddr("198.18.0.2")
	l.useRoutes(routes.Fixed(p, gateway))
	p.Neighbours = n
	for l.admission.inFlight() < 1000 {
		l.now = l.instant()
		check(t, l.turn())
	}
	if f.sent > 0 {
		t.Fatalf("%d packets left to nobody knows where", f.sent)
	}
	asker.answers = []netip.Addr{gateway}
	begin := l.instant()
	for f.sent < 300 {
		l.now = l.instant()
		check(t, l.turn())
		if most := pace.MinBurst + o.Rate*pace.BurstTime.Seconds() + o.Rate*time.Duration(l.instant()-begin).Seconds(); float64(f.sent) > most {
			t.Fatalf("%d packets %v after the answer, expected %.0f at most", f.sent, time.Duration(l.instant()-begin), most)
		}
	}
}
