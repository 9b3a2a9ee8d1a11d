package probe

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/probe/syn"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A packet that is taken a second after it came tells of when it came.
func TestTimesAreThoseOfTheArrivals(t *testing.T) {
	const ms = time.Millisecond
	for name, test := range map[string]struct {
		answer, flight time.Duration // after the SYN
		want           [4]float64    // rtt_ms, syn_ack_ms, server_hello_ms, certificate_ms
	}{
		"taken late":              {7 * ms, 19 * ms, [4]float64{7, 7, 19, 19}},
		"stamped before it could": {-5 * ms, 2 * ms, [4]float64{0, 0, 2, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fakeNet{flight: serverFlight(t)}
			l := fakeLoop(t, options(t, "443", "198.19.0.1"), f)
			l.now = l.instant()
			l.admission.begin()
			sent := time.Duration(l.syns.sentAt(l.begun.window.at(0)))
			l.epoch = l.epoch.Add(-time.Second)
			for _, came := range []time.Duration{test.answer, test.flight} {
				f.came = l.epoch.Add(sent + came)
				check(t, l.receive(0))
			}
			var r struct {
				RTT   float64 `json:"rtt_ms"`
				Steps struct {
					Answer float64 `json:"syn_ack_ms"`
					Hello  float64 `json:"server_hello_ms"`
					Chain  float64 `json:"certificate_ms"`
				}
			}
			if err := json.Unmarshal(l.results.buf, &r); err != nil {
				t.Fatalf("%v in %q", err, l.results.buf)
			}
			if got := [4]float64{r.RTT, r.Steps.Answer, r.Steps.Hello, r.Steps.Chain}; got != test.want {
				t.Errorf("%v, want %v: %s", got, test.want, l.results.buf)
			}
		})
	}
}

// One of two SYNs was answered: its timestamp says which.
func TestTheRoundTripOfASYNThatWasSentAgain(t *testing.T) {
	const first, offset = 5*second + 1_234_000, 99
	o := options(t, "443", "198.19.0.1")
	l := fakeLoop(t, o, new(fakeNet))
	last := first.Add(l.o.gap(1))
	l.now, l.arrived = last.Add(400*time.Millisecond), last.Add(20*time.Millisecond+5678)
	for name, test := range map[string]struct {
		tries uint8
		echo  tcb.Instant // of a SYN that left then; 0: no timestamp
		want  time.Duration
	}{
		"sent once":            {1, 0, 20*time.Millisecond + 5678},
		"no timestamp":         {2, 0, -1},
		"the last":             {2, last, 20*time.Millisecond + 5678},
		"the first":            {2, first, 1020 * time.Millisecond},
		"one before the first": {2, first.Add(-5 * time.Millisecond), -1},
		"one to come":          {2, last.Add(time.Second), -1},
	} {
		var s wire.Segment
		if test.echo > 0 {
			s.Options.AddTimestamps(1, syn.Clock(test.echo)+offset)
		}
		got := l.syns.rtt(&slot{sent: uint32(last / tick), tries: test.tries}, &s, offset)
		if got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
