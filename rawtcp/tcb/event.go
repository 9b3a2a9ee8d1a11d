// What a connection decided, and why, as values for an observer.

package tcb

import (
	"fmt"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// An Event is something that a connection decided, and why. Events are plain
// values, passed to Config.Events while the machine runs; without that none are
// made.
type Event interface {
	// Name returns a short stable identifier in snake_case, for programs.
	Name() string
	// String returns one sentence for a person, without a final full stop.
	String() string
}

// StateChanged says that the connection went from one state to another.
type StateChanged struct{ From, To State }

// Retransmitted says that data, a SYN or a FIN goes out again.
type Retransmitted struct {
	Seq     wire.Seq
	Len     int           // of SEG.LEN
	Attempt int           // 1 for the first retransmission
	RTO     time.Duration // the timeout that expired, if one did
	What    string        // "SYN", "data", "FIN"
	Why     string        // "three duplicate ACKs", …
}

// RTTMeasured says how long a round trip took, and which timeout follows from
// it (RFC 6298, section 2).
type RTTMeasured struct{ RTT, SRTT, RTTVAR, RTO time.Duration }

// SegmentDropped says that an arrived segment was not accepted, and why.
type SegmentDropped struct {
	Seq wire.Seq
	Len int
	Why string // "SEQ outside the window", ArrivedBefore, …
}

// ArrivedBefore is why a segment is dropped that holds nothing new: the peer has
// sent it again.
const ArrivedBefore = "all of it arrived before"

// OutOfOrder says that data arrived beyond a hole and is kept.
type OutOfOrder struct {
	Seq      wire.Seq
	Len      int
	Expected wire.Seq // RCV.NXT
}

// ResetSent says that a RST goes out, and why.
type ResetSent struct {
	Seq wire.Seq
	Why string
}

// ResetReceived says that the peer's RST ended the connection, and in which
// state.
type ResetReceived struct{ State State }

// UnreachableReceived says that an ICMP error about the connection arrived.
type UnreachableReceived struct {
	Message string // "port unreachable"
	From    string
	Fatal   bool // whether it ended the connection
}

// WindowProbe says that an octet goes out to learn whether the peer's closed
// window has opened (RFC 9293, section 3.8.6.1).
type WindowProbe struct {
	Seq   wire.Seq
	Probe int // 1 for the first since the window closed
}

// FastRetransmit says that a loss was detected without waiting for a timeout,
// and loss recovery begins (RFC 5681, section 3.2; RFC 6675, section 5).
type FastRetransmit struct {
	Seq      wire.Seq // of what is presumed lost
	SSThresh int      // octets
	SACK     bool     // told by SACK, or by duplicate ACKs
}

// LossProbe says that a segment goes out to learn whether the last ones in
// flight are lost (RFC 8985, section 7).
type LossProbe struct {
	Seq   wire.Seq
	Len   int
	Again bool // it repeats the last segment in flight; otherwise it is new
}

// SpuriousTimeout says that nothing was lost when the retransmission timeout came:
// the acknowledgments were late, and the congestion window is restored (RFC 5682;
// RFC 4015).
type SpuriousTimeout struct{ Cwnd int } // octets

// DeliveryTrouble says that what we send repeatedly goes unacknowledged: the
// route or its next hop may have changed (RFC 9293, section 3.8.3).
type DeliveryTrouble struct{ Tries int }

// ChallengeAck says that an ACK answers a segment that may be forged (RFC
// 5961): a genuine sender will answer it with an acceptable segment.
type ChallengeAck struct{ Why string }

// SegmentSizeReduced says that the path takes only smaller segments.
type SegmentSizeReduced struct {
	Size int // octets of options and payload
	Why  string
}

// FragmentsAllowed says that the path takes so little that routers may fragment
// our packets from now on.
type FragmentsAllowed struct {
	Size int // octets of options and payload that it takes; 0: not known
}

// UrgentData says that the peer has marked octets as urgent (RFC 9293, section
// 3.8.5).
type UrgentData struct{ Len int } // octets to be read up to the end of the urgent data

// KeepAlive says that a probe goes out on an idle connection (RFC 9293,
// section 3.8.4).
type KeepAlive struct{ Probe int }

// GaveUp says that the connection ended because the peer was silent.
type GaveUp struct {
	After    time.Duration
	Attempts int // transmissions of what was never acknowledged
	Waiting  string
}

// Name returns "state_changed".
func (StateChanged) Name() string { return "state_changed" }

// Name returns "retransmission".
func (Retransmitted) Name() string { return "retransmission" }

// Name returns "rtt_measured".
func (RTTMeasured) Name() string { return "rtt_measured" }

// Name returns "segment_dropped".
func (SegmentDropped) Name() string { return "segment_dropped" }

// Name returns "out_of_order".
func (OutOfOrder) Name() string { return "out_of_order" }

// Name returns "reset_sent".
func (ResetSent) Name() string { return "reset_sent" }

// Name returns "reset_received".
func (ResetReceived) Name() string { return "reset_received" }

// Name returns "unreachable".
func (UnreachableReceived) Name() string { return "unreachable" }

// Name returns "window_probe".
func (WindowProbe) Name() string { return "window_probe" }

// Name returns "fast_retransmit".
func (FastRetransmit) Name() string { return "fast_retransmit" }

// Name returns "loss_probe".
func (LossProbe) Name() string { return "loss_probe" }

// Name returns "spurious_timeout".
func (SpuriousTimeout) Name() string { return "spurious_timeout" }

// Name returns "delivery_trouble".
func (DeliveryTrouble) Name() string { return "delivery_trouble" }

// Name returns "challenge_ack".
func (ChallengeAck) Name() string { return "challenge_ack" }

// Name returns "segment_size_reduced".
func (SegmentSizeReduced) Name() string { return "segment_size_reduced" }

// Name returns "fragments_allowed".
func (FragmentsAllowed) Name() string { return "fragments_allowed" }

// Name returns "urgent_data".
func (UrgentData) Name() string { return "urgent_data" }

// Name returns "keep_alive".
func (KeepAlive) Name() string { return "keep_alive" }

// Name returns "gave_up".
func (GaveUp) Name() string { return "gave_up" }

// String tells both states by their names of RFC 9293, as in
// "SYN-SENT → ESTABLISHED".
func (e StateChanged) String() string { return fmt.Sprintf("%v → %v", e.From, e.To) }

// String tells what is sent again and why, with the attempt and the RTO
// where one has expired.
func (e Retransmitted) String() string {
	if e.RTO > 0 {
		return fmt.Sprintf("%s sent again (attempt %d): %s of %v", e.What, e.Attempt+1, e.Why, e.RTO)
	}
	return fmt.Sprintf("%s sent again: %s", e.What, e.Why)
}

// String tells the round trip, SRTT and RTO, to the microsecond.
func (e RTTMeasured) String() string {
	return fmt.Sprintf("round trip %s, so SRTT %s and RTO %s", brief(e.RTT), brief(e.SRTT), brief(e.RTO))
}

// String tells the sequence number, the length in octets, and why.
func (e SegmentDropped) String() string {
	return fmt.Sprintf("segment at SEQ %v with %s dropped: %s", e.Seq, octets(e.Len), e.Why)
}

// String tells what is kept, and the sequence number that is missing.
func (e OutOfOrder) String() string {
	return fmt.Sprintf("%s at SEQ %v kept: still waiting for %v", octets(e.Len), e.Seq, e.Expected)
}

// String tells why a RST is sent.
func (e ResetSent) String() string { return "RST sent: " + e.Why }

// String tells the state in which the RST came.
func (e ResetReceived) String() string {
	return fmt.Sprintf("the peer's RST ends the connection in %v", e.State)
}

// String tells the message, who sent it, and whether it ends the connection.
func (e UnreachableReceived) String() string {
	if e.Fatal {
		return fmt.Sprintf("ICMP %s from %s ends the connection", e.Message, e.From)
	}
	return fmt.Sprintf("ICMP %s from %s noted: it may pass", e.Message, e.From)
}

// String tells the number of the probe, from 1, and its sequence number.
func (e WindowProbe) String() string {
	return fmt.Sprintf("window probe %d at SEQ %v: the peer's window is closed", e.Probe, e.Seq)
}

// String tells where data was lost, how that is known, and ssthresh in
// octets.
func (e FastRetransmit) String() string {
	how := "three duplicate ACKs"
	if e.SACK {
		how = "SACK"
	}
	return fmt.Sprintf("loss at SEQ %v told by %s: recovery begins, ssthresh is %d octets", e.Seq, how, e.SSThresh)
}

// String tells how many retransmissions were not acknowledged.
func (e DeliveryTrouble) String() string {
	return fmt.Sprintf("%d retransmissions without an acknowledgment", e.Tries)
}

// String tells why a challenge ACK is sent.
func (e ChallengeAck) String() string { return "challenge ACK: " + e.Why }

// String tells how many octets the path takes, where that is known.
func (e FragmentsAllowed) String() string {
	if e.Size == 0 {
		return "routers may fragment our packets from now on: nobody says how little the path takes"
	}
	return fmt.Sprintf("routers may fragment our packets from now on: the path takes %d octets of options and data", e.Size)
}

// String tells the largest segment in octets, and why.
func (e SegmentSizeReduced) String() string {
	return fmt.Sprintf("segments of at most %d octets from now on: %s", e.Size, e.Why)
}

// String tells in how many octets the urgent data ends.
func (e UrgentData) String() string {
	return fmt.Sprintf("urgent data ends in %d octets", e.Len)
}

// String tells the congestion window in octets.
func (e SpuriousTimeout) String() string {
	return fmt.Sprintf("the timeout came too early, nothing was lost: cwnd is %d octets again", e.Cwnd)
}

// String tells what the probe carries.
func (e LossProbe) String() string {
	what := "new octets"
	if e.Again {
		what = "the last segment again"
	}
	return fmt.Sprintf("no acknowledgment for two round trips: %s, to learn what has arrived", what)
}

// String tells the number of the probe, from 1.
func (e KeepAlive) String() string { return fmt.Sprintf("keep-alive probe %d", e.Probe) }

// String tells how long and how often what was sent in vain.
func (e GaveUp) String() string {
	return fmt.Sprintf("gave up after %v: %d transmissions of the %s without an answer", e.After, e.Attempts, e.Waiting)
}

// brief formats a time for a person, to the microsecond.
func brief(d time.Duration) string {
	if d < time.Microsecond {
		return "less than 1µs"
	}
	return d.Round(time.Microsecond).String()
}

func octets[T ~int | ~uint32](n T) string {
	if n == 1 {
		return "1 octet"
	}
	return fmt.Sprintf("%d octets", n)
}
