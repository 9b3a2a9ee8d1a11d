package simnet

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// watched is a bystander who has seen two hosts open a connection. A has sent
// 100 octets, of which 50 have arrived; B offers 200.
type watched struct {
	t    *testing.T
	net  *Network
	b    *bystander
	a, z *Host
}

const issA, issZ = wire.Seq(1000), wire.Seq(5000)

func watch(t *testing.T) *watched {
	w := &watched{t: t, net: New()}
	w.b = newBystander(w.net, func(string, string) {})
	w.a = w.net.Host("A", netip.MustParseAddr("198.18.0.1"), endpoint.Config{})
	w.z = w.net.Host("B", netip.MustParseAddr("198.18.0.2"), endpoint.Config{})
	w.pass(w.a, wire.Segment{Seq: issA, Flags: wire.SYN, Window: 1000}, true)
	w.pass(w.z, wire.Segment{Seq: issZ, Ack: issA + 1, Flags: wire.SYN | wire.ACK, Window: 200}, true)
	w.b.spaces[way{addr(w.a.Addr, 1), addr(w.z.Addr, 2)}][0].user = &user{
		space: &space{iss: issA}, wrote: 300, plan: userPlan{total: 300}}
	w.pass(w.a, w.octets(0, 50), true)
	w.pass(w.a, w.octets(50, 50), false)
	if w.net.Err() != nil {
		t.Fatal(w.net.Err())
	}
	return w
}

// octets is a segment with what A's user has written, from at on.
func (w *watched) octets(at, n int) wire.Segment {
	return wire.Segment{Seq: issA.Add(1 + at), Ack: issZ + 1, Flags: wire.ACK, Window: 1000, Payload: octets(issA, at, n)}
}

func (w *watched) packet(from *Host, s wire.Segment) []byte {
	to := w.z
	s.SrcPort, s.DstPort = 1, 2
	if from == w.z {
		to, s.SrcPort, s.DstPort = w.a, 2, 1
	}
	return segmentPacket(from.Addr, to.Addr, &s)
}

// pass lets a host send a segment, and the other have it if it arrives.
func (w *watched) pass(from *Host, s wire.Segment, arrives bool) {
	p := w.packet(from, s)
	w.b.Sent(from, p)
	if arrives {
		w.b.Arrives(map[*Host]*Host{w.a: w.z, w.z: w.a}[from], p, false)
	}
}

// A judge who finds nothing wrong proves nothing.
func TestTheBystanderNotices(t *testing.T) {
	fromB := func(ack int, window uint16) wire.Segment {
		return wire.Segment{Seq: issZ + 1, Ack: issA.Add(ack), Flags: wire.ACK, Window: window}
	}
	for _, tc := range []struct {
		want string // in the complaint; nothing for none
		do   func(w *watched)
	}{
		{"", func(w *watched) { w.pass(w.a, w.octets(100, 100), true) }},
		{"", func(w *watched) { w.pass(w.z, fromB(51, 200), true) }},
		{"the peer's window ends at 201", func(w *watched) { w.pass(w.a, w.octets(100, 101), true) }},
		{"", func(w *watched) { // a probe
			w.pass(w.z, fromB(51, 150), true)
			w.b.spaces[way{addr(w.a.Addr, 1), addr(w.z.Addr, 2)}][0].edge = 51
			w.pass(w.a, w.octets(50, 1), true)
		}},
		{"the peer's window ends at 51", func(w *watched) {
			w.pass(w.z, fromB(51, 150), true)
			w.b.spaces[way{addr(w.a.Addr, 1), addr(w.z.Addr, 2)}][0].edge = 51
			w.pass(w.a, w.octets(50, 2), true)
		}},
		{"octets that are not those", func(w *watched) {
			s := w.octets(100, 10)
			s.Payload = octets(issA, 101, 10)
			w.pass(w.a, s, true)
		}},
		{"301, and 300 are written", func(w *watched) { w.pass(w.a, w.octets(291, 10), true) }},
		{"a FIN after", func(w *watched) {
			s := w.octets(100, 10)
			s.Flags |= wire.FIN
			w.pass(w.a, s, true)
		}},
		{"up to 51 arrived", func(w *watched) { w.pass(w.z, fromB(101, 200), true) }},
		{"what the peer has not sent", func(w *watched) { w.pass(w.z, fromB(102, 200), true) }},
		{"up to 1, after 51", func(w *watched) {
			w.pass(w.z, fromB(51, 200), true)
			w.pass(w.z, fromB(1, 200), true)
		}},
		{"its window ends at 200, after one that ended at 201", func(w *watched) { w.pass(w.z, fromB(1, 199), true) }},
		{"selectively", func(w *watched) {
			s := fromB(1, 200)
			s.Options.AddSACK(wire.SACKBlock{Left: issA + 40, Right: issA + 60})
			w.pass(w.z, s, true)
		}},
		{"without a SYN", func(w *watched) {
			s := w.octets(0, 1)
			s.SrcPort = 77
			w.b.Sent(w.a, segmentPacket(w.a.Addr, w.z.Addr, &s))
		}},
		{"TCP checksum is wrong", func(w *watched) {
			p := w.packet(w.a, w.octets(0, 1))
			p[len(p)-1] ^= 1
			w.b.Sent(w.a, p)
		}},
		{"header checksum is wrong", func(w *watched) {
			p := w.packet(w.a, w.octets(0, 1))
			p[8]++
			w.b.Sent(w.a, p)
		}},
		{"the peer takes 536", func(w *watched) {
			w.b.spaces[way{addr(w.a.Addr, 1), addr(w.z.Addr, 2)}][0].user.wrote = 1000
			w.pass(w.a, w.octets(0, 537), true)
		}},
	} {
		w := watch(t)
		tc.do(w)
		err := w.net.Err()
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("want a complaint of %q, got %v", tc.want, err)
		}
	}
}

func TestASetOfNumbers(t *testing.T) {
	var s set
	for _, r := range []run{{5, 7}, {9, 12}, {1, 3}, {7, 8}, {20, 20}} {
		s.add(r)
	}
	if len(s) != 3 || s.whole() != 0 || !s.has(run{5, 8}) || s.has(run{5, 9}) || s.has(run{8, 9}) {
		t.Errorf("%v", s)
	}
	s.add(run{0, 30})
	if len(s) != 1 || s.whole() != 30 {
		t.Errorf("%v", s)
	}
}
