package endpoint

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// The tests here hold what RFC 9293 asks of a host rather than of one
// connection; those of tcb hold the rest.

// sentHeader takes the next packet's IP header.
func (b *bench) sentHeader(t *testing.T) *wire.IP {
	t.Helper()
	p := b.Next(b.now, nil)
	if p == nil {
		t.Fatal("nothing was sent")
	}
	var h wire.IP
	c := field.New("IP", p)
	if err := h.Decode(&c); err != nil {
		t.Fatal(err)
	}
	return &h
}

// opening attaches a connection whose SYN is due.
func (b *bench) opening(t *testing.T) *Flow {
	t.Helper()
	return b.attach(t, b.Config(b.now, here, there))
}

// attach is opening with a config of the test's.
func (b *bench) attach(t *testing.T, cfg tcb.Config) *Flow {
	t.Helper()
	m := tcb.New(cfg)
	f, err := b.Attach(here, there, m)
	if err != nil {
		t.Fatal(err)
	}
	m.Open(b.now)
	b.Touch(f)
	return f
}

// Requirements: MUST-48, MUST-49, SHLD-22
func TestTheCallerChoosesTTLAndDiffserv(t *testing.T) {
	b := newBench()
	f := b.opening(t)
	f.Header.TTL, f.Header.TrafficClass = 7, 0xb8
	if h := b.sentHeader(t); h.HopLimit != 7 || h.TrafficClass != 0xb8 {
		t.Errorf("sent with TTL %d and traffic class %#x, want 7 and 0xb8", h.HopLimit, h.TrafficClass)
	}
	b = newBench()
	b.opening(t)
	if h := b.sentHeader(t); h.HopLimit != wire.DefaultHopLimit || h.TrafficClass != 0 {
		t.Errorf("by default with TTL %d and traffic class %#x, want %d and 0", h.HopLimit, h.TrafficClass, wire.DefaultHopLimit)
	}
}

// Requirements: SHLD-21, SHLD-23
func TestDiffservChangesOnlyWhenTheCallerSaysSo(t *testing.T) {
	b := newBench()
	f := b.opening(t)
	if h := b.sentHeader(t); h.TrafficClass != 0 {
		t.Fatalf("the SYN has traffic class %#x", h.TrafficClass)
	}
	b.now = b.now.Add(time.Second)
	b.Advance(b.now)
	if h := b.sentHeader(t); h.TrafficClass != 0 {
		t.Errorf("it changed by itself to %#x", h.TrafficClass)
	}
	f.Header.TrafficClass = 0x28
	b.now = b.now.Add(2 * time.Second)
	b.Advance(b.now)
	if h := b.sentHeader(t); h.TrafficClass != 0x28 {
		t.Errorf("traffic class %#x, want 0x28", h.TrafficClass)
	}
}

// Requirements: MAY-9
func TestReceivedDiffservIsTold(t *testing.T) {
	b := newBench()
	f, syn := b.open(t)
	marked := func(tos byte, s wire.Segment) {
		b.Receive(b.now, packet(s, func(p []byte) {
			p[1] = tos
			p[10], p[11] = 0, 0
			sum := wire.Checksum(p[:20])
			p[10], p[11] = byte(sum>>8), byte(sum)
		}), false)
	}
	marked(0x48, wire.Segment{Seq: 1, Ack: syn.End(), Flags: wire.SYN | wire.ACK, Window: 1})
	marked(0x03, wire.Segment{Seq: 2, Ack: syn.End().Add(9), Flags: wire.ACK, Window: 1}) // refused
	if f.Received != 0x48 {
		t.Errorf("received traffic class %#x, want 0x48 of the segment that was accepted", f.Received)
	}
}

// Requirements: MAY-4
func TestARetransmissionMayHaveTheSameIdentification(t *testing.T) {
	b := newBench()
	f := b.opening(t)
	f.Header.ID = func(s *wire.Segment) uint16 { return uint16(s.Seq) }
	first := b.sentHeader(t)
	b.now = b.now.Add(time.Second)
	b.Advance(b.now)
	if again := b.sentHeader(t); again.Fragment.ID != first.Fragment.ID {
		t.Errorf("identification %d, then %d", first.Fragment.ID, again.Fragment.ID)
	}
}

// Requirements: MUST-46
func TestOpenToNoSingleHostIsRefused(t *testing.T) {
	for _, a := range []string{"224.0.0.1", "255.255.255.255", "0.0.0.0", "ff02::1", "::"} {
		b := newBench()
		remote := netip.AddrPortFrom(netip.MustParseAddr(a), 80)
		if _, err := b.Attach(here, remote, tcb.New(tcb.Config{})); !errors.Is(err, ErrNotOneHost) {
			t.Errorf("a connection to %v: %v, want ErrNotOneHost", a, err)
		}
	}
}

// Requirements: MUST-57, MUST-63
func TestSegmentsOfNoSingleHostAreDiscardedInSilence(t *testing.T) {
	for _, tc := range []struct{ src, dst string }{
		{"224.0.0.1", here.Addr().String()}, {"255.255.255.255", here.Addr().String()}, {"0.0.0.0", here.Addr().String()},
		{there.Addr().String(), "224.0.0.1"}, {there.Addr().String(), "255.255.255.255"},
	} {
		b := newBench()
		listen(t, b, 0)
		if err := b.Listen(&Listening{Local: netip.AddrPortFrom(netip.IPv4Unspecified(), here.Port())}); err != nil {
			t.Fatal(err)
		}
		for _, port := range []uint16{here.Port(), 7} { // where somebody listens, and where nobody does
			s := wire.Segment{SrcPort: 9, DstPort: port, Seq: 5, Flags: wire.SYN, Window: 1}
			h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: netip.MustParseAddr(tc.src), Dst: netip.MustParseAddr(tc.dst)}
			b.Receive(b.now, s.AppendTo(h.AppendTo(nil, s.HeaderLen()), h.Src, h.Dst), false)
			if r := b.sent(t); r != nil || len(b.flows) != 0 {
				t.Errorf("a SYN from %s to %s, port %d, drew %+v and made %d connections", tc.src, tc.dst, port, r, len(b.flows))
			}
		}
	}
}

// Requirements: MUST-55
func TestSourceQuenchIsDiscarded(t *testing.T) {
	const sourceQuench = 4
	b := newBench()
	cfg := b.Config(b.now, here, there)
	cfg.Events = func(e tcb.Event) {
		if e.Name() == "unreachable" {
			t.Errorf("it was told: %v", e)
		}
	}
	f := b.attach(t, cfg)
	m := unreachable(b.sent(t), 0)
	m[20] = sourceQuench
	m[22], m[23] = 0, 0
	sum := wire.Checksum(m[20:])
	m[22], m[23] = byte(sum>>8), byte(sum)
	b.Receive(b.now, m, false)
	if f.Machine.State() != tcb.SynSent || f.Machine.Err() != nil {
		t.Errorf("state %v, error %v", f.Machine.State(), f.Machine.Err())
	}
	for _, why := range b.dropped {
		t.Errorf("it was not discarded in silence: %s", why)
	}
}

// Requirements: MUST-47, SHLD-20
func TestSoftErrorsAreReportedWhereSomebodyListens(t *testing.T) {
	var told []string
	b := newBench()
	cfg := b.Config(b.now, here, there)
	cfg.Events = func(e tcb.Event) {
		if e.Name() == "unreachable" {
			told = append(told, e.String())
		}
	}
	for _, events := range []func(tcb.Event){cfg.Events, nil} {
		cfg.Events = events
		f := b.attach(t, cfg)
		b.Receive(b.now, unreachable(b.sent(t), 0), false) // network unreachable
		if state := f.Machine.State(); state != tcb.SynSent {
			t.Errorf("state %v: a soft error ended it", state)
		}
		b.Detach(f)
	}
	if len(told) != 1 || !strings.Contains(told[0], "network unreachable") {
		t.Errorf("told %q, want one report of the network", told)
	}
}

// Requirements: MUST-41, MUST-42
func TestListeningDisturbsNobody(t *testing.T) {
	b := newBench()
	f, syn := b.open(t)
	other := netip.AddrPortFrom(netip.MustParseAddr("198.18.0.9"), here.Port())
	first, second := &Listening{Local: here}, &Listening{Local: other}
	for _, l := range []*Listening{first, second} { // on the same port
		if err := b.Listen(l); err != nil {
			t.Fatal(err)
		}
	}
	b.receive(wire.Segment{Seq: 100, Ack: syn.End(), Flags: wire.SYN | wire.ACK, Window: 1000})
	if f.Machine.State() != tcb.Established {
		t.Errorf("the connection that was there before is %v", f.Machine.State())
	}
	b.receive(from(1, wire.Segment{Seq: 10, Flags: wire.SYN}))
	if first.pending != 1 || second.pending != 0 {
		t.Errorf("the SYN went to listeners %d/%d, want the first", first.pending, second.pending)
	}
	if err := b.Listen(&Listening{Local: here}); !errors.Is(err, ErrListening) {
		t.Errorf("a third on the same address: %v", err)
	}
}

// Requirements: MUST-43, MUST-45
func TestAllSegmentsLeaveFromTheAddressOfTheConnection(t *testing.T) {
	b := newBench()
	local := netip.MustParseAddrPort("198.18.0.33:5000")
	m := tcb.New(b.Config(b.now, local, there))
	f, err := b.Attach(local, there, m)
	if err != nil {
		t.Fatal(err)
	}
	m.Open(b.now)
	b.Touch(f)
	for range 3 {
		if h := b.sentHeader(t); h.Src != local.Addr() || h.Dst != there.Addr() {
			t.Errorf("sent from %v to %v", h.Src, h.Dst)
		}
		at, _ := b.Deadline()
		b.now = at
		b.Advance(b.now)
	}
}

// Requirements: MUST-15, MUST-67
func TestMSSFollowsTheLinkAndTheFamily(t *testing.T) {
	six := netip.MustParseAddrPort("[2001:db8::2]:80")
	for _, tc := range []struct {
		mtu        int
		remote     netip.AddrPort
		mss, peers uint16
	}{
		{1500, there, 1460, 0}, {9000, there, 8960, 0}, {65535, there, 65495, 0},
		{1500, six, 1440, 1220}, {1280, six, 1220, 1220},
	} {
		e := New(Config{MTU: tc.mtu})
		if cfg := e.Config(0, here, tc.remote); cfg.MSS != tc.mss || cfg.PeerMSS != tc.peers {
			t.Errorf("MTU %d to %v: MSS %d and a peer's %d, want %d and %d (0: tcb's default)",
				tc.mtu, tc.remote, cfg.MSS, cfg.PeerMSS, tc.mss, tc.peers)
		}
	}
}

// Requirements: MUST-50
func TestIPOptionsWeDoNotKnowAreIgnored(t *testing.T) {
	b := newBench()
	f, syn := b.open(t)
	s := wire.Segment{SrcPort: there.Port(), DstPort: here.Port(), Seq: 1, Ack: syn.End(), Flags: wire.SYN | wire.ACK, Window: 1}
	h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: there.Addr(), Dst: here.Addr(), Options: []byte{0x9e, 4, 1, 2}}
	b.Receive(b.now, s.AppendTo(h.AppendTo(nil, s.HeaderLen()), h.Src, h.Dst), false)
	if f.Machine.State() != tcb.Established {
		t.Errorf("state %v, want ESTABLISHED", f.Machine.State())
	}
}

// Requirements: SHLD-13
func TestNothingIsUrgentUnlessTheCallerSaysSo(t *testing.T) {
	b := newBench()
	f, syn := b.open(t)
	b.receive(wire.Segment{Seq: 100, Ack: syn.End(), Flags: wire.SYN | wire.ACK, Window: 1000})
	f.Machine.Write([]byte("first"))
	b.Touch(f)
	b.receive(wire.Segment{Seq: 101, Ack: syn.End(), Flags: wire.URG | wire.ACK, Urgent: 5, Window: 1000, Payload: []byte("theirs")})
	f.Machine.Write([]byte("second"))
	f.Machine.CloseWrite()
	b.Touch(f)
	for n := 0; ; n++ {
		s := b.sent(t)
		if s == nil && n > 0 {
			break
		}
		if s == nil || s.Flags.Has(wire.URG) || s.Urgent != 0 {
			t.Fatalf("segment %d is %+v", n, s)
		}
	}
}
