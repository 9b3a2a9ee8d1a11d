package endpoint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A listener to what an endpoint makes of packets: it stands in for a machine.
type ear struct {
	Machine
	segments []wire.Segment
	messages []wire.ICMP
	send     []wire.Segment
	limit    int
}

func (m *ear) Receive(_ tcb.Instant, s *wire.Segment) bool {
	c := *s
	c.Payload = bytes.Clone(s.Payload)
	m.segments = append(m.segments, c)
	return true
}

func (m *ear) Unreachable(_ tcb.Instant, msg *wire.ICMP) {
	m.messages = append(m.messages, *msg)
	if n := msg.MTU(); n > 0 {
		m.limit = n - 60
	}
}
func (m *ear) Deadline() (tcb.Instant, bool) { return 0, false }
func (m *ear) State() tcb.State              { return tcb.Established }
func (m *ear) MaxSegment() int               { return m.limit }
func (m *ear) MayFragment() bool             { return false }
func (m *ear) TCP() *tcb.Conn                { return tcb.New(tcb.Config{}) }
func (m *ear) Next(_ tcb.Instant, s *wire.Segment) bool {
	if len(m.send) == 0 {
		return false
	}
	*s, m.send = m.send[0], m.send[1:]
	return true
}

var (
	here4  = netip.MustParseAddrPort("198.18.0.1:40000")
	there4 = netip.MustParseAddrPort("198.18.0.2:443")
	here6  = netip.MustParseAddrPort("[2001:db8::1]:40000")
	there6 = netip.MustParseAddrPort("[2001:db8::2]:443")
)

// host is an endpoint with one connection, and what it dropped.
type host struct {
	*Endpoint
	t             *testing.T
	ear           *ear
	local, remote netip.AddrPort
	dropped       []string
	now           tcb.Instant
}

func newHost(t *testing.T, local, remote netip.AddrPort) *host {
	h := &host{t: t, ear: &ear{limit: 1440}, local: local, remote: remote}
	h.Endpoint = New(Config{Dropped: func(why string) { h.dropped = append(h.dropped, why) }})
	if _, err := h.Attach(local, remote, h.ear); err != nil {
		t.Fatal(err)
	}
	return h
}

func eachVersion(t *testing.T, f func(t *testing.T, h *host)) {
	t.Run("IPv4", func(t *testing.T) { f(t, newHost(t, here4, there4)) })
	t.Run("IPv6", func(t *testing.T) { f(t, newHost(t, here6, there6)) })
}

// segment is a segment from the peer, encoded.
func (h *host) segment(payload []byte) []byte {
	s := wire.Segment{SrcPort: h.remote.Port(), DstPort: h.local.Port(), Seq: 7, Flags: wire.ACK, Payload: payload}
	return s.AppendTo(nil, h.remote.Addr(), h.local.Addr())
}

// packet wraps a payload, as a fragment where f says so.
func (h *host) packet(protocol uint8, f wire.Fragment, payload []byte) []byte {
	src, dst := h.remote.Addr(), h.local.Addr()
	if src.Is4() {
		ip := wire.IPv4{ID: uint16(f.ID), TTL: 64, Protocol: protocol, Src: src, Dst: dst,
			FragmentOffset: uint16(f.Offset / 8), MoreFragments: f.More}
		return append(ip.AppendTo(nil, len(payload)), payload...)
	}
	ip := wire.IPv6{NextHeader: protocol, HopLimit: 64, Src: src, Dst: dst}
	if f != (wire.Fragment{}) {
		ip.NextHeader = wire.NextFragment
		offset := uint16(f.Offset)
		if f.More {
			offset |= 1
		}
		head := binary.BigEndian.AppendUint16([]byte{protocol, 0}, offset)
		payload = append(binary.BigEndian.AppendUint32(head, f.ID), payload...)
	}
	return append(ip.AppendTo(nil, len(payload)), payload...)
}

func (h *host) receive(packet []byte) { h.Receive(h.now, packet, false) }

// fragment gives the endpoint bytes from to to of a payload.
func (h *host) fragment(id uint32, payload []byte, from, to int) {
	more := to < len(payload)
	h.receive(h.packet(wire.ProtocolTCP, wire.Fragment{ID: id, Offset: from, More: more}, payload[from:to]))
}

// got checks which payloads have arrived since the last call.
func (h *host) got(want ...string) {
	h.t.Helper()
	var got []string
	for _, s := range h.ear.segments {
		got = append(got, string(s.Payload))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		h.t.Fatalf("arrived %q, want %q; dropped %q", got, want, h.dropped)
	}
	h.ear.segments = nil
}

func TestSegmentsGoOutAndComeInOverBothVersions(t *testing.T) {
	eachVersion(t, func(t *testing.T, h *host) {
		h.receive(h.packet(wire.ProtocolTCP, wire.Fragment{}, h.segment([]byte("in"))))
		h.got("in")
		h.ear.send = []wire.Segment{{Seq: 9, Flags: wire.ACK, Payload: []byte("out")}}
		b := h.Next(0, nil)
		c := field.New(wire.Root(b), b)
		var ip wire.IP
		var s wire.Segment
		ip.Decode(&c)
		s.Decode(&c)
		c.Leave()
		if err := c.Done(); err != nil {
			t.Fatal(err)
		}
		if ip.Src != h.local.Addr() || ip.Dst != h.remote.Addr() || ip.HopLimit != wire.DefaultHopLimit || ip.FlowLabel != 0 ||
			s.SrcPort != h.local.Port() || s.DstPort != h.remote.Port() || string(s.Payload) != "out" {
			t.Errorf("%+v %+v", ip, s)
		}
		if wire.TCPChecksum(b[ip.HeaderLen():], ip.Src, ip.Dst) != 0 {
			t.Error("checksum")
		}
	})
}

func TestDamagedPacketsReachNobody(t *testing.T) {
	eachVersion(t, func(t *testing.T, h *host) {
		b := h.packet(wire.ProtocolTCP, wire.Fragment{}, h.segment([]byte("in")))
		b[len(b)-1]++
		h.receive(b)
		h.Receive(0, b, true) // of a local kernel, which has not made the checksum yet
		h.got("io")
		if len(h.dropped) != 1 || !strings.Contains(h.dropped[0], "checksum") {
			t.Errorf("dropped %q", h.dropped)
		}
		for n := range b {
			h.Receive(0, b[:n], true)
		}
		h.got()
	})
}

func TestExtensionHeadersAreSkippedOrRefused(t *testing.T) {
	h := newHost(t, here6, there6)
	segment := h.segment([]byte("in"))
	options := func(next, typ byte) []byte { return []byte{next, 0, typ, 4, 0, 0, 0, 0} }
	h.receive(h.packet(wire.NextDestination, wire.Fragment{}, append(options(wire.ProtocolTCP, 0x1e), segment...)))
	h.got("in")
	h.receive(h.packet(wire.NextDestination, wire.Fragment{}, append(options(wire.ProtocolTCP, 0x9e), segment...)))
	h.receive(h.packet(wire.NextRouting, wire.Fragment{}, append([]byte{wire.ProtocolTCP, 0, 0, 1, 0, 0, 0, 0}, segment...)))
	h.receive(h.packet(wire.NextNone, wire.Fragment{}, segment))
	h.got()
	want := []string{"must not be skipped", "RFC 5095", "protocol 59"}
	if len(h.dropped) != len(want) {
		t.Fatalf("dropped %q", h.dropped)
	}
	for i, w := range want {
		if !strings.Contains(h.dropped[i], w) {
			t.Errorf("dropped because %q, want %q", h.dropped[i], w)
		}
	}
}

func TestICMPErrorsReachTheConnectionThatTheyQuote(t *testing.T) {
	eachVersion(t, func(t *testing.T, h *host) {
		h.ear.send = []wire.Segment{{Seq: 9, Flags: wire.ACK, Payload: []byte("out")}}
		quoted := h.Next(0, nil)
		protocol, m := uint8(wire.ProtocolICMP), append([]byte{wire.ICMPUnreachable, 3, 0, 0, 0, 0, 0, 0}, quoted...)
		sum := wire.Checksum(m)
		if h.local.Addr().Is6() {
			protocol, m[0], m[1] = wire.ProtocolICMPv6, wire.ICMPv6Unreachable, 4
			sum = wire.ICMPv6Checksum(m, h.remote.Addr(), h.local.Addr())
		}
		h.receive(h.packet(protocol, wire.Fragment{}, m))
		if len(h.ear.messages) != 0 || len(h.dropped) != 1 {
			t.Fatalf("a message without a checksum was taken: %q", h.dropped)
		}
		binary.BigEndian.PutUint16(m[2:], sum)
		h.receive(h.packet(protocol, wire.Fragment{}, m))
		if len(h.ear.messages) != 1 {
			t.Fatalf("dropped %q", h.dropped)
		}
		if got := h.ear.messages[0]; got.Kind() != wire.KindPortUnreachable || got.From != h.remote.Addr() || got.Seq != 9 {
			t.Errorf("%+v", got)
		}
	})
}

func TestSizesFitTheLinkAndWhatThePathTaught(t *testing.T) {
	h := newHost(t, here6, there6)
	var c4, c6 tcb.Config
	h.fitPath(&c4, 0, there4.Addr(), 1500)
	h.fitPath(&c6, 0, there6.Addr(), 1500)
	if c4.MSS != 1460 || c4.PeerMSS != 0 || c6.MSS != 1440 || c6.PeerMSS != 1220 || c6.MaxSegment != 0 {
		t.Errorf("IPv4 %+v, IPv6 %+v", c4, c6)
	}
	h.ear.send = []wire.Segment{{Seq: 9, Flags: wire.ACK}}
	m := append([]byte{wire.ICMPv6TooBig, 0, 0, 0, 0, 0, 0x05, 0x14}, h.Next(0, nil)...)
	binary.BigEndian.PutUint16(m[2:], wire.ICMPv6Checksum(m, there6.Addr(), here6.Addr()))
	h.receive(h.packet(wire.ProtocolICMPv6, wire.Fragment{}, m))
	if h.fitPath(&c6, 0, there6.Addr(), 1500); c6.MaxSegment != 1300-60 || c6.MSS != 1440 {
		t.Errorf("after a message that tells 1300: %+v; dropped %q", c6, h.dropped)
	}
	late := tcb.Config{}
	if h.fitPath(&late, tcb.Instant(pathLifetime), there6.Addr(), 1500); late.MaxSegment != 0 {
		t.Errorf("%v later: %+v", pathLifetime, late)
	}
}

func TestWhatIsKnownOfPathsIsBounded(t *testing.T) {
	h := newHost(t, here6, there6)
	for i := range 3 * maxPaths {
		a := netip.AddrFrom16([16]byte{0x20, 1, 0x0d, 0xb8, 14: byte(i >> 8), 15: byte(i)})
		f := &Flow{Remote: netip.AddrPortFrom(a, 443), Machine: &ear{limit: 1000}, segment: 1440}
		h.learnPath(tcb.Instant(0).Add(time.Duration(i)), f)
		if _, ok := h.paths[a]; !ok || len(h.paths) > maxPaths {
			t.Fatalf("after %d paths %d are kept; the last: %v", i+1, len(h.paths), ok)
		}
	}
}

// TestANarrowPathIsFragmentedFromThenOn has a router say that its next link
// takes 100 bytes: what goes out after that has no don't-fragment bit, also of
// the next connection there, and of none elsewhere.
func TestANarrowPathIsFragmentedFromThenOn(t *testing.T) {
	b := newBench()
	f, syn := b.open(t)
	b.receive(wire.Segment{Seq: 100, Ack: syn.End(), Flags: wire.SYN | wire.ACK, Window: 9000})
	f.Machine.Write(make([]byte, 400))
	b.Touch(f)
	b.Next(b.now, nil) // the ACK
	quoted := b.Next(b.now, nil)
	fragments := func() bool {
		t.Helper()
		p := b.Next(b.now, nil)
		if p == nil {
			t.Fatal("nothing was sent")
		}
		return p[6]&0x40 == 0
	}
	m := append([]byte{wire.ICMPUnreachable, wire.ICMPFragmentationNeeded, 0, 0, 0, 0, 0, 100}, quoted[:28]...)
	binary.BigEndian.PutUint16(m[2:], wire.Checksum(m))
	ip := wire.IPv4{TTL: 64, Protocol: wire.ProtocolICMP, Src: netip.MustParseAddr("198.18.9.9"), Dst: here.Addr()}
	b.Receive(b.now, append(ip.AppendTo(nil, len(m)), m...), false)
	if !fragments() {
		t.Error("what is sent again may not be fragmented")
	}
	b.Detach(f)
	for _, to := range []netip.AddrPort{there, netip.MustParseAddrPort("198.18.0.3:80")} {
		machine := tcb.New(b.Config(b.now, here, to))
		f, err := b.Attach(here, to, machine)
		if err != nil {
			t.Fatal(err)
		}
		machine.Open(b.now)
		b.Touch(f)
		if got := fragments(); got != (to == there) {
			t.Errorf("a SYN to %v may be fragmented: %v", to, got)
		}
	}
}
