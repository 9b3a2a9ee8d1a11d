package tcb

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// flying is a connection with n segments of 1000 octets under way, the first
// of which has the number 1.
func flying(t *testing.T, n int, sack bool) *talk {
	k := start(t, func(c *Config) {
		if sack {
			c.SYNOptions = append(plain(), LinuxSYNOptions()[1])
		}
	})
	k.c.Open(k.now)
	k.expect("SYN seq=0")
	k.after(50 * time.Millisecond)
	if sack {
		k.send("SYN-ACK seq=0 ack=1 mss=1000 sackok")
	} else {
		k.send("SYN-ACK seq=0 ack=1 mss=1000")
	}
	k.expect("ACK seq=1")
	k.write(strings.Repeat("x", 1000*n))
	for i := range min(n, 10) {
		k.expect(fmt.Sprintf("ACK seq=%d len=1000", 1+1000*i))
	}
	return k
}

// Requirements: MUST-19
func TestInitialWindowIsTenSegments(t *testing.T) {
	k := flying(t, 20, false)
	k.quiet()
	k.send("ACK seq=1 ack=1001") // slow start: two for one
	k.expect("ACK seq=10001 len=1000")
	k.expect("ACK seq=11001 len=1000")
	k.quiet()
}

func TestLostSynStartsFromOneSegment(t *testing.T) {
	k := start(t, nil)
	k.c.Open(k.now)
	k.expect("SYN")
	k.after(time.Second)
	k.expect("SYN")
	k.send("SYN-ACK seq=0 ack=1 mss=1000")
	k.expect("ACK")
	k.write(strings.Repeat("x", 3000))
	k.expect("ACK seq=1 len=1000")
	k.quiet()
}

// roundTrip lets pass what the handshake took.
func (k *talk) roundTrip() { k.now = k.now.Add(50 * time.Millisecond) }

func TestLimitedTransmit(t *testing.T) {
	for _, sack := range []bool{false, true} {
		k := flying(t, 14, sack)
		k.roundTrip()
		for i := range 2 {
			k.dup(i, sack)
			k.expect(fmt.Sprintf("ACK seq=%d len=1000", 10001+1000*i))
			k.quiet()
		}
	}
}

// dup plays the i-th duplicate ACK of 1, when the segments from 1001 on arrive.
func (k *talk) dup(i int, sack bool) {
	k.t.Helper()
	if sack {
		k.send(fmt.Sprintf("ACK seq=1 ack=1 sack=1001-%d", 2001+1000*i))
	} else {
		k.send("ACK seq=1 ack=1")
	}
}

func TestFastRetransmitAfterThreeDuplicates(t *testing.T) {
	for _, sack := range []bool{false, true} {
		k := flying(t, 10, sack)
		k.roundTrip()
		k.dup(0, sack)
		k.dup(1, sack)
		k.quiet()
		k.dup(2, sack)
		k.expect("ACK seq=1 len=1000")
		k.said("fast_retransmit")
		k.quiet()
		k.send("ACK seq=1 ack=10001")
		k.quiet()
		if k.c.reno.ssthresh != 5000 || k.c.reno.cwnd != 2000 {
			t.Errorf("sack %v: %+v after recovery of ten segments, and none in flight", sack, k.c.reno)
		}
		if k.c.snd.loss.recovering {
			t.Error("still recovering")
		}
	}
}

func TestAcksThatAreNoDuplicates(t *testing.T) {
	k := flying(t, 10, false)
	for i := range 5 {
		k.send(fmt.Sprintf("ACK seq=%d ack=1 win=%d", 1+i, 60000+i)) // window updates
		k.quiet()
		k.send(fmt.Sprintf(`ACK seq=%d ack=1 win=%d "d"`, 1+i, 60000+i)) // with data
		k.expect("ACK len=0")
		k.quiet()
	}
}

func TestCwndStartsAgainAfterIdleness(t *testing.T) {
	k := flying(t, 10, false)
	k.send("ACK seq=1 ack=10001")
	k.c.reno.cwnd = 50000 // as after a long transfer
	k.after(10 * time.Second)
	k.write(strings.Repeat("x", 30000))
	for i := range 10 {
		k.expect(fmt.Sprintf("ACK seq=%d len=1000", 10001+1000*i))
	}
	k.quiet()
}

func TestNoRoundTripOfASegmentThatWasSentAgainFast(t *testing.T) {
	k := flying(t, 10, false)
	for range 3 {
		k.send("ACK seq=1 ack=1")
	}
	k.expect("ACK seq=1 len=1000") // the segment that is timed
	before, _ := k.c.SRTT()
	k.after(500 * time.Millisecond)
	k.send("ACK seq=1 ack=10001")
	if srtt, _ := k.c.SRTT(); srtt != before {
		t.Errorf("SRTT from %v to %v", before, srtt)
	}
}

func TestHolesAreFilledWhenThereIsNothingElseToSend(t *testing.T) {
	k := flying(t, 8, true) // 1 and 6001 are lost
	k.roundTrip()
	k.send("ACK seq=1 ack=1 sack=1001-3001")
	k.send("ACK seq=1 ack=1 sack=1001-6001")
	k.send("ACK seq=1 ack=1 sack=7001-8001,1001-6001")
	k.expect("ACK seq=1 len=1000")
	k.expect("ACK seq=6001 len=1000") // one run above it only: by NextSeg's third rule
	k.quiet()
}

func TestPartialAckDeflatesWhatDuplicatesLetOut(t *testing.T) {
	k := flying(t, 30, false) // 1 and 8001 are lost
	for range 9 {
		k.send("ACK seq=1 ack=1")
	}
	for k.pending() {
		var s wire.Segment
		k.c.Next(k.now, &s)
	}
	flight, cwnd := k.c.flight(), k.c.reno.cwnd
	k.send("ACK seq=1 ack=8001")
	k.expect("ACK seq=8001 len=1000")
	for k.pending() {
		var s wire.Segment
		k.c.Next(k.now, &s)
	}
	if under := k.c.flight(); under > flight-7000+1000 || k.c.inNetwork() > cwnd {
		t.Errorf("%d octets in flight, %d held to be under way, cwnd %d", under, k.c.inNetwork(), cwnd)
	}
}

func TestNoBurstAfterRecovery(t *testing.T) {
	r := newReno(1000)
	r.halve(10000)
	if r.cwnd != 5000 || r.ssthresh != 5000 {
		t.Fatalf("%+v", r)
	}
	r.recovered(500)
	if r.cwnd != 2000 {
		t.Fatalf("%+v, though little is in flight", r)
	}
	r.halve(20000)
	r.recovered(20000)
	if r.cwnd != 10000 {
		t.Fatalf("%+v", r)
	}
}

func TestNewRenoRepairsTwoHoles(t *testing.T) {
	k := flying(t, 10, false) // 1 and 4001 are lost
	for range 3 {
		k.send("ACK seq=1 ack=1")
	}
	k.expect("ACK seq=1 len=1000")
	k.quiet()
	for range 5 {
		k.send("ACK seq=1 ack=1")
	}
	k.quiet()
	k.send("ACK seq=1 ack=4001") // a partial ACK
	k.expect("ACK seq=4001 len=1000")
	k.quiet()
	k.send("ACK seq=1 ack=10001")
	k.quiet()
}

func TestSACKRepairsEveryHoleInOneRoundTrip(t *testing.T) {
	k := flying(t, 10, true) // 1, 3001 and 5001 are lost
	k.roundTrip()
	k.send("ACK seq=1 ack=1 sack=1001-2001")
	k.send("ACK seq=1 ack=1 sack=1001-3001")
	k.quiet()
	k.send("ACK seq=1 ack=1 sack=4001-5001,1001-3001")
	k.expect("ACK seq=1 len=1000")
	k.quiet()
	k.send("ACK seq=1 ack=1 sack=6001-7001,4001-5001,1001-3001")
	k.send("ACK seq=1 ack=1 sack=6001-8001,4001-5001,1001-3001")
	k.send("ACK seq=1 ack=1 sack=6001-10001,4001-5001,1001-3001")
	k.expect("ACK seq=3001 len=1000")
	k.expect("ACK seq=5001 len=1000")
	k.quiet()
	k.send("ACK seq=1 ack=10001")
	k.quiet()
	if !k.c.Flushed() {
		t.Error("not flushed")
	}
}

func TestForgedSACKBlocksAreOfNoEffect(t *testing.T) {
	k := flying(t, 3, true)
	for _, blocks := range []string{"9001-10001", "2001-90001", "3001-2001", "-5000-1", "1001-1001", "-100-2001"} {
		k.send("ACK seq=1 ack=1 sack=" + blocks)
		if n := k.c.snd.loss.board.sacked; n != 0 {
			t.Errorf("%s: %d octets", blocks, n)
		}
	}
	k.quiet()
}

func TestTimeoutForgetsWhatWasSACKed(t *testing.T) {
	k := flying(t, 3, true)
	k.roundTrip()
	k.send("ACK seq=1 ack=1 sack=1001-2001") // and then the peer gives it up
	k.quiet()
	k.timeout()
	k.expect("ACK seq=1 len=1000") // RACK's timer
	k.quiet()
	k.timeout()
	k.expect("ACK seq=1 len=1000")
	k.quiet() // cwnd is one segment
	k.send("ACK seq=1 ack=1001")
	k.expect("ACK seq=1001 len=1000")
	k.expect("ACK seq=2001 len=1000")
}

// A peer that gives up what it acknowledged selectively, and acknowledges only
// what is before it, is sent it again after a timeout.
func TestWhatThePeerGaveUpIsSentAgain(t *testing.T) {
	k := flying(t, 3, true)
	k.roundTrip()
	k.send("ACK seq=1 ack=1 sack=1001-3001")
	k.timeout()
	k.expect("ACK seq=1 len=1000")
	k.roundTrip()
	k.send("ACK seq=1 ack=1001")
	for k.c.snd.tries == 0 {
		k.quiet()
		k.timeout()
	}
	k.expect("ACK seq=1001 len=1000")
	k.send("ACK seq=1 ack=2001")
	k.expect("PSH-ACK seq=2001 len=1000")
	k.send("ACK seq=1 ack=3001")
	if !k.c.Flushed() {
		t.Error("not flushed")
	}
}

func TestNoFastRetransmitWhileATimeoutIsRepaired(t *testing.T) {
	k := flying(t, 5, false)
	k.quiet()
	k.after(time.Second)
	k.expect("ACK seq=1 len=1000")
	for range 5 {
		k.send("ACK seq=1 ack=1")
	}
	k.quiet()
	if k.c.snd.loss.recovering {
		t.Error("in fast recovery")
	}
}

// Requirements: MUST-19
func TestSlowStartEndsAtSsthresh(t *testing.T) {
	r := newReno(1000)
	r.timedOut(10000, false)
	if r.cwnd != 1000 || r.ssthresh != 5000 {
		t.Fatalf("%+v", r)
	}
	for range 4 {
		r.acked(1000)
	}
	if r.cwnd != 5000 {
		t.Fatalf("%+v", r)
	}
	for range 5 {
		r.acked(1000)
	}
	if r.cwnd != 6000 {
		t.Fatalf("avoidance: %+v", r)
	}
	r.timedOut(6000, true)
	if r.ssthresh != 5000 {
		t.Fatalf("a second timeout of the same octets: %+v", r)
	}
}

func TestHolesAreReportedTheLatestFirst(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNOptions = append(plain(), LinuxSYNOptions()[1]) })
	k.c.Open(k.now)
	k.expect("SYN sackok")
	k.send("SYN-ACK seq=0 ack=1 sackok")
	k.expect("ACK seq=1")
	k.send(`ACK seq=11 ack=1 "a"`)
	k.expect("ACK ack=1 sack=11-12")
	k.send(`ACK seq=21 ack=1 "b"`)
	k.expect("ACK ack=1 sack=21-22,11-12")
	k.send(`ACK seq=12 ack=1 "c"`)
	k.expect("ACK ack=1 sack=11-13,21-22")
	for i := range 4 {
		k.send(fmt.Sprintf(`ACK seq=%d ack=1 "d"`, 31+10*i))
	}
	k.expect("ACK ack=1 sack=61-62,51-52,41-42,31-32")
	k.send(`ACK seq=1 ack=1 "0123456789"`)
	k.expect("ACK ack=13 sack=61-62,51-52,41-42,31-32")
}

func TestNoSACKWithoutPermission(t *testing.T) {
	k := established(t, nil)
	k.send(`ACK seq=11 ack=1 "a"`)
	if s := k.expect("ACK ack=1"); !s.Options.IsZero() {
		t.Errorf("options % x", s.Options.Raw())
	}
}

func TestLeastAndInitialWindows(t *testing.T) {
	r := newReno(1000)
	r.timedOut(1000, false)
	if r.ssthresh != 2000 {
		t.Errorf("ssthresh %d, at least two segments (RFC 5681, (4))", r.ssthresh)
	}
	for mss, want := range map[int]int{536: 5360, 1460: 14600, 9000: 18000} {
		if got := newReno(mss).cwnd; got != want {
			t.Errorf("initial window of %d for segments of %d, want %d (RFC 6928)", got, mss, want)
		}
	}
}

func TestSegmentsLeaveRoomForTheirOptions(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNOptions = nil })
	k.c.Open(k.now)
	k.expect("SYN")
	k.send("SYN-ACK seq=0 ack=1 mss=1000 sackok ts=1,0")
	k.expect("ACK seq=1")
	k.write(strings.Repeat("x", 1100))
	k.expect("ACK seq=1 len=988")
	for i := range 5 {
		k.send(fmt.Sprintf(`ACK seq=%d ack=1 ts=1,0 "d"`, 11+10*i))
	}
	k.write(strings.Repeat("x", 1100))
	if s := k.expect("ACK seq=989 len=960"); s.HeaderLen()-wire.TCPHeaderLen != 40 {
		t.Errorf("%d octets of options", s.HeaderLen()-wire.TCPHeaderLen)
	}
}
