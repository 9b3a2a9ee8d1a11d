package tcb

import (
	"fmt"
	"testing"
)

// A recovery from twenty segments in flight to ten sends one for every two that
// arrive, and ends with ten in flight.
func TestPRRSendsInProportion(t *testing.T) {
	var p prr
	const ssthresh = 10
	pipe, sent := 19, 0 // of twenty, one is lost
	p.begin(20)
	for i := range 19 {
		pipe -= min(i, 1) // the first acknowledgment is counted in pipe
		window := p.window(1, pipe, ssthresh, 1, false)
		for pipe < window {
			pipe++
			p.out++
			sent++
		}
		if want := (i + 2) / 2; sent != want && pipe > ssthresh {
			t.Errorf("%d arrived, %d sent, want %d", i+1, sent, want)
		}
	}
	if pipe != ssthresh {
		t.Errorf("%d in flight at the end", pipe)
	}
}

// Where most of a flight is lost, no more is sent than has arrived, and a segment
// more for each acknowledgment that is safe, up to ssthresh.
func TestPRRIsBoundByWhatArrives(t *testing.T) {
	for _, tc := range []struct {
		delivered, pipe int
		safe            bool
		want            int
	}{
		{1, 4, false, 5},
		{1, 4, true, 6},
		{2, 4, true, 7},
		{1, 9, true, 10},
		{9, 4, false, 10},
		{0, 4, false, 5}, // the first transmission is forced
	} {
		var p prr
		p.begin(20)
		if got := p.window(tc.delivered, tc.pipe, 10, 1, tc.safe); got != tc.want {
			t.Errorf("%+v: %d", tc, got)
		}
	}
	p := prr{flight: 20, delivered: 4, out: 4}
	if got := p.window(0, 6, 10, 1, false); got != 6 {
		t.Errorf("nothing arrived, and cwnd is %d with 6 in flight", got)
	}
}

// What an acknowledgment delivers is counted once, whether selectively or not.
func TestPRRCountsWhatArrivesOnce(t *testing.T) {
	k := flying(t, 30, true)
	k.roundTrip()
	for i := range 3 {
		k.dup(i, true)
	}
	k.sends()
	p := &k.c.snd.loss.prr
	if p.flight < 8000 || p.flight > 10000 || p.delivered != 1000 {
		t.Errorf("%+v after the third of ten segments", *p)
	}
	before := p.delivered
	k.send("ACK seq=1 ack=1 sack=1001-6001")
	k.send("ACK seq=1 ack=1 sack=1001-6001")
	if got := p.delivered - before; got != 2000 {
		t.Errorf("%d octets, of two segments", got)
	}
	k.roundTrip()
	k.send("ACK seq=1 ack=6001")
	if got := p.delivered - before; got != 3000 {
		t.Errorf("%d octets, of three segments", got)
	}
}

// Under whatever a peer acknowledges, cwnd in recovery is no more than what is in
// flight or ssthresh, and a segment.
func TestPRRKeepsBelowItsTarget(t *testing.T) {
	k := flying(t, 60, true)
	k.roundTrip()
	for i := range 40 {
		k.send(fmt.Sprintf("ACK seq=1 ack=1 sack=%d-%d", 1001+2000*(i%5), 2001+2000*(i%5)))
		k.send(fmt.Sprintf("ACK seq=1 ack=%d", 1+100*i))
		if l := &k.c.snd.loss; l.recovering && k.c.reno.cwnd > max(k.c.inNetwork(), k.c.reno.ssthresh)+k.c.reno.mss {
			t.Fatalf("cwnd %d, pipe %d, ssthresh %d", k.c.reno.cwnd, k.c.inNetwork(), k.c.reno.ssthresh)
		}
		k.sends()
	}
}
