package tcb

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Whatever an established peer sends, as long as something of ours is unacknowledged a
// timer runs, so that the connection ends at the latest with the user timeout; nothing is
// sent without end; and the scoreboard stays sound.
func TestAHostilePeerNeverStopsTheClock(t *testing.T) {
	for seed := range uint64(4000) {
		rng := rand.New(rand.NewPCG(seed, 99))
		k := hostileTalk(t, rng)
		for step := range 120 {
			if k.c.state == Closed {
				break
			}
			k.hostileStep(rng, step)
			if n := k.drain(); n > 1000 {
				t.Fatalf("seed %d: %d segments at once", seed, n)
			}
			if why := k.c.boardUnsound(); why != "" {
				t.Fatalf("seed %d, step %d: %s", seed, step, why)
			}
			if _, runs := k.c.Deadline(); !runs && k.c.state != Closed && k.c.snd.una != k.c.sendEnd() {
				t.Fatalf("seed %d, step %d: no timer, with %d octets in flight and a window of %d", seed, step, k.c.flight(), k.c.snd.wnd)
			}
			for n := 0; ; n++ {
				at, runs := k.c.Deadline()
				if !runs || k.now.Before(at) {
					break
				}
				if k.c.Advance(k.now); n > 50 {
					t.Fatalf("seed %d, step %d: Advance leaves a deadline in the past", seed, step)
				}
				k.drain()
			}
		}
	}
}

// hostileTalk is a connection with much to send, of one kind or another.
func hostileTalk(t *testing.T, rng *rand.Rand) *talk {
	k := &talk{t: t, now: Instant(time.Hour)}
	mode := wire.ECNMode(rng.IntN(3))
	cfg := Config{LocalPort: 40000, RemotePort: 443, ISS: testISS, MSS: 1000, SYNOptions: plain(), ECN: mode,
		UserTimeout: 10 * time.Hour, AckDelay: 40 * time.Millisecond}
	answer := k.parse("SYN-ACK"+map[wire.ECNMode]string{wire.ECNClassic: "-ECE", wire.ECNAccurate: "-CWR"}[mode]+" seq=0 ack=1 mss=1000", testIRS, testISS)
	if rng.IntN(4) != 0 {
		cfg.SYNOptions = append(cfg.SYNOptions, wire.Option{Kind: wire.OptSACKPermitted})
		answer.Options.AddSACKPermitted()
	}
	k.c = New(cfg)
	k.c.Open(k.now)
	k.drain()
	k.now = k.now.Add(50 * time.Millisecond)
	k.c.Receive(k.now, &answer)
	k.c.Write(make([]byte, 1000*(1+rng.IntN(60))))
	k.drain()
	return k
}

func (k *talk) hostileStep(rng *rand.Rand, step int) {
	c := k.c
	switch x := rng.IntN(20); {
	case x < 3:
		if at, runs := c.Deadline(); runs {
			k.now = max(k.now, at)
			c.Advance(k.now)
		}
	case x == 3:
		c.Write(make([]byte, rng.IntN(3000)))
	case x == 4 && step > 80:
		c.CloseWrite()
	case x == 5 && rng.IntN(5) == 0:
		c.TooBig(k.now, c.snd.una, 500+rng.IntN(600))
	default:
		k.now = k.now.Add(time.Duration(rng.IntN(60)) * time.Millisecond)
		s := k.hostileSegment(rng)
		c.Receive(k.now, &s)
	}
}

// hostileSegment acknowledges this and that, with any window, marks and blocks.
func (k *talk) hostileSegment(rng *rand.Rand) wire.Segment {
	c, flight := k.c, k.c.flight()
	s := wire.Segment{SrcPort: 443, DstPort: 40000, Flags: wire.ACK, Window: 65535, Seq: c.rcv.nxt, ECN: wire.ECN(rng.IntN(4))}
	s.Ack = c.snd.una.Add(min(flight, []int{0, rng.IntN(flight + 1), 1000 * rng.IntN(4), 1000, flight}[rng.IntN(5)]))
	if rng.IntN(4) == 0 {
		s.Window = []uint16{0, 0, 1, 500, 3000, 9000}[rng.IntN(6)]
	}
	if flight > 0 && rng.IntN(2) == 0 {
		var blocks []wire.SACKBlock
		for range 1 + rng.IntN(3) {
			left := s.Ack.Add(rng.IntN(flight+1) - rng.IntN(1500))
			blocks = append(blocks, wire.SACKBlock{Left: left, Right: left.Add(rng.IntN(3000))})
		}
		s.Options.AddSACK(blocks...)
	}
	s.Flags |= wire.ACE(uint8(rng.IntN(8)))
	if rng.IntN(4) == 0 {
		s.Payload = make([]byte, rng.IntN(100))
		s.Seq = s.Seq.Add(rng.IntN(3) * 50)
	}
	if rng.IntN(40) == 0 {
		s.Flags |= wire.SYN
		s.Seq = testIRS
	}
	return s
}
