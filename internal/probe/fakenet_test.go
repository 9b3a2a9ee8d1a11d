package probe

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/internal/probe/store"
	"github.com/rawshake/rawshake/internal/probe/syn"
	"github.com/rawshake/rawshake/internal/probe/targets"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A fakeNet is a link without a network: every host behind it takes a SYN, and
// answers what comes next with the same flight. It keeps nothing of anybody, and
// of what is on the way only what tells one packet from another: it should take
// no part of the caches that it measures.
type fakeNet struct {
	link.Ring
	local  netip.Addr
	flight []byte    // nil: hosts that take the connection and say no more
	deaf   bool      // hosts that do not even take it
	eager  bool      // hosts that answer any part of a ClientHello
	shut   error     // what this machine says to each packet, or nil
	wrong  bool      // they acknowledge first what was never sent
	hold   int       // how many packets stay on the way before the first arrives
	came   time.Time // when those that arrive did; zero: nobody knows
	ready  []answer  // from head on
	head   int
	packet []byte
	last   int // what was ready after the last Receive
	sent   int
}

// An answer is a packet on the way to us.
type answer struct {
	from     [4]byte
	src, dst uint16
	flags    wire.Flags
	seq, ack wire.Seq
	at, len  uint16 // of its payload in the flight
}

func (f *fakeNet) Queue(packet []byte, _ link.Hop) error {
	f.sent++
	if f.shut != nil {
		return f.shut
	}
	if f.deaf {
		return nil
	}
	tcp := packet[wire.IPv4HeaderLen:]
	flags := wire.Flags(tcp[13])
	seq, ack := wire.Seq(binary.BigEndian.Uint32(tcp[4:])), wire.Seq(binary.BigEndian.Uint32(tcp[8:]))
	length := len(tcp) - int(tcp[12]>>4)*4
	a := answer{from: [4]byte(packet[16:20]), src: binary.BigEndian.Uint16(tcp[2:]), dst: binary.BigEndian.Uint16(tcp)}
	switch {
	case flags == wire.SYN:
		a.flags, a.seq, a.ack = wire.SYN|wire.ACK, 1000, seq+1
		if f.wrong {
			bad := a
			bad.ack += 77
			f.ready = append(f.ready, bad)
		}
		f.ready = append(f.ready, a)
	case f.flight != nil && length > 0 && (f.eager || flags.Has(wire.PSH)): // the end of the ClientHello
		for at := 0; at < len(f.flight); at += int(a.len) {
			a.flags, a.seq, a.ack = wire.ACK, ack.Add(at), seq.Add(length)
			a.at, a.len = uint16(at), uint16(min(len(f.flight)-at, 1460))
			f.ready = append(f.ready, a)
		}
	}
	return nil
}

// arrive makes the packet of an answer.
func (f *fakeNet) arrive(a *answer) []byte {
	s := wire.Segment{SrcPort: a.src, DstPort: a.dst, Flags: a.flags, Seq: a.seq, Ack: a.ack, Window: 65000, Payload: f.flight[a.at:][:a.len]}
	if a.flags.Has(wire.SYN) {
		s.Options.AddMSS(1460)
	}
	from := netip.AddrFrom4(a.from)
	ip := wire.IPv4{DontFragment: true, TTL: 64, Protocol: wire.ProtocolTCP, Src: from, Dst: f.local}
	f.packet = s.AppendTo(ip.AppendTo(f.packet[:0], s.HeaderLen()+len(s.Payload)), from, f.local)
	return f.packet
}

func (f *fakeNet) Receive(wait time.Duration, take func(link.Packet)) error {
	arrive := f.waiting() - f.hold
	if f.waiting() == f.last {
		arrive = f.last // nothing more is sent
	}
	for range arrive {
		f.head++
		take(link.Packet{Data: f.arrive(&f.ready[f.head-1]), Time: f.came})
	}
	if 2*f.head >= len(f.ready) {
		f.ready, f.head = f.ready[:copy(f.ready, f.ready[f.head:])], 0
	}
	f.last = f.waiting()
	return nil
}

// waiting is how many packets are on the way.
func (f *fakeNet) waiting() int { return len(f.ready) - f.head }

func (f *fakeNet) Flush() error          { return nil }
func (f *fakeNet) Stats() link.RingStats { return link.RingStats{Sent: uint64(f.sent)} }
func (f *fakeNet) Close() error          { return nil }

// fakeLoop is a loop over a fakeNet, ready to run.
func fakeLoop(t testing.TB, o Options, f *fakeNet) *loop {
	t.Helper()
	f.local = netip.MustParseAddr("198.18.0.1")
	l := loopOver(t, o, f, f.local, io.Discard)
	t.Cleanup(func() { l.results.sink.Close() })
	return l
}

// loopOver is a loop over a link that has all targets behind it. Its sink is to
// be closed.
func loopOver(t testing.TB, o Options, ring link.Ring, local netip.Addr, out io.Writer) *loop {
	t.Helper()
	l := newLoop(&o, 0)
	l.epoch = time.Now()
	l.results.sink = store.NewSink(store.NewOutput(out))
	l.results.reach = l.results.sink.Add()
	go l.results.sink.Run()
	l.supply([16]byte{1}, nil)
	l.useRoutes(routes.Fixed(&routes.Path{Packets: syn.NewPackets(local, 1460, 0), Link: ring, First: 40000}, netip.Addr{}))
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
	c := handshake.NewClient(handshake.Config{Random: [32]byte{1}})
	c.Start()
	return flightTo(t, c.Next(), &tls.Config{MaxVersion: tls.VersionTLS12})
}

// flightTo is what crypto/tls answers to a ClientHello.
func flightTo(t testing.TB, hello []byte, cfg *tls.Config) []byte {
	t.Helper()
	pki, err := pki.New(pki.Options{})
	check(t, err)
	cfg.Certificates = []tls.Certificate{{Certificate: [][]byte{pki.Server.Cert.Raw, pki.CA.Cert.Raw}, PrivateKey: pki.Server.Key}}
	near, far := net.Pipe()
	go tls.Server(far, cfg).Handshake()
	go near.Write(hello)
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

// sameHello has all targets of a loop be sent the same ClientHello, shares and all, so
// that one flight of a server's answers each.
func sameHello(t testing.TB, l *loop) (hello []byte) {
	t.Helper()
	l.connections.random = same{}
	l.connections.seed = func(*connection) [32]byte { return [32]byte{2} }
	c := new(connection)
	c.target.Name = l.o.Name
	l.connections.random.Read(c.random[:])
	client := l.connections.begin(c)
	check(t, client.Err())
	hello = bytes.Clone(client.Output())
	l.connections.clients.put(client)
	return hello
}

// same is no randomness at all.
type same struct{}

func (same) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 1
	}
	return len(p), nil
}
