package tcb

import (
	"fmt"
	"slices"
	"testing"
)

// timedOut is a connection whose first of ten segments was just sent again after
// a timeout, with more to send. The loss probe has come before: the octets from
// the returned number on were never sent.
func timedOut(t *testing.T, segments int) (k *talk, next int) {
	k = flying(t, segments, true)
	k.roundTrip()
	k.timeout()
	k.sends()
	k.said("loss_probe")
	next = k.c.snd.nxt.Minus(testISS)
	k.timeout()
	k.expect("ACK seq=1 len=1000")
	k.quiet()
	return k, next
}

// The acknowledgments were late, and nothing was lost: two new segments find out,
// nothing else is sent again, and the congestion window is what it was.
func TestASpuriousTimeoutIsUndone(t *testing.T) {
	k, next := timedOut(t, 40)
	k.roundTrip()
	k.send("ACK seq=1 ack=1001")
	if seqs := k.sends(); !slices.Equal(seqs, []int{next, next + 1000}) {
		t.Fatalf("sent %v, want two new segments from %d on", seqs, next)
	}
	k.send("ACK seq=1 ack=2001")
	k.said("spurious_timeout")
	k.send("ACK seq=1 ack=6001")
	if seqs := k.sends(); len(seqs) == 0 || slices.Min(seqs) <= next {
		t.Errorf("sent %v, want new segments only", seqs)
	}
	if k.c.reno.cwnd < 10000 || k.c.repairing() {
		t.Errorf("cwnd %d after a flight of ten segments, %v", k.c.reno.cwnd, k.c.snd.loss.recoveryPoint)
	}
	if why := k.c.boardUnsound(); why != "" {
		t.Error(why)
	}
}

// Only the new segments arrive: the rest was lost, and is sent again.
func TestAGenuineTimeoutIsRepaired(t *testing.T) {
	k, next := timedOut(t, 40)
	k.roundTrip()
	k.send("ACK seq=1 ack=1001")
	k.sends()
	k.roundTrip()
	k.send(fmt.Sprintf("ACK seq=1 ack=1001 sack=%d-%d", next, next+1000))
	if seqs := k.sends(); !slices.Contains(seqs, 1001) {
		t.Errorf("sent %v, want the second segment again", seqs)
	}
	if slices.Contains(k.log, "spurious_timeout") || k.c.reno.cwnd > 4000 {
		t.Errorf("cwnd is %d: %v", k.c.reno.cwnd, k.log)
	}
}

// Only the arrival of what was sent once, before the timeout, and was not known
// to have arrived, tells that nothing was lost.
func TestWhatUndoesATimeout(t *testing.T) {
	for _, tc := range []struct {
		name  string
		marks mark
		right int
		want  bool
	}{
		{"sent once", isLost, 2001, true},
		{"sent twice", isResent, 2001, false},
		{"known before the timeout", isLost | isOld, 2001, false},
		{"sent after the timeout", 0, 90001, false},
	} {
		k, _ := timedOut(t, 40)
		s := k.parse("ACK seq=1 ack=1", testIRS, testISS)
		k.c.arrived(k.now, &s, &segment{right: testISS.Add(tc.right), marks: tc.marks, sent: k.now})
		if got := k.c.snd.loss.frto.original; got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

// Where there is nothing new to send the rest is sent again at once, and a second
// timeout in a row is not examined.
func TestWhatFRTODoesNotExamine(t *testing.T) {
	k, _ := timedOut(t, 10)
	k.roundTrip()
	k.send("ACK seq=1 ack=1001")
	if seqs := k.sends(); !slices.Contains(seqs, 1001) {
		t.Errorf("sent %v, want the second segment again", seqs)
	}
	k, _ = timedOut(t, 40)
	k.timeout()
	k.expect("ACK seq=1 len=1000")
	k.roundTrip()
	k.send("ACK seq=1 ack=1001")
	if seqs := k.sends(); !slices.Contains(seqs, 1001) {
		t.Errorf("sent %v, want the second segment again", seqs)
	}
}

// The acknowledgment of all that was in flight ends the examination.
func TestAnAcknowledgmentOfEverythingIsNoSign(t *testing.T) {
	k, next := timedOut(t, 40)
	k.roundTrip()
	k.send(fmt.Sprintf("ACK seq=1 ack=%d", next))
	k.sends()
	if k.c.snd.loss.frto.step != frtoOff || slices.Contains(k.log, "spurious_timeout") {
		t.Errorf("%+v, %v", k.c.snd.loss.frto, k.log)
	}
}
