package tcb

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/slab"
)

// A pair is two connections on a link that loses, doubles, delays and
// reorders, in virtual time and from one seed.
type pair struct {
	t      *testing.T
	rng    *rand.Rand
	now    Instant
	ends   [2]*end
	flying []flight
	loss   float64
	dup    float64
	mtu    int // larger payloads vanish, if not 0
	marks  float64
	sent   func(from int, s *wire.Segment) // sees what leaves, if not nil
	jitter time.Duration
	delay  time.Duration
}

// An end is a connection with the user above it.
type end struct {
	c         *Conn
	toWrite   []byte // what its user still has to write
	wrote     []byte
	read      []byte
	eof       bool
	listening bool // waits for a SYN
	bulk      bool // its user writes and reads all at once
	greed     int  // most octets that its user reads at a time
	events    map[string]int
}

type flight struct {
	at  Instant
	to  int
	seg wire.Segment
}

func (p *pair) add(i int, cfg Config, stream []byte) {
	e := &end{toWrite: stream, greed: 1 << 20, events: map[string]int{}}
	cfg.Events = func(ev Event) {
		e.events[ev.Name()]++
		if s, ok := ev.(StateChanged); ok {
			e.events[s.To.String()]++
		}
	}
	e.c = New(cfg)
	p.ends[i] = e
}

// run moves both ends until both are closed or nothing is left to happen.
func (p *pair) run() {
	p.t.Helper()
	for range 200000 {
		if !p.step() {
			return
		}
	}
	p.t.Fatalf("does not come to an end: %v and %v", p.ends[0].c.State(), p.ends[1].c.State())
}

// step lets the next thing happen, and reports whether there is one.
func (p *pair) step() bool {
	p.t.Helper()
	for i := range p.ends {
		p.use(i)
	}
	at, ok := p.next()
	if !ok || p.ends[0].c.State() == Closed && p.ends[1].c.State() == Closed {
		return false
	}
	p.now = max(p.now, at)
	p.deliver()
	for _, e := range p.ends {
		e.c.Advance(p.now)
	}
	return true
}

// use lets the user of an end write and read, and takes what it sends.
func (p *pair) use(i int) {
	e := p.ends[i]
	if n := e.c.Write(e.toWrite[:min(len(e.toWrite), p.portion(e))]); n > 0 {
		e.wrote = append(e.wrote, e.toWrite[:n]...)
		e.toWrite = e.toWrite[n:]
	}
	if len(e.toWrite) == 0 && e.c.State() >= Established {
		e.c.CloseWrite()
	}
	if got := e.c.Peek(); len(got) > 0 {
		n := 1 + p.rng.IntN(min(len(got), e.greed))
		if e.bulk {
			n = len(got)
		}
		e.read = append(e.read, got[:n]...)
		e.c.Discard(n)
	}
	if e.c.EOF() {
		e.eof = true
	}
	p.take(i)
	if len(e.c.Peek()) > 0 || len(e.toWrite) > 0 && e.c.WriteSpace() > 0 {
		p.flying = append(p.flying, flight{at: p.now.Add(time.Millisecond), to: -1})
	}
}

// portion is how much the user of an end writes at a time.
func (p *pair) portion(e *end) int {
	if e.bulk {
		return len(e.toWrite)
	}
	return 1 + p.rng.IntN(5000)
}

func (p *pair) take(i int) {
	e := p.ends[i]
	var s wire.Segment
	for range 1000 {
		if !e.c.Next(p.now, &s) {
			return
		}
		p.check(i, &s)
		if p.sent != nil {
			p.sent(i, &s)
		}
		s.Payload = slices.Clone(s.Payload)
		for p.rng.Float64() < p.dup {
			p.fly(1-i, s)
		}
		if p.rng.Float64() >= p.loss && (p.mtu == 0 || len(s.Payload) <= p.mtu) {
			p.fly(1-i, s)
		}
	}
	p.t.Fatalf("Next never answers false in %v", e.c.State())
}

// check holds what an end sends against what it may.
func (p *pair) check(i int, s *wire.Segment) {
	peer := p.ends[1-i]
	if s.Flags.Has(wire.ACK) && !s.Flags.Has(wire.RST) && peer.c.snd.nxt.Less(s.Ack) {
		p.t.Fatalf("acknowledges %v, and the peer has sent up to %v", s.Ack, peer.c.snd.nxt)
	}
	if len(s.Payload) > 1 && peer.c.rcv.edge.Less(s.End()) && peer.c.State() >= Established {
		p.t.Fatalf("%d octets end at %v, beyond the window's edge at %v", len(s.Payload), s.End(), peer.c.rcv.edge)
	}
	if why := p.ends[i].c.boardUnsound(); why != "" {
		p.t.Fatal(why)
	}
	if held := cap(peer.c.rcv.buf.b); held > 2*peer.c.cfg.ReceiveBuffer+1024 {
		p.t.Fatalf("holds %d octets, of a buffer of %d", held, peer.c.cfg.ReceiveBuffer)
	}
}

func (p *pair) fly(to int, s wire.Segment) {
	if s.ECN != wire.NotECT && p.rng.Float64() < p.marks {
		s.ECN = wire.CE
	}
	at := p.now.Add(p.delay + time.Duration(p.rng.Int64N(int64(p.jitter)+1)))
	p.flying = append(p.flying, flight{at: at, to: to, seg: s})
}

func (e *end) receive(now Instant, s *wire.Segment) {
	if e.listening {
		if c := Accept(*e.c.cfg, now, s); c != nil {
			c.snd.buf = e.c.snd.buf // what its user has written already
			e.c, e.listening = c, false
		}
		return
	}
	e.c.Receive(now, s)
}

func (p *pair) next() (Instant, bool) {
	at, ok := never, false
	for _, f := range p.flying {
		at, ok = min(at, f.at), true
	}
	for _, e := range p.ends {
		if d, running := e.c.Deadline(); running {
			at, ok = min(at, d), true
		}
	}
	return at, ok
}

func (p *pair) deliver() {
	rest := p.flying[:0]
	var due []flight
	for _, f := range p.flying {
		if p.now.Before(f.at) {
			rest = append(rest, f)
		} else if f.to >= 0 {
			due = append(due, f)
		}
	}
	p.flying = rest
	for _, f := range due {
		e := p.ends[f.to]
		e.receive(p.now, &f.seg)
		p.take(f.to)
	}
}

// judge holds what the users saw against what they may see.
func (p *pair) judge() {
	p.t.Helper()
	for i, e := range p.ends {
		peer := p.ends[1-i]
		if !bytes.HasPrefix(peer.wrote, e.read) {
			p.t.Fatalf("end %d read what was not written (%d of %d octets)", i, len(e.read), len(peer.wrote))
		}
		if e.eof && (len(peer.toWrite) > 0 || len(e.read) != len(peer.wrote)) {
			p.t.Fatalf("end %d saw EOF after %d of %d octets", i, len(e.read), len(peer.wrote))
		}
		if e.c.State() != Closed && e.c.State() != Listen {
			p.t.Fatalf("end %d rests in %v, its peer in %v (%v)", i, e.c.State(), peer.c.State(), peer.c.Err())
		}
		if !e.eof && e.c.Err() == nil && e.c.State() == Closed {
			p.t.Fatalf("end %d ended without EOF and without an error", i)
		}
	}
}

func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func TestTwoConnectionsInBadWeather(t *testing.T) {
	seeds := weathers(t, 300)
	seen := map[string]int{}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			for _, e := range badWeather(t, uint64(seed)).ends {
				for name, n := range e.events {
					seen[name] += n
				}
			}
		})
		if t.Failed() {
			t.Fatalf("replay with -run 'TestTwoConnectionsInBadWeather/seed_%d$'", seed)
		}
	}
	// What the link never brought about, it has not tested.
	for _, name := range []string{
		"CLOSED", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",
		"LAST-ACK", "TIME-WAIT", "retransmission", "rtt_measured", "segment_dropped", "out_of_order", "window_probe",
		"fast_retransmit", "delivery_trouble", "challenge_ack", "segment_size_reduced",
	} {
		if seen[name] == 0 && len(seen) > 0 && seeds >= 300 {
			t.Errorf("no %s in %d seeds", name, seeds)
		}
	}
}

// weathers is how many seeds to try: usual, or as many as TCB_SEEDS says.
func weathers(t *testing.T, usual int) int {
	t.Helper()
	text := os.Getenv("TCB_SEEDS")
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("TCB_SEEDS: %v", err)
	}
	return n
}

func badWeather(t *testing.T, seed uint64) *pair {
	rng := rand.New(rand.NewPCG(seed, 1))
	p := &pair{t: t, rng: rng, now: Instant(time.Hour)}
	var pool *slab.Pool
	if seed%2 == 1 {
		pool = &slab.Pool{Poison: true}
	}
	p.delay = time.Duration(rng.Int64N(int64(100 * time.Millisecond)))
	p.jitter = time.Duration(rng.Int64N(int64(50 * time.Millisecond)))
	p.loss = []float64{0, 0.01, 0.05, 0.2}[rng.IntN(4)]
	p.dup = []float64{0, 0.05}[rng.IntN(2)]
	p.marks = 0.1
	if rng.IntN(10) == 0 {
		p.mtu = 600 + rng.IntN(800)
	}
	for i := range 2 {
		cfg := Config{
			LocalPort: uint16(1000 + i), RemotePort: uint16(1001 - i),
			ISS: wire.Seq(rng.Uint32()), TimestampOffset: rng.Uint32(), MSS: uint16(100 + rng.IntN(1400)),
			ReceiveBuffer: 1 + rng.IntN(1<<[]int{4, 10, 16, 18}[rng.IntN(4)]),
			SendBuffer:    1 + rng.IntN(1<<[]int{4, 10, 16}[rng.IntN(3)]),
			UserTimeout:   time.Hour,
			ECN:           wire.ECNMode(seed % 3),
			Pool:          pool,
			Nagle:         rng.IntN(4) == 0,
			AckDelay:      time.Duration(rng.IntN(3)-1) * 100 * time.Millisecond,
		}
		if rng.IntN(3) == 0 {
			cfg.SYNOptions = plain()
		}
		size := min(rng.IntN(1<<rng.IntN(16)), 100*cfg.SendBuffer)
		p.add(i, cfg, randomBytes(rng, size))
		if rng.IntN(3) == 0 {
			p.ends[i].greed = 1 + rng.IntN(1000)
		}
	}
	p.ends[0].c.Open(p.now)
	if rng.IntN(4) == 0 {
		p.ends[1].c.Open(p.now) // from both sides at once
	} else {
		p.ends[1].listening = true
	}
	p.run()
	p.judge()
	if p.loss == 0 {
		for i, e := range p.ends {
			if !e.eof {
				t.Fatalf("no loss, and end %d saw no EOF: %v", i, e.c.Err())
			}
		}
	}
	return p
}

// A mebibyte through a link that loses segments and acknowledgments alike. The
// bounds on the virtual time are loose; they are there to notice timeouts that
// grow without end, or a repair that only ever waits for one.
func TestBulkIsRepairedInTime(t *testing.T) {
	for _, tc := range []struct {
		loss   float64
		within time.Duration
	}{{0, time.Second}, {0.01, 5 * time.Second}, {0.05, 30 * time.Second}, {0.2, 20 * time.Minute}} {
		for _, options := range [][]wire.Option{LinuxSYNOptions(), plain()} {
			p := &pair{t: t, rng: rand.New(rand.NewPCG(1, 1)), now: Instant(time.Hour), delay: 10 * time.Millisecond, loss: tc.loss}
			stream := randomBytes(p.rng, 1<<20)
			for i := range 2 {
				p.add(i, Config{ISS: wire.Seq(p.rng.Uint32()), MSS: 1460, SYNOptions: options, MinRTO: 200 * time.Millisecond,
					SendBuffer: 2 << 20, ReceiveBuffer: 1 << 20, UserTimeout: time.Hour}, nil)
			}
			p.ends[0].toWrite = stream
			p.ends[0].bulk, p.ends[1].bulk = true, true
			p.ends[0].c.Open(p.now)
			p.ends[1].listening = true
			began := p.now
			for len(p.ends[1].read) < len(stream) && p.ends[0].c.Err() == nil && p.now.Sub(began) < tc.within {
				p.step()
			}
			if !bytes.Equal(p.ends[1].read, stream) {
				t.Errorf("loss %v, %d options: %d of %d octets after %v", tc.loss, len(options), len(p.ends[1].read), len(stream), p.now.Sub(began))
			}
		}
	}
}
