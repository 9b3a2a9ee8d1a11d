// How audits end: by a signal, an outage, their budget, and their time.

package probe

import (
	"context"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A scan that is stopped in the middle of audits ends soon, begins no connection once
// the moment of grace is over, leaves nothing running, and has no result of those that
// it did not finish.
func TestASignalEndsAuditsSoon(t *testing.T) {
	for name, answers := range map[string]bool{"while connections wait for answers": false, "while they go on": true} {
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			o := options(t, "443", "198.19.0.0/26")
			o.Rate = 20 // of packets: a connection takes four or more, and an audit 30 connections
			n := newAuditNet(t, o)
			if !answers {
				n.instead = func(_ pair, nth int, s *wire.Segment) ([]wire.Segment, bool) {
					return nil, nth > 3 && s.Flags == wire.SYN
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var asked tcb.Instant
			opened := func() (sum int) {
				for _, k := range n.opened {
					sum += k
				}
				return sum
			}
			atReset := -1
			n.loop.clock.read = func() tcb.Instant {
				if n.now >= 3*second && asked == 0 {
					asked = n.now
					cancel()
				}
				if n.now = n.now.Add(time.Microsecond); n.loop.stopped && n.now >= n.loop.stopAt {
					n.now = n.now.Add(step) // nothing arrives any more
					if atReset < 0 {
						atReset = opened()
					}
				}
				return n.now
			}
			check(t, n.loop.run(ctx, t.Context()))
			if took := n.now.Sub(asked); asked == 0 || took > stopGrace+2*resetTime {
				t.Errorf("it took %v", took)
			}
			if now := opened(); atReset < 0 || now != atReset {
				t.Errorf("%d connections began after the moment of grace", now-atReset)
			}
			n.checkRate(t, o.Rate)
			list := n.end(t)
			if uint64(len(list)) != n.loop.stats.Results || len(list) >= 64 {
				t.Errorf("%d results", len(list))
			}
			for _, r := range list {
				for _, g := range r.Audit.NotAsked {
					if g.What == "the rest" {
						t.Errorf("%s has a result, and was not asked everything: %+v", r.Addr, g)
					}
				}
			}
			for range 100 {
				if runtime.NumGoroutine() <= before {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
			t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		})
	}
}

// Audits whose packets are lost in an outage begin again, and nothing of the first
// attempt is left.
func TestAuditsBeginAgainAfterAnOutage(t *testing.T) {
	n := newAuditNet(t, options(t, "443", "198.19.0.0/28"))
	l := n.loop
	for len(l.connections.flows) < 16 {
		n.turn(t)
	}
	before := runtime.NumGoroutine()
	if !l.standStill(route.ErrNoRoute) {
		t.Fatal("no outage")
	}
	l.outage = nil
	l.restart()
	if len(l.connections.flows) > 0 || l.connections.live != 0 || runtime.NumGoroutine() > before-16 {
		t.Errorf("%d flows, %d connections, %d goroutines of %d", len(l.connections.flows), l.connections.live, runtime.NumGoroutine(), before)
	}
	n.ready, n.hellos = nil, map[pair][]byte{}
	list := n.run(t, 10*time.Minute)
	for _, r := range list {
		if r.Outcome != "audited" || len(r.Audit.Versions) != len(list[0].Audit.Versions) || !r.Repeat {
			t.Errorf("%s: %s, repeat %v, %q", r.Addr, r.Outcome, r.Repeat, r.offered())
		}
	}
	if len(list) != 16 {
		t.Errorf("%d results", len(list))
	}
}

// No audit opens more connections than its budget, or than there are ports of ours.
func TestAnAuditHasNoMoreConnectionsThanPorts(t *testing.T) {
	for _, c := range []struct{ budget, ports, want int }{{1, 64, 1}, {2, 64, 2}, {9, 64, 9}, {40, 7, 7}, {40, 1, 1}} {
		for _, nth := range []int{1, 2, 3, 99} { // of so many connections one is reset
			o := options(t, "443", "198.19.0.0/28")
			o.AuditConnections, o.Ports = c.budget, c.ports
			n := newAuditNet(t, o)
			n.instead = func(_ pair, k int, s *wire.Segment) ([]wire.Segment, bool) {
				return []wire.Segment{{Flags: wire.RST | wire.ACK, Seq: 1001, Ack: s.End()}}, len(s.Payload) > 0 && k%nth == 0
			}
			list := n.run(t, time.Hour)
			for _, r := range list {
				if opened := n.opened[netip.AddrPortFrom(netip.MustParseAddr(r.Addr), 443)]; opened > c.want || r.Audit.Connections > c.want {
					t.Errorf("a budget of %d, %d ports, 1 of %d reset: %d connections, %d reported", c.budget, c.ports, nth, opened, r.Audit.Connections)
				}
				if r.Outcome == "audited" && len(r.Audit.NotAsked) == 0 {
					t.Errorf("a budget of %d, %d ports: all was asked", c.budget, c.ports)
				}
			}
			if len(list) != 16 {
				t.Errorf("%d results", len(list))
			}
		}
	}
}

// Audits leave nothing behind: neither coroutines nor memory, however many targets
// there are.
func TestManyAuditsLeaveNothingBehind(t *testing.T) {
	if raced {
		t.Skip("the race detector's memory is its own")
	}
	to, some, most := "198.19.0.0/22", uint64(256), uint64(896)
	if *full {
		to, some, most = "198.19.0.0/20", 512, 3584
	}
	o := options(t, "443", to)
	o.MaxInFlight, o.AuditConnections = 64, 12
	n := newAuditNet(t, o)
	n.out.Grow(32 << 20)
	held := func() uint64 {
		n.sent, n.packets, n.syns, n.hellos = nil, nil, map[pair]wire.Seq{}, map[pair][]byte{}
		runtime.GC()
		return heapInUse()
	}
	for n.loop.stats.Results < some {
		n.turn(t)
	}
	early, routines := held(), runtime.NumGoroutine()
	for n.loop.stats.Results < most {
		n.turn(t)
	}
	if late, now := held(), runtime.NumGoroutine(); late > early+4<<20 || now > routines+64 {
		t.Errorf("%d KiB after %d targets, %d after %d; %d goroutines, and %d", early>>10, some, late>>10, most, routines, now)
	}
	if list := n.run(t, time.Hour); uint64(len(list)) < most {
		t.Errorf("%d results", len(list))
	}
}

// A host that answers late, each time, is not audited for ever.
func TestAnAuditEndsInTime(t *testing.T) {
	defer func(d time.Duration) { longestAudit = d }(longestAudit)
	longestAudit = 10 * time.Second
	n := newAuditNet(t, options(t, "443", "198.19.0.1"))
	n.instead = func(_ pair, nth int, s *wire.Segment) ([]wire.Segment, bool) {
		return nil, nth > 5 && len(s.Payload) > 0
	}
	r := n.run(t, time.Minute)[0]
	if took := time.Duration(r.Audit.DurationMS * 1e6); took > longestAudit+5*time.Second || r.Outcome != "audited" ||
		!slices.ContainsFunc(r.Audit.NotAsked, func(g audit.Gap) bool { return g.What == "the rest" }) {
		t.Errorf("%s after %v, not asked %+v", r.Outcome, took, r.Audit.NotAsked)
	}
}
