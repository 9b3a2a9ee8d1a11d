package tcb

import (
	"fmt"
	"slices"
	"testing"

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

// TestALostRetransmissionIsNoticedBeforeATimeout loses segment 1 twice: as
// three segments arrive that were sent after it was sent again, it is sent a
// third time.
func TestALostRetransmissionIsNoticedBeforeATimeout(t *testing.T) {
	k, mark := resending(t)
	cwnd := k.c.reno.cwnd
	k.send(fmt.Sprintf("ACK seq=1 ack=1 sack=1001-%d", mark+2000))
	if seqs := k.sends(); slices.Contains(seqs, 1) {
		t.Errorf("sent %v: two later ones do not make a loss", seqs)
	}
	k.send(fmt.Sprintf("ACK seq=1 ack=1 sack=1001-%d", mark+3000))
	if seqs := k.sends(); !slices.Contains(seqs, 1) {
		t.Errorf("sent %v, want the first segment a third time", seqs)
	}
	if k.c.reno.cwnd >= cwnd {
		t.Errorf("cwnd is %d, and was %d: the loss of a retransmission must lower it (RFC 5681, section 4.3)", k.c.reno.cwnd, cwnd)
	}
	k.send(fmt.Sprintf("ACK seq=1 ack=1 sack=1001-%d", mark+4000))
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
	if n := len(k.c.snd.loss.resent) + len(k.c.snd.loss.lostTwice); n != 0 {
		t.Errorf("%d retransmissions are still followed", n)
	}
}

// TestANewRecoveryForgetsWhatWasLostAgain, since it begins at SND.UNA and sends
// that again with the rest: else it would count as missing from what was never
// counted.
func TestANewRecoveryForgetsWhatWasLostAgain(t *testing.T) {
	k := flying(t, 40, true)
	l := &k.c.snd.loss
	l.highRxt = testISS.Add(8001)
	l.lostTwice.add(span{testISS.Add(6001), testISS.Add(7001)}, maxOutOfOrder)
	for i := range 3 {
		k.dup(i, true)
	}
	if seqs := k.sends(); !slices.Contains(seqs, 1) {
		t.Errorf("sent %v, and not the first again", seqs)
	}
	if why := k.c.resentUnsound(); why != "" {
		t.Error(why)
	}
}

// resentUnsound says what is wrong in the books of retransmissions, or nothing.
func (c *Conn) resentUnsound() string {
	l := &c.snd.loss
	if len(l.resent) > maxResent || len(l.lostTwice) > maxOutOfOrder {
		return fmt.Sprintf("%d retransmissions are followed, and %d runs lost again", len(l.resent), len(l.lostTwice))
	}
	for _, r := range l.lostTwice {
		if r.left.Less(c.snd.una) || l.highRxt.Less(r.right) {
			return fmt.Sprintf("%v is lost again, and what was sent again is %v", r, span{c.snd.una, l.highRxt})
		}
	}
	return ""
}
