package probe

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/probe/targets"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A fakeNet is a link without a network: every host behind it takes a SYN, and
// answers what comes next with the same flight. It keeps nothing of anybody.
type fakeNet struct {
	link.Ring
	local  netip.Addr
	flight []byte // nil: hosts that take the connection and say no more
	deaf   bool   // hosts that do not even take it
	wrong  bool   // they acknowledge first what was never sent
	hold   int    // how many packets stay on the way before the first arrives
	ready  [][]byte
	free   [][]byte
	last   int // what was ready after the last Receive
	sent   int
}

func (f *fakeNet) Queue(packet []byte, _ link.Hop) error {
	f.sent++
	if f.deaf {
		return nil
	}
	tcp := packet[wire.IPv4HeaderLen:]
	flags := wire.Flags(tcp[13])
	seq := wire.Seq(uint32(tcp[4])<<24 | uint32(tcp[5])<<16 | uint32(tcp[6])<<8 | uint32(tcp[7]))
	ack := wire.Seq(uint32(tcp[8])<<24 | uint32(tcp[9])<<16 | uint32(tcp[10])<<8 | uint32(tcp[11]))
	dst := netip.AddrFrom4([4]byte(packet[16:20]))
	length := len(tcp) - int(tcp[12]>>4)*4
	s := wire.Segment{SrcPort: uint16(tcp[2])<<8 | uint16(tcp[3]), DstPort: uint16(tcp[0])<<8 | uint16(tcp[1]), Window: 65000}
	switch {
	case flags == wire.SYN:
		s.Flags, s.Seq, s.Ack = wire.SYN|wire.ACK, 1000, seq+1
		s.Options.AddMSS(1460)
		if f.wrong {
			bad := s
			bad.Ack += 77
			f.answer(dst, &bad)
		}
		f.answer(dst, &s)
	case length > 0 && f.flight != nil:
		for rest := f.flight; len(rest) > 0; {
			n := min(len(rest), 1460)
			s.Flags, s.Seq, s.Ack, s.Payload = wire.ACK, ack.Add(len(f.flight)-len(rest)), seq.Add(length), rest[:n]
			f.answer(dst, &s)
			rest = rest[n:]
		}
	}
	return nil
}

func (f *fakeNet) answer(from netip.Addr, s *wire.Segment) {
	var b []byte
	if n := len(f.free); n > 0 {
		b, f.free = f.free[n-1][:0], f.free[:n-1]
	}
	ip := wire.IPv4{DontFragment: true, TTL: 64, Protocol: wire.ProtocolTCP, Src: from, Dst: f.local}
	f.ready = append(f.ready, s.AppendTo(ip.AppendTo(b, s.HeaderLen()+len(s.Payload)), from, f.local))
}

func (f *fakeNet) Receive(wait time.Duration, take func(link.Packet)) error {
	arrive := len(f.ready) - f.hold
	if len(f.ready) == f.last {
		arrive = len(f.ready) // nothing more is sent
	}
	for i := range max(arrive, 0) {
		take(link.Packet{Data: f.ready[i]})
		f.free = append(f.free, f.ready[i])
	}
	f.ready = append(f.ready[:0], f.ready[max(arrive, 0):]...)
	f.last = len(f.ready)
	return nil
}

func (f *fakeNet) Flush() error          { return nil }
func (f *fakeNet) Stats() link.RingStats { return link.RingStats{Sent: uint64(f.sent)} }
func (f *fakeNet) Close() error          { return nil }

// fakeLoop is a loop over a fakeNet, ready to run.
func fakeLoop(t testing.TB, o Options, f *fakeNet) *loop {
	t.Helper()
	f.local = netip.MustParseAddr("198.18.0.1")
	l := newLoop(&o, 0)
	l.epoch = time.Now()
	l.sink = newSink(NewOutput(io.Discard))
	go l.sink.run()
	t.Cleanup(func() { l.sink.close() })
	l.supply([16]byte{1}, nil)
	p := &path{link: f, local: f.local, first: 40000, ports: uint16(o.Ports), mss: 1460}
	p.makeSYN()
	l.paths = append(l.paths, p)
	l.ways.last, l.ways.from, l.ways.to = &way{path: p}, netip.IPv4Unspecified(), highest(false)
	return l
}

func fakeOptions(t testing.TB, n int) Options {
	o := options(t, "1-256", "198.19.0.0/16")
	s, _, err := targets.BuildSpace([]targets.Spec{{Range: targets.Range{First: wide.Addr(), Last: netip.AddrFrom4([4]byte{198, 19, byte(n >> 16), byte(n >> 8)})}}}, ports256(), &targets.Rules{})
	check(t, err)
	o.Space, o.MaxInFlight = s, 4096
	return o
}

func ports256() (p []uint16) {
	for i := range 256 {
		p = append(p, uint16(i+1))
	}
	return p
}

// serverFlight is what crypto/tls answers to a ClientHello of ours.
func serverFlight(t testing.TB) []byte {
	t.Helper()
	pki, err := lab.NewPKI(lab.PKIOptions{})
	check(t, err)
	near, far := net.Pipe()
	go tls.Server(far, &tls.Config{MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{
		{Certificate: [][]byte{pki.Server.Cert.Raw, pki.CA.Cert.Raw}, PrivateKey: pki.Server.Key}}}).Handshake()
	c := handshake.NewClient(handshake.Config{})
	c.Start()
	go near.Write(c.Next())
	b := make([]byte, 16<<10)
	near.SetReadDeadline(time.Now().Add(5 * time.Second))
	n, err := near.Read(b)
	check(t, err)
	near.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	for {
		k, err := near.Read(b[n:])
		if n += k; err != nil {
			break
		}
	}
	near.Close()
	far.Close()
	return b[:n]
}

func BenchmarkSYNToCertificate(b *testing.B) {
	f := &fakeNet{flight: serverFlight(b)}
	l := fakeLoop(b, fakeOptions(b, b.N), f)
	b.ReportAllocs()
	b.ResetTimer()
	check(b, l.run(b.Context(), b.Context()))
	b.StopTimer()
	if n := l.stats.Outcomes[outcomeIndex("certificate")]; n < uint64(b.N) {
		b.Fatalf("%d of %d: %+v", n, b.N, l.stats)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(l.stats.Records), "ns/target")
}

func BenchmarkSYN(b *testing.B) {
	f := &fakeNet{deaf: true}
	o := fakeOptions(b, b.N)
	o.MaxInFlight = 1 << 30
	l := fakeLoop(b, o, f)
	b.ReportAllocs()
	b.ResetTimer()
	for !l.ended {
		l.now = l.instant()
		l.pace.fill(l.now)
		l.sendSYNs()
	}
}

// A wrong answer is kept as evidence until the right one comes: there is room
// for so many, and others need it.
func TestEvidenceThatDoesNotCountIsLetGo(t *testing.T) {
	o := fakeOptions(t, 512)
	o.Goal = GoalTCP
	f := &fakeNet{wrong: true}
	l := fakeLoop(t, o, f)
	check(t, l.run(t.Context(), t.Context()))
	if l.stats.Answers == 0 || l.stats.Records == 0 {
		t.Fatalf("%+v", l.stats)
	}
	if len(l.odd) > 0 {
		t.Errorf("%d wrong answers are kept of %d targets that are done", len(l.odd), l.stats.Records)
	}
}
