package tcb

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// The last of three segments is lost: two round trips later it goes out again,
// and its acknowledgment repairs the loss long before the timeout.
func TestALossAtTheTailIsProbed(t *testing.T) {
	k := flying(t, 3, true)
	k.roundTrip()
	k.send("ACK seq=1 ack=1001")
	k.quiet()
	if wait := k.timeout(); !near(wait, 2*k.c.rtt.srtt) {
		t.Errorf("probe after %v, SRTT %v", wait, k.c.rtt.srtt)
	}
	k.expect("ACK seq=2001 len=1000")
	k.said("loss_probe")
	k.quiet()
	k.roundTrip()
	k.send("ACK seq=1 ack=1001 sack=2001-3001")
	k.expect("ACK seq=1001 len=1000")
	k.said("fast_retransmit")
}

// New octets are the better probe, also beyond the congestion window.
func TestAProbeIsNewWhereThereIsMore(t *testing.T) {
	k := flying(t, 20, true)
	k.quiet()
	k.timeout()
	k.expect("ACK seq=10001 len=1000")
	k.said("loss_probe")
	k.quiet()
}

// The acknowledgment of a single segment may be delayed: its probe comes at the
// time of the timeout, which is put off.
func TestAProbeOfASingleSegmentComesLate(t *testing.T) {
	k := flying(t, 1, true)
	if wait := k.timeout(); wait != time.Second {
		t.Errorf("probe after %v", wait)
	}
	k.expect("PSH-ACK seq=1 len=1000")
	k.said("loss_probe")
	for _, want := range []time.Duration{time.Second, 2 * time.Second} {
		if wait := k.timeout(); wait != want {
			t.Errorf("timeout after %v, want %v", wait, want)
		}
		k.expect("PSH-ACK seq=1 len=1000")
		k.said("retransmission")
	}
}

// A probe that repaired a loss is a sign of congestion. One whose octets had
// arrived, as a DSACK or a duplicate acknowledgment says, is none.
func TestWhatAProbeRepairedIsCongestion(t *testing.T) {
	for _, tc := range []struct {
		name    string
		answers []string
		halved  bool
	}{
		{"it repaired", []string{"ACK seq=1 ack=3001", "ACK seq=1 ack=4001"}, true},
		{"DSACK", []string{"ACK seq=1 ack=3001", "ACK seq=1 ack=3001 sack=2001-3001", "ACK seq=1 ack=4001"}, false},
		{"duplicate", []string{"ACK seq=1 ack=3001", "ACK seq=1 ack=3001", "ACK seq=1 ack=4001"}, false},
	} {
		k := flying(t, 3, true)
		k.roundTrip()
		k.timeout()
		k.expect("PSH-ACK seq=2001 len=1000")
		cwnd := k.c.reno.cwnd
		for i, answer := range tc.answers {
			k.send(answer)
			if i == 0 {
				k.write(string(make([]byte, 1000)))
				k.sends()
			}
		}
		if halved := k.c.reno.cwnd < cwnd; halved != tc.halved {
			t.Errorf("%s: cwnd was %d and is %d", tc.name, cwnd, k.c.reno.cwnd)
		}
	}
}

// A peer that acknowledges nothing is not probed for ever: there is one probe,
// then timeouts that double, and the end at the user timeout.
func TestProbesDoNotKeepASilentPeerAlive(t *testing.T) {
	k := flying(t, 3, true)
	k.roundTrip()
	began, probes := k.now, 0
	for k.c.State() == Established {
		k.timeout()
		k.sends()
		if slices.Contains(k.log, "loss_probe") {
			probes++
			k.log = nil
		}
	}
	if took := k.now.Sub(began); probes != 1 || took > DefaultUserTimeout {
		t.Errorf("%d probes, and the end after %v", probes, took)
	}
}

// Without SACK nothing could be learned from a probe; nor is a closed window
// probed by one.
func TestWhereThereIsNoLossProbe(t *testing.T) {
	k := flying(t, 3, false)
	if wait := k.timeout(); wait != time.Second {
		t.Errorf("without SACK something is due after %v", wait)
	}
	k = flying(t, 3, true)
	k.send("ACK seq=1 ack=1001 win=0")
	k.timeout()
	k.expect("ACK seq=1001 len=1")
	k.said("window_probe")
}

// The receiver of what it already has says so, once (RFC 2883).
func TestADuplicateIsReportedFirst(t *testing.T) {
	k := start(t, func(c *Config) { c.SYNOptions = append(plain(), LinuxSYNOptions()[1]) })
	k.c.Open(k.now)
	k.expect("SYN sackok")
	k.send("SYN-ACK seq=0 ack=1 sackok")
	k.expect("ACK seq=1")
	k.send(`ACK seq=1 ack=1 "hello"`)
	k.expect("ACK ack=6")
	k.send(`ACK seq=1 ack=1 "hello"`)
	k.expect("ACK ack=6 sack=1-6")
	k.send(`ACK seq=4 ack=1 "loww"`)
	k.expect("ACK ack=8 sack=4-6")
	k.send(`ACK seq=11 ack=1 "beyond"`)
	k.expect("ACK ack=8 sack=11-17")
	k.send(`ACK seq=12 ack=1 "eyo"`)
	k.expect("ACK ack=8 sack=12-15,11-17")
	k.send(`ACK seq=15 ack=1 "nder"`)
	k.expect("ACK ack=8 sack=11-19")
	k.read("helloww")
	for i := range 5 {
		k.send(fmt.Sprintf(`ACK seq=%d ack=1 "x"`, 30+10*i))
		k.sends()
	}
	k.send(`ACK seq=2 ack=1 "ell"`)
	k.expect("ACK ack=8 sack=2-5,70-71,60-61,50-51")
}
