// The congestion window of RFC 5681.

package tcb

// reno is the congestion window, in octets: slow start and congestion avoidance
// (RFC 9293, section 3.8.2, MUST-19).
type reno struct {
	cwnd, ssthresh int
	mss            int // SMSS
	counted        int // octets acknowledged towards the next increase in congestion avoidance
}

// newReno returns the initial window of RFC 6928: ten segments.
func newReno(mss int) reno {
	return reno{mss: mss, cwnd: min(10*mss, max(2*mss, 14600)), ssthresh: maxWindow}
}

// lostSYN starts from one segment, since the SYN had to be retransmitted (RFC
// 5681, section 3.1).
func (r *reno) lostSYN() { r.cwnd = r.mss }

// acked grows the window for n newly acknowledged octets: slow start below
// ssthresh, congestion avoidance above (RFC 5681, section 3.1).
func (r *reno) acked(n int) {
	if r.cwnd < r.ssthresh {
		r.cwnd += min(n, r.mss)
	} else if r.counted += n; r.counted >= r.cwnd {
		r.counted -= r.cwnd
		r.cwnd += r.mss
	}
	r.cwnd = min(r.cwnd, maxWindow)
}

// timedOut reduces to the loss window (RFC 5681, section 3.1). Flight is what
// was in flight, in octets. If again is set, the same octets have timed out
// before, and ssthresh is not lowered once more.
func (r *reno) timedOut(flight int, again bool) {
	if !again {
		r.ssthresh = max(flight/2, 2*r.mss) // (4)
	}
	r.cwnd, r.counted = r.mss, 0
}

// halve reduces the window when a loss is detected with flight octets in flight
// (RFC 5681, section 3.2, steps 2 and 3, without the inflation: see
// lossState.inflation).
func (r *reno) halve(flight int) {
	r.ssthresh = max(flight/2, 2*r.mss)
	r.cwnd, r.counted = r.ssthresh, 0
}

// slowDown is halve for a sign of congestion without a hole: the window is never larger
// for it.
func (r *reno) slowDown(flight int) {
	window := r.cwnd
	r.halve(flight)
	r.cwnd = min(r.cwnd, window)
}

// recovered ends fast recovery without letting a burst follow (RFC 6582,
// section 3.2, step 3).
func (r *reno) recovered(flight int) {
	r.cwnd = min(r.ssthresh, max(flight, r.mss)+r.mss)
}

// idle restarts the window after nothing was sent for longer than an RTO (RFC
// 5681, section 4.1).
func (r *reno) idle() { r.cwnd = min(r.cwnd, newReno(r.mss).cwnd) }
