package tcb

import (
	"fmt"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// An Event is something that a connection decided, and why. Events are plain
// values handed to Config.Events while the machine runs; the machine does not
// know who listens, and makes none when nobody does.
type Event interface {
	// Name is a short stable identifier in snake_case, for programs.
	Name() string
	// String is one sentence for a person, without a final stop.
	String() string
}

// StateChanged says that the connection went from one state to another.
type StateChanged struct{ From, To State }

// Retransmitted says that data, a SYN or a FIN goes out again.
type Retransmitted struct {
	Seq     wire.Seq
	Len     int // of SEG.LEN
	Attempt int // 1 for the first retransmission
	RTO     time.Duration
	What    string // "SYN", "data", "FIN"
}

// RTTMeasured says what a round trip took and what timeout follows from it
// (RFC 6298, section 2).
type RTTMeasured struct{ RTT, SRTT, RTTVAR, RTO time.Duration }

// SegmentDropped says that an arrived segment was not taken, and why.
type SegmentDropped struct {
	Seq wire.Seq
	Len int
	Why string // "SEQ outside the window", …
}

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

// ResetReceived says that the peer's RST ended the connection, in which state.
type ResetReceived struct{ State State }

// UnreachableReceived says that an ICMP error about the connection arrived.
type UnreachableReceived struct {
	Message string // "port unreachable"
	From    string
	Fatal   bool // whether it ended the connection
}

// WindowProbe says that an octet goes out to learn whether the peer's window,
// which is closed, has opened (RFC 9293, section 3.8.6.1).
type WindowProbe struct {
	Seq   wire.Seq
	Probe int // 1 for the first since the window closed
}

// GaveUp says that the connection ended because the peer stayed silent.
type GaveUp struct {
	After    time.Duration
	Attempts int // transmissions of what was never acknowledged
	Waiting  string
}

func (StateChanged) Name() string        { return "state_changed" }
func (Retransmitted) Name() string       { return "retransmission" }
func (RTTMeasured) Name() string         { return "rtt_measured" }
func (SegmentDropped) Name() string      { return "segment_dropped" }
func (OutOfOrder) Name() string          { return "out_of_order" }
func (ResetSent) Name() string           { return "reset_sent" }
func (ResetReceived) Name() string       { return "reset_received" }
func (UnreachableReceived) Name() string { return "unreachable" }
func (WindowProbe) Name() string         { return "window_probe" }
func (GaveUp) Name() string              { return "gave_up" }

func (e StateChanged) String() string { return fmt.Sprintf("%v → %v", e.From, e.To) }
func (e Retransmitted) String() string {
	return fmt.Sprintf("%s sent again (attempt %d): no acknowledgment within the RTO of %v", e.What, e.Attempt+1, e.RTO)
}
func (e RTTMeasured) String() string {
	return fmt.Sprintf("round trip %v, so SRTT %v and RTO %v", e.RTT, e.SRTT, e.RTO)
}
func (e SegmentDropped) String() string {
	return fmt.Sprintf("segment at SEQ %v with %d octets dropped: %s", e.Seq, e.Len, e.Why)
}
func (e OutOfOrder) String() string {
	return fmt.Sprintf("%d octets at SEQ %v kept: still waiting for %v", e.Len, e.Seq, e.Expected)
}
func (e ResetSent) String() string { return "RST sent: " + e.Why }
func (e ResetReceived) String() string {
	return fmt.Sprintf("the peer's RST ends the connection in %v", e.State)
}
func (e UnreachableReceived) String() string {
	if e.Fatal {
		return fmt.Sprintf("ICMP %s from %s ends the connection", e.Message, e.From)
	}
	return fmt.Sprintf("ICMP %s from %s noted: it may pass", e.Message, e.From)
}
func (e WindowProbe) String() string {
	return fmt.Sprintf("window probe %d at SEQ %v: the peer's window is closed", e.Probe, e.Seq)
}
func (e GaveUp) String() string {
	return fmt.Sprintf("gave up after %v: %d transmissions of the %s without an answer", e.After, e.Attempts, e.Waiting)
}
