package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/probe/store"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// newForkedLab is a host with two routers, each of which is all of a network,
// half of it silent: so there is always somebody in flight. The host's route
// leads by way of the one.
func newForkedLab(t *testing.T) *lab.Lab {
	t.Helper()
	prefixes := func(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }
	services := []service.Service{{Kind: service.TLS, Port: 443}, {Kind: service.Silent, Port: 443, At: prefixes(silentHalf)}}
	l, err := lab.New(t.Context(), lab.With(lab.Topology{Name: "forked",
		Nodes: []lab.NodeConfig{{Name: "near"}, {Name: "one", Owns: prefixes("198.18.0.0/23"), Services: services},
			{Name: "other", Owns: prefixes("198.18.0.0/23"), Services: services}},
		Links: []lab.LinkConfig{
			{Ends: []lab.End{{Node: "near", Addresses: prefixes("198.19.0.1/24")}, {Node: "one", Addresses: prefixes("198.19.0.2/24")}}},
			{Ends: []lab.End{{Node: "near", Addresses: prefixes("198.19.1.1/24")}, {Node: "other", Addresses: prefixes("198.19.1.2/24")}}},
		}}))
	check(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

const silentHalf = "198.18.1.0/24"

// routeBy leads the near host's targets by way of a router.
func routeBy(t *testing.T, l *lab.Lab, gateway net.IP) {
	t.Helper()
	check(t, l.Near().Do(func() error { return netlink.RouteReplace(&netlink.Route{Dst: ipNet("198.18.0.0/23"), Gw: gateway}) }))
}

// change does something to a node's first interface.
func change(t *testing.T, n *lab.Node, do func(netlink.Link) error) {
	t.Helper()
	check(t, n.Do(func() error {
		dev, err := netlink.LinkByName(n.Interface())
		if err != nil {
			return err
		}
		return do(dev)
	}))
}

func newHardware(dev netlink.Link) error {
	return netlink.LinkSetHardwareAddr(dev, net.HardwareAddr{2, 0, 0, 0, 0, 99})
}

// A running scan is one that a test disturbs.
type running struct {
	scan  *Scan
	out   bytes.Buffer
	stats Stats
	done  chan error
}

func begin(t *testing.T, l *lab.Lab, ctx context.Context, o Options) *running {
	t.Helper()
	r := &running{done: make(chan error, 1)}
	opened := make(chan error)
	go l.Near().Do(func() error {
		s, err := Open(ctx, o, store.NewOutput(&r.out))
		r.scan = s
		opened <- err
		if err == nil {
			r.stats, err = s.Run(ctx, t.Context())
		}
		r.done <- err
		return nil
	})
	check(t, <-opened)
	return r
}

// await waits until the scan has come so far.
func (r *running) await(t *testing.T, what string, so func(Stats) bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if so(r.scan.Stats()) {
			return
		}
		select {
		case err := <-r.done:
			t.Fatalf("it has ended (%v), and %s: %+v", err, what, r.scan.Stats())
		default:
		}
	}
	t.Fatalf("within a minute %s: %+v", what, r.scan.Stats())
}

func disturbed(t *testing.T) Options {
	o := options(t, "443", "198.18.0.0/23")
	o.Rate, o.Timeout, o.MaxInFlight = 600, 5*time.Second, 1000
	return o
}

// Each target has one record, and all say what is the case.
func (r *running) complete(t *testing.T, o Options, earlier ...seenRecord) (repeats int) {
	t.Helper()
	check(t, <-r.done)
	seen := make(map[string]bool)
	for _, rec := range append(earlier, readRecords(t, r.out.Bytes())...) {
		want := "certificate"
		if netip.MustParsePrefix(silentHalf).Contains(netip.MustParseAddr(rec.Addr)) {
			want = "silent"
		}
		if rec.Outcome != want || seen[rec.key()] {
			t.Errorf("%+v", rec)
		}
		seen[rec.key()] = true
		if rec.Repeat {
			repeats++
		}
	}
	if uint64(len(seen)) != o.Space.Len() {
		t.Errorf("%d targets have records, of %d", len(seen), o.Space.Len())
	}
	return repeats
}

// What became of the packets in flight when a route has changed nobody knows: their
// targets are begun again when it is there again, and none is called silent.
func TestARouteThatIsGoneIsWaitedFor(t *testing.T) {
	answerARP := func(t *testing.T, n *lab.Node, ignore string) {
		t.Helper()
		check(t, n.Do(func() error { return os.WriteFile("/proc/sys/net/ipv4/conf/all/arp_ignore", []byte(ignore), 0) }))
	}
	for name, tc := range map[string]struct {
		says          string
		breaks, mends func(*testing.T, *lab.Lab)
	}{
		"the interface goes down": {"down",
			func(t *testing.T, l *lab.Lab) { change(t, l.Near(), netlink.LinkSetDown) },
			func(t *testing.T, l *lab.Lab) {
				change(t, l.Near(), netlink.LinkSetUp)
				routeBy(t, l, net.IPv4(198, 19, 0, 2))
			}},
		"the interface goes down, and another serves": {"down",
			func(t *testing.T, l *lab.Lab) { change(t, l.Near(), netlink.LinkSetDown) },
			func(t *testing.T, l *lab.Lab) { routeBy(t, l, net.IPv4(198, 19, 1, 2)) }},
		"the interface is taken out, and another serves": {"no route",
			func(t *testing.T, l *lab.Lab) { change(t, l.Near(), netlink.LinkDel) },
			func(t *testing.T, l *lab.Lab) { routeBy(t, l, net.IPv4(198, 19, 1, 2)) }},
		"the cable is pulled": {"no carrier",
			func(t *testing.T, l *lab.Lab) { change(t, l.Node("one"), netlink.LinkSetDown) },
			func(t *testing.T, l *lab.Lab) { change(t, l.Node("one"), netlink.LinkSetUp) }},
		"the route is taken away": {"ip route add",
			func(t *testing.T, l *lab.Lab) {
				check(t, l.Near().Do(func() error { return netlink.RouteDel(&netlink.Route{Dst: ipNet("198.18.0.0/23")}) }))
			},
			func(t *testing.T, l *lab.Lab) { routeBy(t, l, net.IPv4(198, 19, 0, 2)) }},
		"the gateway falls silent": {"198.19.0.2 does not answer ARP",
			func(t *testing.T, l *lab.Lab) {
				answerARP(t, l.Node("one"), "8")
				change(t, l.Node("one"), newHardware)
			},
			func(t *testing.T, l *lab.Lab) { answerARP(t, l.Node("one"), "0") }},
	} {
		for _, kind := range rings {
			t.Run(string(kind)+"/"+name, func(t *testing.T) {
				t.Parallel()
				l := newForkedLab(t)
				o := disturbed(t)
				o.Link = kind
				r := begin(t, l, t.Context(), o)
				r.await(t, "no records", func(s Stats) bool { return s.Results > 50 })
				tc.breaks(t, l)
				r.await(t, "the outage was not noticed", func(s Stats) bool { return s.Outage != "" })
				if says := r.scan.Stats().Outage; !strings.Contains(says, tc.says) {
					t.Errorf("it says %q, want %q", says, tc.says)
				}
				tc.mends(t, l)
				if n := r.complete(t, o); n == 0 || uint64(n) != r.stats.Again || r.stats.Outage != "" {
					t.Errorf("%d records are marked, and %d targets were begun again; %q", n, r.stats.Again, r.stats.Outage)
				}
				if p := r.scan.loops[0].lastOutage; p == nil {
					t.Error("there was no outage")
				}
			})
		}
	}
}

// The kernel sends by another route, though the old one is still there: who was in
// flight is begun again, and nobody waits for long.
func TestARouteThatChangesIsTakenUp(t *testing.T) {
	t.Parallel() // it waits, most of the time
	l := newForkedLab(t)
	o := disturbed(t)
	r := begin(t, l, t.Context(), o)
	r.await(t, "no records", func(s Stats) bool { return s.Results > 50 })
	routeBy(t, l, net.IPv4(198, 19, 1, 2))
	r.await(t, "the change was not noticed", func(s Stats) bool { return s.Outage != "" })
	want := "198.18.1.0 is reached by other from 198.19.1.1 through 198.19.1.2 (MTU 1500), and was by one from 198.19.0.1 through 198.19.0.2 (MTU 1500)"
	if says := r.scan.Stats().Outage; !strings.Contains(says, want) {
		t.Errorf("it says %q, want %q", says, want)
	}
	sent := func() (n uint64) {
		check(t, l.Near().Do(func() error {
			dev, err := netlink.LinkByName("other")
			if err == nil {
				n = dev.Attrs().Statistics.TxPackets
			}
			return err
		}))
		return n
	}
	before := sent()
	if n := r.complete(t, o); n == 0 || uint64(n) != r.stats.Again {
		t.Errorf("%d records are marked, and %d targets were begun again", n, r.stats.Again)
	}
	if n := sent() - before; n < 512 {
		t.Errorf("%d packets left by the new interface", n)
	}
}

// Another router takes over the gateway's address, with its own link-layer address.
func TestAGatewayThatChangesItsLinkLayerAddressIsFollowed(t *testing.T) {
	t.Parallel() // it waits, most of the time
	l := newForkedLab(t)
	o := disturbed(t)
	r := begin(t, l, t.Context(), o)
	r.await(t, "no records", func(s Stats) bool { return s.Results > 50 })
	change(t, l.Node("one"), newHardware)
	if n := r.complete(t, o); n != 0 || r.scan.loops[0].lastOutage != nil {
		t.Errorf("%d targets were begun again: %v", n, r.scan.loops[0].lastOutage)
	}
}

// What does not concern the targets does not disturb the scan.
func TestOtherChangesAreLetBe(t *testing.T) {
	t.Parallel() // it waits, most of the time
	l := newForkedLab(t)
	o := disturbed(t)
	r := begin(t, l, t.Context(), o)
	for n := range 10 {
		r.await(t, "no records", func(s Stats) bool { return s.Results > uint64(20*n) })
		change(t, l.Node("other"), netlink.LinkSetDown)
		change(t, l.Node("other"), netlink.LinkSetUp)
		check(t, l.Near().Do(func() error {
			return netlink.RouteReplace(&netlink.Route{Dst: ipNet(fmt.Sprintf("198.18.%d.0/24", 16+n)), Gw: net.IPv4(198, 19, 0, 2)})
		}))
	}
	if n := r.complete(t, o); n != 0 || r.scan.loops[0].lastOutage != nil {
		t.Errorf("%d targets were begun again: %v", n, r.scan.loops[0].lastOutage)
	}
}

// A route that does not come back ends the scan, in words; and so does an interrupt
// while it is waited for. Either leaves a checkpoint from which all that is
// missing is probed.
func TestAScanWithoutARouteEndsWithATrueCheckpoint(t *testing.T) {
	longestOutage = 2 * time.Second
	t.Cleanup(func() { longestOutage = 5 * time.Minute }) // when both have ended
	for name, interrupted := range map[string]bool{"for good": false, "interrupted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newForkedLab(t)
			o := disturbed(t)
			state := filepath.Join(t.TempDir(), "state")
			o.Keep = store.InFile(state)
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			r := begin(t, l, ctx, o)
			r.await(t, "no records", func(s Stats) bool { return s.Results > 50 })
			change(t, l.Near(), netlink.LinkSetDown)
			r.await(t, "the outage was not noticed", func(s Stats) bool { return s.Outage != "" })
			if interrupted {
				interrupt()
			}
			var out *OutageError
			if err := <-r.done; interrupted && err != nil || !interrupted && (!errors.As(err, &out) || !strings.Contains(err.Error(), "down") || !errors.Is(err, route.ErrNoRoute)) {
				t.Errorf("it ended with %v", err)
			}
			change(t, l.Near(), netlink.LinkSetUp)
			routeBy(t, l, net.IPv4(198, 19, 0, 2))
			var err error
			o.Resume, err = store.ReadCheckpoint(state)
			check(t, err)
			first := readRecords(t, r.out.Bytes()[:o.Resume.Offset])
			if uint64(len(first)) != o.Resume.Results || len(first) < 50 || o.Resume.Finished {
				t.Errorf("the checkpoint speaks of %d records, and there are %d", o.Resume.Results, len(first))
			}
			begin(t, l, t.Context(), o).complete(t, o, first...)
		})
	}
}

// Those with a connection and those without go back to their beginning, and
// nothing of them is left behind.
func TestWhatIsInFlightIsTakenBack(t *testing.T) {
	o := fakeOptions(t, 2048)
	f := &fakeNet{hold: 100} // hosts that take the connection and say no more
	l := fakeLoop(t, o, f)
	turn := func() {
		l.now = l.instant()
		check(t, l.turn())
	}
	for l.connections.live == 0 || l.admission.inFlight() < 1000 {
		turn()
	}
	before := l.admission.inFlight()
	if !l.standStill(route.ErrNoRoute) {
		t.Fatal("no loss")
	}
	l.outage = nil
	l.restart()
	if l.connections.live != 0 || l.connections.wheel.n != 0 || len(l.connections.free) != len(l.connections.all) || len(l.syns.resolved) != before || l.admission.inFlight() != before {
		t.Errorf("of %d in flight %d are to be begun again; %d connections, %d deadlines, %d of %d free",
			before, len(l.syns.resolved), l.connections.live, l.connections.wheel.n, len(l.connections.free), len(l.connections.all))
	}
	f.flight, f.ready, f.head, f.last = serverFlight(t), nil, 0, 0
	for !l.admission.ended || l.begun.window.len() > 0 {
		turn()
	}
	if n := l.stats.Outcomes[outcomeIndex("certificate")]; n != l.stats.Targets || l.stats.Results != n || l.stats.Again != uint64(before) {
		t.Errorf("%d certificates: %+v", n, l.stats)
	}
}
