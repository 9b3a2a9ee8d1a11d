package tcb

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// The count of marks stands on each segment, and an ACK leaves at once when the first of
// a row of marks arrives on data, and after each second, or each third where there is no
// data (RFC 9768, section 3.2.2.5.1).
func TestMarksAreToldOfAtOnce(t *testing.T) {
	k := agreed(t, wire.ECNAccurate, func(c *Config) { c.AckDelay = 200 * time.Millisecond })
	for i, step := range []struct{ hears, says string }{
		{`ACK-ECE-AE seq=1 ack=1 ecn=ECT(0) "a"`, ""},
		{`ACK-ECE-AE seq=2 ack=1 ecn=CE "b"`, "ACK-CWR-AE ack=3"}, // 6: the first of a row, and the second segment
		{`ACK-ECE-AE seq=3 ack=1 ecn=CE "c"`, ""},
		{`ACK-ECE-AE seq=4 ack=1 ecn=CE "d"`, "ACK ack=5"}, // 8
		{`ACK-ECE-AE seq=5 ack=1 ecn=ECT(1) "e"`, ""},
		{`ACK-ECE-AE seq=6 ack=1 ecn=CE "f"`, "ACK-ECE ack=7"}, // 9
		{`ACK-ECE-AE seq=7 ack=1 ecn=CE`, ""},                  // without data
		{`ACK-ECE-AE seq=7 ack=1 ecn=CE`, ""},
		{`ACK-ECE-AE seq=7 ack=1 ecn=CE`, "ACK-AE ack=7"},     // 12
		{`ACK-ECE-AE seq=1 ack=1 ecn=CE "a"`, "ACK-AE ack=7"}, // not accepted, not counted
	} {
		k.send(step.hears)
		if step.says == "" {
			k.quiet()
			continue
		}
		k.expect(step.says)
		if t.Failed() {
			t.Fatalf("step %d", i)
		}
	}
	if r := k.c.ECN(); r.Received != 7 {
		t.Errorf("%+v", r)
	}
}

// A SYN-ACK that comes again is answered as the first was, by how it arrived.
func TestASYNACKThatComesAgainIsAnsweredByHowItArrived(t *testing.T) {
	k := agreed(t, wire.ECNAccurate, nil)
	k.send("SYN-ACK-CWR seq=0 ack=1 ecn=CE")
	k.expect("ACK-CWR-AE seq=1 ack=1")
	k.send(`ACK-ECE-AE seq=1 ack=1 "a"`)
	k.expect("ACK-CWR-AE ack=2")             // and the mark is counted
	k.send("SYN-ACK-CWR seq=0 ack=1 ecn=CE") // an old one, and nobody waits for its answer
	k.expect("ACK-CWR-AE ack=2")
}

// Marks that the peer tells of reduce the window, once for what was in flight, and
// whatever their number.
func TestMarksReduceTheWindowOnceARound(t *testing.T) {
	k := agreed(t, wire.ECNAccurate, func(c *Config) { c.SendBuffer = 1 << 20 })
	k.c.Write(make([]byte, 100_000))
	k.drain()
	before := k.c.reno.cwnd
	k.send("ACK-CWR-AE seq=1 ack=1001") // 6
	k.said("congestion_marked")
	half := k.c.reno.cwnd
	if half > before*2/3 || half < before/3 {
		t.Errorf("the window was %d, and is %d", before, half)
	}
	k.drain()
	k.send("ACK-ECE-CWR-AE seq=1 ack=2001") // 7
	if k.c.reno.cwnd < half {
		t.Errorf("reduced again, to %d from %d", k.c.reno.cwnd, half)
	}
	k.send("ACK-CWR-AE seq=1 ack=1001") // an older one, which says less
	if r := k.c.ECN(); r.Told != 2 {
		t.Errorf("%+v", r)
	}
	k.send("ACK-ECE seq=1 ack=10001") // 9: the rest of what was in flight
	k.drain()
	left := k.c.reno.cwnd
	k.send("ACK-CWR seq=1 ack=11001") // 10: of what was sent since
	if k.c.reno.cwnd >= left {
		t.Errorf("marks of the next round leave the window at %d", k.c.reno.cwnd)
	}
	if r := k.c.ECN(); r.Told != 5 {
		t.Errorf("%+v", r)
	}
}

// drain sends what may be sent.
func (k *talk) drain() (n int) {
	var s wire.Segment
	for k.c.Next(k.now, &s) {
		n++
	}
	return n
}

// What no honest path or peer does ends ECN for what we send, and what is told then is
// not believed; what arrives is told on.
func TestWhatNoPathMayDoEndsECN(t *testing.T) {
	k := agreed(t, wire.ECNAccurate, nil)
	k.write("hello")
	k.drain()
	k.send("ACK seq=1 ack=6") // a count of zero
	k.said("ecn_mangled")
	k.send("ACK-CWR seq=1 ack=6")
	if r := k.c.ECN(); r.Capable || k.c.reno.cwnd < 10*1000 {
		t.Errorf("%+v, window %d", r, k.c.reno.cwnd)
	}
	k.send(`ACK-CWR seq=1 ack=6 ecn=CE "a"`)
	k.expect("ACK-CWR-AE ack=2") // 6

	k = agreed(t, wire.ECNAccurate, nil)
	marks, at := uint8(5), 1
	for round := range 6 {
		k.c.Write(make([]byte, 1000))
		s := k.expect(fmt.Sprintf("PSH-ACK-ECE-AE seq=%d len=1000", at))
		if want := round < watchedRounds; (s.ECN == wire.ECT0) != want {
			t.Errorf("round %d: data leaves as %v", round, s.ECN)
		}
		at += 1000
		marks++
		line := fmt.Sprintf("ACK seq=1 ack=%d", at)
		s = k.parse(line, testIRS, testISS)
		s.Flags |= wire.ACE(marks)
		k.c.Receive(k.now, &s)
	}
	k.said("ecn_mangled")
}

// Classic ECN (RFC 3168, section 6.1): ECE on each ACK until CWR comes; ECE reduces the
// window once a round, and CWR goes with the next new data, once.
//
// Requirements: SHLD-8
func TestClassicECN(t *testing.T) {
	k := agreed(t, wire.ECNClassic, func(c *Config) { c.SendBuffer = 1 << 20 })
	for _, step := range [][2]string{
		{`ACK seq=1 ack=1 ecn=ECT(0) "a"`, "ACK ack=2"},
		{`ACK seq=2 ack=1 ecn=CE "b"`, "ACK-ECE ack=3"},
		{`ACK seq=3 ack=1 ecn=ECT(0) "c"`, "ACK-ECE ack=4"},
		{`ACK-CWR seq=4 ack=1 ecn=ECT(0) "d"`, "ACK ack=5"},
		{`ACK seq=5 ack=1 ecn=CE "e"`, "ACK-ECE ack=6"},
		{`ACK-CWR seq=6 ack=1 ecn=CE "f"`, "ACK-ECE ack=7"}, // marked anew
		{`ACK-CWR seq=7 ack=1 "g"`, "ACK ack=8"},
	} {
		k.send(step[0])
		k.expect(step[1])
	}
	k.c.Write(make([]byte, 30_000))
	k.drain()
	before := k.c.reno.cwnd
	k.send("ACK-ECE seq=8 ack=1001")
	k.said("congestion_marked")
	if k.c.reno.cwnd > before*2/3 {
		t.Errorf("the window was %d, and is %d", before, k.c.reno.cwnd)
	}
	k.send("ACK-ECE seq=8 ack=9001")
	k.expect("ACK-CWR seq=10001 len=1000 ecn=ECT(0)")
	k.send("ACK seq=8 ack=11001")
	var s wire.Segment
	n := 0
	for ; k.c.Next(k.now, &s); n++ {
		if s.Flags.Has(wire.CWR) {
			t.Error("CWR again")
		}
	}
	if n == 0 {
		t.Error("no more data")
	}
}

// Two ends over a path that marks, with and without loss, held against a reading of RFC
// 9768 that sees the wire alone: in each direction the count on each segment is that of
// the marks that have arrived, and what one end has heard of the other knows.
func TestTwoConnectionsOverAPathThatMarks(t *testing.T) {
	for seed := range uint64(60) {
		mode := []wire.ECNMode{wire.ECNAccurate, wire.ECNAccurate, wire.ECNClassic}[seed%3]
		rng := rand.New(rand.NewPCG(seed, 7))
		p := &pair{t: t, rng: rng, now: Instant(time.Hour), delay: 10 * time.Millisecond, marks: []float64{0.02, 0.2, 0.6}[rng.IntN(3)]}
		if lossy := seed%4 == 3; lossy {
			p.loss, p.jitter = 0.03, 5*time.Millisecond
		}
		for i := range 2 {
			p.add(i, Config{LocalPort: 1, RemotePort: 2, ISS: wire.Seq(rng.Uint32()), MSS: 1000, ECN: mode, UserTimeout: time.Hour},
				randomBytes(rng, 30_000+rng.IntN(200_000)))
		}
		var capable [2]int
		p.sent = func(from int, s *wire.Segment) {
			if s.ECN != wire.NotECT {
				capable[from]++
			}
			e := p.ends[from].c
			if mode != wire.ECNAccurate || e.ecn == nil || e.ecn.mode != mode || s.Flags.Any(wire.SYN|wire.RST) {
				return
			}
			handshake := s.Ack == p.ends[1-from].c.id.ISS.Add(1) && s.Len() == 0
			if ace := s.Flags.ACE(); !handshake && ace != uint8(firstMarks+e.ECN().Received)&7 {
				t.Errorf("seed %d: end %d says %d, of %d marks", seed, from, ace, e.ECN().Received)
			}
		}
		p.ends[0].c.Open(p.now)
		p.ends[1].listening = true
		p.run()
		p.judge()
		for i, e := range p.ends {
			mine, theirs := e.c.ECN(), p.ends[1-i].c.ECN()
			if capable[i] == 0 || mine.Mode != mode {
				t.Errorf("seed %d: end %d sent %d ECN-capable packets, %+v", seed, i, capable[i], mine)
			}
			if mode == wire.ECNAccurate && p.loss == 0 && mine.Told != theirs.Received {
				t.Errorf("seed %d: end %d was told of %d marks, and %d arrived", seed, i, mine.Told, theirs.Received)
			}
			if e.events["congestion_marked"] == 0 && (p.marks > 0.1 || mine.Told > 0) {
				t.Errorf("seed %d: end %d never heard of congestion; %+v", seed, i, mine)
			}
		}
	}
}

// A mark is never a reason for a larger window, nor twice a reason for a smaller one: with
// a loss in the same flight, or with a timeout that came too early.
func TestAMarkAndALossReduceTheWindowOnce(t *testing.T) {
	sack := func(c *Config) {
		c.SYNOptions = append(plain(), wire.Option{Kind: wire.OptSACKPermitted})
		c.SendBuffer = 1 << 20
	}
	begin := func() *talk {
		k := start(t, func(c *Config) { sack(c); c.ECN = wire.ECNClassic })
		k.c.Open(k.now)
		k.drain()
		k.after(50 * time.Millisecond)
		k.send("SYN-ACK-ECE seq=0 ack=1 mss=1000 sackok")
		k.drain()
		k.c.Write(make([]byte, 100_000))
		k.drain()
		k.after(50 * time.Millisecond)
		return k
	}
	k := begin()
	k.send("ACK-ECE seq=1 ack=1001")
	half := k.c.reno.ssthresh
	k.drain()
	k.send("ACK-ECE seq=1 ack=1001 sack=2001-6001")
	k.said("fast_retransmit")
	if k.c.reno.ssthresh != half {
		t.Errorf("ssthresh is %d after a mark, and %d after a loss beside it", half, k.c.reno.ssthresh)
	}

	k = begin()
	k.send("ACK-ECE seq=1 ack=10001") // all that was in flight
	if k.c.reno.ssthresh != half {
		t.Errorf("ssthresh is %d after a mark on the ACK of all, %d on that of the first", k.c.reno.ssthresh, half)
	}

	k = begin()
	k.timeout()
	k.drain() // a loss probe
	k.timeout()
	k.drain()
	k.send("ACK-ECE seq=1 ack=1001")
	k.drain()
	k.send("ACK-ECE seq=1 ack=2001") // the original: the timeout came too early
	k.said("spurious_timeout")
	if k.c.reno.ssthresh > half || k.c.reno.cwnd > half {
		t.Errorf("the timeout is undone, and the mark with it: ssthresh %d, window %d", k.c.reno.ssthresh, k.c.reno.cwnd)
	}
}

func TestAKeepAliveProbeTellsOfMarks(t *testing.T) {
	k := agreed(t, wire.ECNAccurate, nil)
	var s wire.Segment
	if !k.c.KeepAliveProbe(k.now, &s) || s.Flags.ACE() != firstMarks {
		t.Errorf("%v", s.Flags)
	}
}
