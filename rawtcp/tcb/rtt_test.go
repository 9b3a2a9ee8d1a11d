package tcb

import (
	"testing"
	"time"
)

// Requirements: MUST-19
func TestRTOIsRFC6298s(t *testing.T) {
	ms := time.Millisecond
	e := newRTTEstimator(initialRTO, 10*ms, 60*time.Second)
	if e.rto != time.Second {
		t.Errorf("(2.1): %v", e.rto)
	}
	e.measure(100 * ms)
	if e.srtt != 100*ms || e.rttvar != 50*ms || e.rto != 300*ms {
		t.Errorf("(2.2): %+v", e)
	}
	e.measure(180 * ms)
	if e.srtt != 110*ms || e.rttvar != 57500*time.Microsecond || e.rto != 340*ms {
		t.Errorf("(2.3): %+v", e)
	}
	for range 20 {
		e.backOff()
	}
	if e.rto != 60*time.Second {
		t.Errorf("(2.5), (5.5): %v", e.rto)
	}
	e.measure(110 * ms)
	if e.rto > time.Second {
		t.Errorf("a measurement does not end the backing off: %v", e.rto)
	}
	for range 100 {
		e.measure(ms)
	}
	if e.rto != 10*ms {
		t.Errorf("(2.4): %v", e.rto)
	}
}
