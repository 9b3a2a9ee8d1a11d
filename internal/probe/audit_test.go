// Audits of hosts that answer rightly, and that do not.

package probe

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

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

// A RST of this machine's kernel on a later connection is seen, and one on a connection
// that is over is nobody's.
func TestAKernelsRSTOnALaterConnectionIsSeen(t *testing.T) {
	n := newAuditNet(t, options(t, "443", "198.19.0.1"))
	l := n.loop
	l.ports.tried = true
	for len(l.connections.flows) == 0 {
		n.turn(t)
	}
	c := l.connections.all[slices.IndexFunc(l.connections.all, func(c *connection) bool { return c.session != nil })]
	rst := func(local uint16, seq wire.Seq) {
		s := wire.Segment{SrcPort: local, DstPort: 443, Flags: wire.RST, Seq: seq}
		ip := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: n.local, Dst: c.target.Addr}
		l.receiver.packet(c.path, link.Packet{KernelSent: true, Data: s.AppendTo(ip.AppendTo(nil, s.HeaderLen()), n.local, c.target.Addr)})
	}
	first := c.path.First + l.begun.source.Port(c.n, &c.target)
	iss, _ := l.syns.mac.Sequence(c.target.Addr, 443, first)
	rst(first, wire.Seq(iss)+1)
	rst(c.local, c.audit.iss-1000)
	if c.kernelSent || l.stats.KernelRSTs != 0 {
		t.Error("a RST of another connection is taken for this one's")
	}
	if rst(c.local, c.audit.iss+1); !c.kernelSent || l.stats.KernelRSTs != 1 {
		t.Errorf("%d RSTs were seen", l.stats.KernelRSTs)
	}
	n.run(t, 10*time.Minute)
}
