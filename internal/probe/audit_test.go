// Audits over a simulated network: hosts that answer rightly, and that do not.

package probe

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/internal/probe/supply"
	"github.com/rawshake/rawshake/internal/probe/targets"
	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// An auditNet is a floodNet whose hosts answer a ClientHello as a server of TLS 1.2
// with one suite does, and finish no handshake.
type auditNet struct {
	floodNet
	out     bytes.Buffer
	reply   []byte
	suite   tlsmsg.CipherSuite
	hellos  map[pair][]byte                                               // of each connection, as far as it came
	opened  map[netip.AddrPort]int                                        // connections, of each host
	syns    map[pair]wire.Seq                                             // and the last SYN of each
	instead func(p pair, nth int, s *wire.Segment) ([]wire.Segment, bool) // a host's answer, if it is another; nth counts its connections
}

// A pair is a connection's addresses and ports, without ours.
type pair struct {
	peer  netip.AddrPort
	local uint16
}

func (n *auditNet) respond(_ *floodNet, to netip.Addr, s *wire.Segment) []wire.Segment {
	p := pair{netip.AddrPortFrom(to, s.DstPort), s.SrcPort}
	if iss, ok := n.syns[p]; s.Flags == wire.SYN && (!ok || iss != s.Seq) {
		n.opened[p.peer]++
		n.syns[p] = s.Seq
		delete(n.hellos, p)
	}
	if n.instead != nil {
		if list, ok := n.instead(p, n.opened[p.peer], s); ok {
			return list
		}
	}
	switch {
	case s.Flags == wire.SYN:
		return []wire.Segment{synAck(s)}
	case s.Flags.Has(wire.RST) || len(s.Payload) == 0:
		return nil
	}
	n.hellos[p] = append(n.hellos[p], s.Payload...)
	return n.answerTo(n.hellos[p], s)
}

// answerTo is the flight for what offers its suite, and an alert for the rest.
func (n *auditNet) answerTo(hello []byte, s *wire.Segment) (list []wire.Segment) {
	record, _, err := tlsmsg.NextRecord(hello)
	if err == nil && record.Fragment == nil {
		return nil
	}
	flight := []byte{21, 3, 3, 0, 2, 2, 40}
	ch := new(tlsmsg.ClientHello)
	if err == nil && record.Type == tlsmsg.ContentHandshake && tlsmsg.ParseInto(ch, record.Fragment, tlsmsg.Context{}) == nil &&
		ch.Version == tlsmsg.VersionTLS12 && slices.Contains(ch.CipherSuites, n.suite) {
		flight = n.reply
	}
	for at := 0; at < len(flight); at += 1400 {
		list = append(list, wire.Segment{Flags: wire.ACK, Seq: s.Ack.Add(at), Ack: s.End(), Window: 65000, Payload: flight[at:min(at+1400, len(flight))]})
	}
	return list
}

// newAuditNet is a network, and a loop over it that audits all targets.
func newAuditNet(t *testing.T, o Options) *auditNet {
	t.Helper()
	n := &auditNet{syns: map[pair]wire.Seq{}, hellos: map[pair][]byte{}, opened: map[netip.AddrPort]int{}, reply: serverFlight(t)}
	var flight audit.Flight
	flight.Receive(n.reply)
	n.suite = flight.Answer().Hello.CipherSuite
	n.hostile, n.answer = func(netip.Addr) bool { return true }, n.respond
	n.local, n.kinds, n.heard, n.now = netip.MustParseAddr("198.18.0.1"), map[string]int{}, map[netip.AddrPort]wire.Segment{}, tcb.Instant(time.Second)
	if o.AuditConnections == 0 {
		o.AuditConnections = 40
	}
	o.Goal, o.Timeout = GoalFinished, 2*time.Second
	n.loop = loopOver(t, o, n, n.local, &n.out)
	n.loop.clock.read = func() tcb.Instant { return n.now }
	return n
}

// list has it audit the lines of a list.
func (n *auditNet) list(t *testing.T, lines string) {
	t.Helper()
	f := &supply.Feed{Lists: []*targets.List{{Name: "list", From: strings.NewReader(lines)}}, Ports: []uint16{443}, Rules: &targets.Rules{AllowSpecial: true}}
	d := supply.NewDistributor(f, 0, 1)
	n.loop.o.Space = nil
	n.loop.supply([16]byte{1}, d)
	go d.Run(t.Context())
}

func (n *auditNet) turn(t *testing.T) {
	t.Helper()
	n.loop.now = n.loop.instant()
	check(t, n.loop.turn())
}

// run takes the scan to its end, and gives the reports.
func (n *auditNet) run(t *testing.T, most time.Duration) []audited {
	t.Helper()
	l := n.loop
	for !(l.admission.ended && l.begun.window.len() == 0 && l.connections.wheel.n == 0) {
		if n.turn(t); time.Duration(n.now) > most {
			t.Fatalf("no end after %v: %+v", most, l.stats)
		}
	}
	return n.end(t)
}

func (n *auditNet) end(t *testing.T) (list []audited) {
	t.Helper()
	n.loop.results.handOver(true)
	check(t, n.loop.results.sink.Close())
	for line := range bytes.Lines(n.out.Bytes()) {
		var r audited
		check(t, json.Unmarshal(line, &r))
		list = append(list, r)
	}
	if len(n.loop.connections.flows) > 0 {
		t.Errorf("%d flows are left", len(n.loop.connections.flows))
	}
	return list
}

type audited struct {
	Addr, Name, Outcome string
	Repeat              bool
	Anomalies           []string
	Audit               *audit.Report
}

// offered are the versions that the server agreed to.
func (a *audited) offered() (list []string) {
	for _, v := range a.Audit.Versions {
		if v.Offered != nil && *v.Offered {
			list = append(list, v.Name)
		}
	}
	return list
}

// One address may be listed under several names, each with connections of its own:
// no two of them leave from one port of ours at a time.
func TestAuditsOfOneAddressDoNotShareAPort(t *testing.T) {
	n := newAuditNet(t, options(t, "443", "198.19.0.1"))
	n.list(t, strings.Repeat("198.19.0.1,a.test\n198.19.0.1,b.test\n198.19.0.1,c.test\n", 2))
	open := map[pair]string{}
	n.instead = func(p pair, _ int, s *wire.Segment) ([]wire.Segment, bool) {
		switch {
		case s.Flags == wire.SYN && open[p] != "":
			t.Errorf("a SYN on a connection that is open: %v", p)
		case s.Flags == wire.SYN:
			open[p] = "open"
		case s.Flags.Has(wire.RST):
			delete(open, p)
		}
		return nil, false
	}
	list := n.run(t, 10*time.Minute)
	if len(list) != 6 {
		t.Fatalf("%d results, want 6", len(list))
	}
	for _, r := range list {
		if r.Outcome != "audited" || !slices.Equal(r.offered(), list[0].offered()) || r.Audit.Connections != list[0].Audit.Connections {
			t.Errorf("%s: %s, %q by %d connections; another %q by %d", r.Name, r.Outcome, r.offered(), r.Audit.Connections, list[0].offered(), list[0].Audit.Connections)
		}
	}
}

// A path that is too narrow for a connection that is not the first one says so by
// ICMP, which has to come to that connection.
func TestAnICMPErrorAboutALaterConnectionIsHeard(t *testing.T) {
	n := newAuditNet(t, options(t, "443", "198.19.0.1"))
	told := map[pair]bool{}
	n.instead = func(p pair, nth int, s *wire.Segment) ([]wire.Segment, bool) {
		if len(s.Payload) == 0 || wire.IPv4HeaderLen+s.HeaderLen()+len(s.Payload) <= 300 {
			return nil, false
		}
		told[p] = true
		quoted := wire.IPv4{DontFragment: true, TTL: 60, Protocol: wire.ProtocolTCP, Src: n.local, Dst: p.peer.Addr()}
		whole := s.AppendTo(quoted.AppendTo(nil, s.HeaderLen()+len(s.Payload)), n.local, p.peer.Addr())
		m := append([]byte{3, 4, 0, 0, 0, 0, 300 >> 8, 300 & 0xff}, whole[:wire.IPv4HeaderLen+8]...)
		binary.BigEndian.PutUint16(m[2:], wire.Checksum(m))
		ip := wire.IPv4{TTL: 64, Protocol: wire.ProtocolICMP, Src: p.peer.Addr(), Dst: n.local}
		n.ready = append(n.ready, append(ip.AppendTo(nil, len(m)), m...))
		return nil, true
	}
	r := n.run(t, 10*time.Minute)[0]
	if len(told) < 2 || n.loop.stats.Stray > 0 || len(r.Audit.Pauses) > 0 {
		t.Errorf("%d connections were told, %d messages belonged to none; %+v", len(told), n.loop.stats.Stray, r.Audit.Pauses)
	}
}

// What an ICMP error, or silence, or a RST says before a connection that is not the
// first one is open is about the way there, and not about what was asked.
func TestAConnectionThatDoesNotOpenSaysNothingOfTheQuestion(t *testing.T) {
	want := newAuditNet(t, options(t, "443", "198.19.0.1")).run(t, 10*time.Minute)[0]
	for name, instead := range map[string]func(n *auditNet, p pair, s *wire.Segment) []wire.Segment{
		"a RST": func(_ *auditNet, _ pair, s *wire.Segment) []wire.Segment {
			return []wire.Segment{{Flags: wire.RST | wire.ACK, Ack: s.Seq + 1}}
		},
		"silence": func(*auditNet, pair, *wire.Segment) []wire.Segment { return nil },
		"ICMP": func(n *auditNet, p pair, s *wire.Segment) []wire.Segment {
			quoted := wire.IPv4{TTL: 60, Protocol: wire.ProtocolTCP, Src: n.local, Dst: p.peer.Addr()}
			m := append([]byte{3, 13, 0, 0, 0, 0, 0, 0}, s.AppendTo(quoted.AppendTo(nil, s.HeaderLen()), n.local, p.peer.Addr())...)
			binary.BigEndian.PutUint16(m[2:], wire.Checksum(m))
			ip := wire.IPv4{TTL: 64, Protocol: wire.ProtocolICMP, Src: p.peer.Addr(), Dst: n.local}
			n.ready = append(n.ready, append(ip.AppendTo(nil, len(m)), m...))
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, "443", "198.19.0.1")
			o.AuditConnections = 64
			n := newAuditNet(t, o)
			n.instead = func(p pair, nth int, s *wire.Segment) ([]wire.Segment, bool) {
				if s.Flags != wire.SYN || nth%4 != 0 {
					return nil, false
				}
				return instead(n, p, s), true
			}
			got := n.run(t, 20*time.Minute)[0]
			if !slices.Equal(got.offered(), want.offered()) || len(got.Audit.Versions) != len(want.Audit.Versions) || slices.Contains(got.Anomalies, "reset_after_ack") {
				t.Errorf("%q of %d, want %q of %d; %q, not asked %+v", got.offered(), len(got.Audit.Versions), want.offered(), len(want.Audit.Versions), got.Anomalies, got.Audit.NotAsked)
			}
		})
	}
}

// A wrong SYN-ACK, whatever its sequence number, earns its sender no packets.
func TestAWrongSYNACKEarnsNothing(t *testing.T) {
	n := newAuditNet(t, options(t, "443", "198.19.0.1"))
	most := 0
	n.instead = func(p pair, nth int, s *wire.Segment) ([]wire.Segment, bool) {
		for _, c := range n.loop.connections.all {
			most = max(most, int(c.allowance))
		}
		if s.Flags != wire.SYN || nth%2 != 0 {
			return nil, false
		}
		wrong := wire.Segment{Flags: wire.SYN | wire.ACK, Seq: wire.Seq(0).Add(-20000 * earningOctets), Ack: s.Seq + 77, Window: 65000}
		return []wire.Segment{wrong, wrong, synAck(s)}, true
	}
	n.run(t, 20*time.Minute)
	if most > 2*firstAllowance {
		t.Errorf("a connection was allowed %d packets", most)
	}
}

// Work that a connection has waited for is not the next one's, of the same audit.
func TestWorkOfAConnectionThatIsOverIsNobodys(t *testing.T) {
	n := newAuditNet(t, options(t, "443", "198.19.0.1"))
	q := &n.loop.connections.queue
	done := make(chan bool)
	q.workers = startWorkers(func(w handshake.Work) handshake.Result {
		<-done
		return n.loop.o.Worker.Do(w)
	})
	defer q.workers.stop()
	q.workers.long = func(w handshake.Work) bool { _, pair := w.(handshake.KeyPairWork); return !pair }
	var c *connection
	for len(q.long)+q.away == 0 {
		n.turn(t)
	}
	c = n.loop.connections.all[slices.IndexFunc(n.loop.connections.all, func(c *connection) bool { return c.session != nil && c.waits })]
	stale, was := job{c, c.n, n.now, c.nth}, c.local
	if !stale.still() {
		t.Fatal("nobody waits for work")
	}
	n.ready = append(n.ready, n.packet(c.target.Addr, &wire.Segment{SrcPort: c.local, DstPort: 443}, wire.Segment{Flags: wire.RST | wire.ACK, Seq: c.tcp.ReceiveNext()}))
	for range 100 {
		n.turn(t)
		if c.local != was && stale.still() {
			t.Fatal("the next connection takes the work for its own")
		}
	}
	if c.local == was {
		t.Error("the audit waits for work of a connection that is over")
	}
	close(done)
	if r := n.run(t, 20*time.Minute); len(r) != 1 || r[0].Outcome != "audited" {
		t.Errorf("%+v", r)
	}
}

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

// without reports whether of so many hosts all are done that are not hostile.
func (n *auditNet) without(hosts int) bool {
	for _, c := range n.loop.connections.all {
		if c.session != nil && !isHostile(c.target.Addr) {
			return false
		}
	}
	for i := 16; i < hosts; i++ {
		if n.opened[netip.AddrPortFrom(hostileHost(i), 443)] == 0 {
			return false
		}
	}
	return true
}

// Hosts that flood while they are audited get no packet beyond the rate, hold up no
// audit of another host for long, and their own audits end.
func TestNoFloodCostsOtherAuditsMuch(t *testing.T) {
	scan := func(t *testing.T, answer func(f *floodNet, to netip.Addr, s *wire.Segment) []wire.Segment, flood func(*floodNet, int) []byte) (honest time.Duration) {
		o := options(t, "443", "198.19.0.0/26")
		o.Rate, o.AuditConnections, o.MaxInFlight = floodRate*4, 12, 64
		n := newAuditNet(t, o)
		n.flood, n.rate = flood, floodOf()
		n.instead = func(p pair, nth int, s *wire.Segment) ([]wire.Segment, bool) {
			if flood == nil || !isHostile(p.peer.Addr()) || nth < 2 {
				return nil, false // each is audited beyond its first connection
			}
			if answer == nil {
				return nil, true
			}
			return answer(&n.floodNet, p.peer.Addr(), s), true
		}
		start := n.now
		for l := n.loop; !(l.admission.ended && l.begun.window.len() == 0 && l.connections.wheel.n == 0); {
			n.turn(t)
			if honest == 0 && n.now%(16*tcb.Instant(step)) == 0 && n.without(64) {
				honest = n.now.Sub(start)
			}
			if n.now.Sub(start) > floodLength {
				n.flood = nil
			}
			if n.now.Sub(start) > 30*time.Minute {
				t.Fatalf("no end: %+v", l.stats)
			}
		}
		if honest == 0 {
			honest = n.now.Sub(start)
		}
		n.checkRate(t, o.Rate)
		if list := n.end(t); len(list) != 64 {
			t.Errorf("%d results", len(list))
		}
		return honest
	}
	quiet := scan(t, nil, nil)
	for name, tc := range floods {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if took := scan(t, tc.answer, tc.flood); took > quiet*3/2 {
				t.Errorf("%v, and %v where all is quiet", took, quiet)
			}
		})
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

// Hosts of one link-local address on two links are two.
func TestAuditsOfOneAddressInTwoZonesAreTwo(t *testing.T) {
	n := newAuditNet(t, options(t, "443", "198.19.0.1"))
	n.list(t, "fe80::1%one\nfe80::1%two\n")
	cs := &n.loop.connections
	for !n.loop.begun.source.Zoned() {
		n.loop.begun.source.Take()
	}
	var list []*connection
	for _, zone := range []string{"one", "two"} {
		c := cs.take()
		c.target, c.local = Target{Addr: netip.MustParseAddr("fe80::1%" + zone), Port: 443}, 40005
		c.path = &routes.Path{First: 40000, Route: route.Route{Interface: zone}}
		cs.flows[c.flow()] = c
		list = append(list, c)
	}
	for _, c := range list {
		if got := cs.flowOf(c.path, netip.MustParseAddr("fe80::1"), 443, 40005); got != c {
			t.Errorf("a packet on %s comes to %+v", c.path.Route.Interface, got)
		}
	}
	cs.endFlow(list[0])
	if cs.flowOf(list[0].path, netip.MustParseAddr("fe80::1"), 443, 40005) != nil || len(cs.flows) != 1 {
		t.Errorf("%d flows", len(cs.flows))
	}
}

// What precedes TLS is said on each connection of an audit, by machines that are lent,
// and what becomes of it is told from what is asked behind it.
func TestAuditsBehindAPreamble(t *testing.T) {
	const ssl = "\x00\x00\x00\x08\x04\xd2\x16\x2f"
	want := newAuditNet(t, options(t, "443", "198.19.0.1")).run(t, 10*time.Minute)[0]
	for name, answer := range map[string]func(s *wire.Segment) []wire.Segment{
		"always yes": nil,
		"once a RST": func(s *wire.Segment) []wire.Segment {
			return []wire.Segment{{Flags: wire.RST | wire.ACK, Seq: s.Ack, Ack: s.End()}}
		},
		"once an error": func(s *wire.Segment) []wire.Segment {
			return []wire.Segment{{Flags: wire.ACK, Seq: s.Ack, Ack: s.End(), Window: 65000, Payload: []byte("E\x00\x00\x00\x1cSFATAL\x00C53300\x00Mtoo many\x00\x00")}}
		},
		"once silence": func(*wire.Segment) []wire.Segment { return nil },
		"once a FIN": func(s *wire.Segment) []wire.Segment {
			return []wire.Segment{{Flags: wire.FIN | wire.ACK, Seq: s.Ack, Ack: s.End(), Window: 65000}}
		},
		"once a RST for the SYN": func(s *wire.Segment) []wire.Segment {
			return []wire.Segment{{Flags: wire.RST | wire.ACK, Ack: s.Seq + 1}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := starttls.NewProfile(starttls.Config{Protocol: "postgres", Keep: true})
			check(t, err)
			o := options(t, "443", "198.19.0.0/28")
			o.Preamble, o.AuditConnections = p, 60
			n := newAuditNet(t, o)
			n.instead = func(_ pair, nth int, s *wire.Segment) ([]wire.Segment, bool) {
				bad := nth%5 == 0 && answer != nil && (s.Flags == wire.SYN) == strings.HasSuffix(name, "SYN")
				switch {
				case bad && (s.Flags == wire.SYN || string(s.Payload) == ssl):
					return answer(s), true
				case string(s.Payload) == ssl:
					return []wire.Segment{{Flags: wire.ACK, Seq: s.Ack, Ack: s.End(), Window: 65000, Payload: []byte("S")}}, true
				}
				return nil, false
			}
			for _, r := range n.run(t, time.Hour) {
				if r.Outcome != "audited" || !slices.Equal(r.offered(), want.offered()) || len(r.Audit.Versions) != len(want.Audit.Versions) {
					t.Errorf("%s: %s, %q of %d versions, not asked %+v", r.Addr, r.Outcome, r.offered(), len(r.Audit.Versions), r.Audit.NotAsked)
				}
			}
			seen := map[*starttls.Machine]bool{}
			for _, m := range n.loop.connections.talks {
				if seen[m] {
					t.Fatal("a machine was given back twice")
				}
				seen[m] = true
			}
			if len(seen) > 17 {
				t.Errorf("%d machines for 16 connections", len(seen))
			}
		})
	}
}
