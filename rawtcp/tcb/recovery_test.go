package tcb

import (
	"fmt"
	"strings"
	"testing"
	"time"
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

func TestLimitedTransmit(t *testing.T) {
	for _, sack := range []bool{false, true} {
		k := flying(t, 14, sack)
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
		k.dup(0, sack)
		k.dup(1, sack)
		k.quiet()
		k.dup(2, sack)
		k.expect("ACK seq=1 len=1000")
		k.said("fast_retransmit")
		k.quiet()
		k.send("ACK seq=1 ack=10001")
		k.quiet()
		if k.c.reno.cwnd > 5000 || k.c.reno.cwnd < 2000 {
			t.Errorf("sack %v: cwnd is %d after recovery from ten segments", sack, k.c.reno.cwnd)
		}
		if k.c.snd.loss.recovering {
			t.Error("still recovering")
		}
	}
}

func TestAcksThatAreNoDuplicates(t *testing.T) {
	k := flying(t, 10, false)
	for i := range 5 {
		k.send(fmt.Sprintf("ACK seq=1 ack=1 win=%d", 60000+i)) // window updates
		k.send(fmt.Sprintf(`ACK seq=%d ack=1 "d"`, 1+i))       // with data
	}
	for range 2 {
		k.send("ACK seq=1 ack=1 win=60004") // old, and two duplicates at most
	}
	for k.pending() {
		if s := k.expect("ACK"); len(s.Payload) > 0 {
			t.Fatal("a retransmission")
		}
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
		if n := len(k.c.snd.loss.sacked); n != 0 {
			t.Errorf("%s: %v", blocks, k.c.snd.loss.sacked)
		}
	}
	k.quiet()
}

func TestTimeoutForgetsWhatWasSACKed(t *testing.T) {
	k := flying(t, 3, true)
	k.send("ACK seq=1 ack=1 sack=1001-2001") // and then the peer gives it up
	k.quiet()
	k.after(time.Second)
	k.expect("ACK seq=1 len=1000")
	k.quiet() // cwnd is one segment
	k.send("ACK seq=1 ack=1001")
	k.expect("ACK seq=1001 len=1000")
	k.expect("ACK seq=2001 len=1000")
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
