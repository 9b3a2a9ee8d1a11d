package tcb

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// sends takes everything that is due, and returns where each segment begins.
func (k *talk) sends() (seqs []int) {
	var s wire.Segment
	for k.c.Next(k.now, &s) {
		seqs = append(seqs, s.Seq.Minus(testISS))
	}
	return seqs
}

// resending is a connection that has just sent its first segment again. What
// stands from the returned number on was sent later, and is three segments at
// least.
func resending(t *testing.T) (k *talk, mark int) {
	k = flying(t, 40, true)
	k.roundTrip()
	for i := range 3 {
		k.dup(i, true)
	}
	if seqs := k.sends(); !slices.Contains(seqs, 1) {
		t.Fatalf("sent %v, and not the first again", seqs)
	}
	mark = k.c.snd.nxt.Minus(testISS)
	k.send(fmt.Sprintf("ACK seq=1 ack=1 sack=1001-%d", mark))
	seqs := k.sends()
	if len(seqs) < dupThresh || slices.Min(seqs) < mark {
		t.Fatalf("sent %v, want three new segments or more, and nothing before %d: that could not arrive yet", seqs, mark)
	}
	return k, mark
}

// TestALostRetransmissionIsNoticedBeforeATimeout loses segment 1 twice: as what
// was sent after it was sent again arrives, it is sent a third time.
func TestALostRetransmissionIsNoticedBeforeATimeout(t *testing.T) {
	k, mark := resending(t)
	ssthresh := k.c.reno.ssthresh
	k.roundTrip()
	k.send(fmt.Sprintf("ACK seq=1 ack=1 sack=1001-%d", mark+1000))
	if seqs := k.sends(); !slices.Contains(seqs, 1) {
		t.Errorf("sent %v, want the first segment a third time", seqs)
	}
	if k.c.reno.ssthresh >= ssthresh {
		t.Errorf("ssthresh is %d, and was %d: the loss of a retransmission must lower it (RFC 5681, section 4.3)", k.c.reno.ssthresh, ssthresh)
	}
	k.send(fmt.Sprintf("ACK seq=1 ack=1 sack=1001-%d", mark+2000))
	if seqs := k.sends(); slices.Contains(seqs, 1) {
		t.Errorf("sent %v: the third is not lost by what tells of the second", seqs)
	}
}

// TestARetransmissionThatArrivesIsNotSentAgain acknowledges it late.
func TestARetransmissionThatArrivesIsNotSentAgain(t *testing.T) {
	k, mark := resending(t)
	k.send(fmt.Sprintf("ACK seq=1 ack=%d", mark+3000))
	if seqs := k.sends(); len(seqs) > 0 && slices.Min(seqs) < mark {
		t.Errorf("sent %v again, and all before %d was acknowledged", seqs, mark+3000)
	}
}

// near reports whether two times differ by less than a microsecond: what is sent
// at one instant has its order in nanoseconds.
func near(a, b time.Duration) bool { return (a - b).Abs() < time.Microsecond }

// A segment that later ones overtook may still arrive for a quarter of the
// shortest round trip (RFC 8985, section 6.2, step 4). Then it is lost.
func TestTheReorderingTimerFindsALoss(t *testing.T) {
	k := flying(t, 3, true)
	k.roundTrip()
	k.send("ACK seq=1 ack=1 sack=1001-3001") // two, of three that DupThresh asks for
	k.quiet()
	if wait := k.timeout(); !near(wait, 50*time.Millisecond/4) {
		t.Errorf("it waits for %v", wait)
	}
	k.expect("ACK seq=1 len=1000")
	k.said("fast_retransmit")
	k.quiet()
}

// What arrives within that time was late and not lost. From then on the peer's
// path is known to reorder, and three segments that overtake one mean nothing.
func TestReorderingIsNoLoss(t *testing.T) {
	k := flying(t, 10, true)
	k.roundTrip()
	k.send("ACK seq=1 ack=1 sack=1001-3001")
	k.send("ACK seq=1 ack=3001")
	k.sends()
	k.send("ACK seq=1 ack=3001 sack=4001-10001")
	if seqs := k.sends(); slices.Contains(seqs, 3001) {
		t.Errorf("sent %v: six segments overtook one, on a path that reorders", seqs)
	}
	k.timeout()
	if seqs := k.sends(); !slices.Contains(seqs, 3001) {
		t.Errorf("sent %v, want what never arrived", seqs)
	}
}

// Each round trip with a DSACK widens the window by as much again, up to the
// smoothed round trip, and sixteen recoveries without one make it small again.
func TestDSACKsWidenTheReorderingWindow(t *testing.T) {
	k := flying(t, 10, true)
	k.roundTrip()
	k.send("ACK seq=1 ack=1 sack=1001-2001")
	k.send("ACK seq=1 ack=2001")
	next := 2001
	for i := range 6 {
		if got, want := k.c.reorderWindow(), min(time.Duration(i+1)*50*time.Millisecond/4, k.c.rtt.srtt); !near(got, want) {
			t.Errorf("after %d DSACKs: %v, want %v", i, got, want)
		}
		k.sends()
		for range 2 { // the second is of the same round trip
			k.send(fmt.Sprintf("ACK seq=1 ack=%d sack=%d-%d", next, next-1000, next))
		}
		k.roundTrip()
		k.send(fmt.Sprintf("ACK seq=1 ack=%d", k.c.snd.nxt.Minus(testISS)))
		next = k.c.snd.nxt.Minus(testISS)
		k.write(string(make([]byte, 5000)))
	}
	for range reoPersist {
		if k.c.snd.loss.rack.mult == 0 {
			t.Fatal("narrow too soon")
		}
		k.c.snd.loss.rack.recovered()
	}
	if k.c.snd.loss.rack.mult != 0 {
		t.Error("wide after sixteen recoveries")
	}
}

func TestIsDSACK(t *testing.T) {
	block := func(l, r int) wire.SACKBlock { return wire.SACKBlock{Left: wire.Seq(l), Right: wire.Seq(r)} }
	for _, tc := range []struct {
		name   string
		blocks []wire.SACKBlock
		want   bool
	}{
		{"none", nil, false},
		{"beyond the acknowledgment", []wire.SACKBlock{block(200, 300)}, false},
		{"below it", []wire.SACKBlock{block(50, 100)}, true},
		{"within the second", []wire.SACKBlock{block(300, 350), block(200, 400)}, true},
		{"beside the second", []wire.SACKBlock{block(300, 350), block(400, 500)}, false},
		{"no octets", []wire.SACKBlock{block(50, 50)}, false},
	} {
		if got := isDSACK(100, tc.blocks); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

// expiring is a connection just before a timeout of the segment at 9001, which
// has just sent two more.
func expiring(t *testing.T) *talk {
	k := flying(t, 10, true)
	k.roundTrip()
	k.send("ACK seq=1 ack=9001")
	k.sends()
	at, _ := k.c.Deadline()
	k.now = at.Add(-time.Millisecond)
	k.c.stopProbe()
	k.c.snd.loss.probe.out = true // else one would come first
	k.write(string(make([]byte, 2000)))
	k.expect("ACK seq=10001 len=1000")
	k.expect("ACK seq=11001 len=1000")
	return k
}

// After a timeout only the first segment is lost, and what was sent so long ago
// that it should have arrived: what was sent a moment before is not (RFC 8985,
// section 6.3). F-RTO's two segments go out although that still fills cwnd.
func TestATimeoutSparesWhatWasJustSent(t *testing.T) {
	k := expiring(t)
	k.timeout()
	k.expect("ACK seq=9001 len=1000")
	k.quiet()
	if n := k.c.snd.loss.board.lost; n != 0 {
		t.Errorf("%d octets more are lost", n)
	}
	k.write(string(make([]byte, 5000)))
	k.quiet()
	k.send("ACK seq=1 ack=10001")
	if seqs := k.sends(); !slices.Equal(seqs, []int{12001, 13001}) {
		t.Errorf("sent %v, want two new segments", seqs)
	}
}

// What the peer has acknowledged selectively, and a timeout forgets, is lost
// whenever it was sent.
func TestATimeoutLosesWhatItForgets(t *testing.T) {
	k := expiring(t)
	k.c.snd.loss.board.mark(2, isSacked)
	k.timeout()
	k.expect("ACK seq=9001 len=1000")
	if b := &k.c.snd.loss.board; b.sacked != 0 || b.lost != 1000 {
		t.Errorf("%d octets are lost, and %d have arrived", b.lost, b.sacked)
	}
}

// The retransmission of the first segment starts the timer anew, but not the time
// after which the peer is given up.
func TestTheTimerStartsAnewWithTheFirstSegment(t *testing.T) {
	k := flying(t, 40, true)
	k.roundTrip()
	since := k.c.snd.since
	for i := range 3 {
		k.dup(i, true)
	}
	k.sends()
	if at := k.c.timers[timerRetransmit]; at != k.now.Add(k.c.rtt.rto) || k.c.snd.since != since {
		t.Errorf("timeout in %v of an RTO of %v", at.Sub(k.now), k.c.rtt.rto)
	}
}

// An acknowledgment of a retransmission that can only be of the original says
// nothing about when the retransmission arrived.
func TestTheOriginalsAcknowledgmentDoesNotTimeTheRetransmission(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNOptions, c.MSS = nil, 1012 })
	k.c.Open(k.now)
	k.expect("SYN")
	k.after(50 * time.Millisecond)
	k.send("SYN-ACK seq=0 ack=1 mss=1012 sackok ts=1,0")
	k.expect("ACK seq=1")
	k.write(string(make([]byte, 3000)))
	sent := k.c.tsVal(k.now)
	k.sends()
	k.roundTrip()
	k.send(fmt.Sprintf("ACK seq=1 ack=1 sack=1001-3001 ts=2,%d", sent))
	k.timeout()
	k.expect("ACK seq=1 len=1000")
	before := k.c.snd.loss.rack
	k.now = k.now.Add(60 * time.Millisecond)
	k.send(fmt.Sprintf("ACK seq=1 ack=1001 ts=3,%d", sent))
	if after := k.c.snd.loss.rack; after.sent != before.sent || after.rtt != before.rtt {
		t.Errorf("%+v, was %+v", after, before)
	}
}

// A peer that acknowledges every second octet of what it got, or a user who
// writes octet by octet, makes the scoreboard no longer than its limit.
func TestTheScoreboardIsBounded(t *testing.T) {
	k := flying(t, 60, true)
	k.roundTrip()
	for i := 1; i < 9000; i += 8 {
		k.send(fmt.Sprintf("ACK seq=1 ack=1 sack=%d-%d,%d-%d,%d-%d", i, i+1, i+2, i+3, i+4, i+5))
		k.sends()
		if why := k.c.boardUnsound(); why != "" {
			t.Fatal(why)
		}
	}
	k = start(t, func(c *Config) { c.SendBuffer = 1 << 10 })
	k.c.Open(k.now)
	k.expect("SYN")
	k.send("SYN-ACK seq=0 ack=1 mss=1000")
	k.sends()
	for range 1000 {
		k.write("x")
		k.sends()
	}
	if n := len(k.c.snd.loss.board.list()); n > k.c.cfg.boardLimit() {
		t.Errorf("%d segments in flight", n)
	}
	k.send(fmt.Sprintf("ACK seq=1 ack=%d", k.c.snd.nxt.Minus(testISS)))
	if n := len(k.sends()); n != 1 {
		t.Errorf("%d segments for what had to wait", n)
	}
}
