// The retransmission timeout from measured round trips (RFC 6298).

package tcb

import "time"

// Constants of RFC 6298.
const (
	initialRTO       = 1 * time.Second  // (2.1)
	rtoAfterLostSYN  = 3 * time.Second  // (5.7)
	clockGranularity = time.Millisecond // G, section 4
)

// rttEstimator computes the retransmission timeout from measured round trips.
// The zero value, with its bounds set, has measured nothing.
type rttEstimator struct {
	srtt, rttvar time.Duration
	rto          time.Duration
	measured     bool
	backedOff    bool          // rto was doubled since the last round trip
	lowest       time.Duration // RTO is not below (2.4)
	highest      time.Duration // and not above (2.5)
}

func newRTTEstimator(initial, lowest, highest time.Duration) rttEstimator {
	return rttEstimator{rto: min(initial, highest), lowest: lowest, highest: highest}
}

// measure takes one round trip: (2.2) for the first, (2.3) for later ones. It
// also undoes any backoff (end of section 5).
func (e *rttEstimator) measure(r time.Duration) {
	r = max(r, 0)
	if !e.measured {
		e.measured = true
		e.srtt, e.rttvar = r, r/2
	} else {
		e.rttvar = (3*e.rttvar + (e.srtt - r).Abs()) / 4 // beta = 1/4
		e.srtt = (7*e.srtt + r) / 8                      // alpha = 1/8
	}
	e.compute()
}

// compute sets the RTO from the estimate, without any backoff.
func (e *rttEstimator) compute() {
	e.backedOff = false
	e.rto = min(max(e.srtt+max(clockGranularity, 4*e.rttvar), e.lowest), e.highest)
}

// backOff doubles the RTO: RFC 6298, (5.5), and RFC 9293, MUST-19.
func (e *rttEstimator) backOff() { e.rto, e.backedOff = min(2*e.rto, e.highest), true }
