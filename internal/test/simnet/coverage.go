// Counts what happened, and knows what must happen over a run of many seeds.

package simnet

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// Seen names something that happened, by kind and name.
type Seen struct{ Kind, Name string }

// String is the kind and the name.
func (s Seen) String() string { return s.Kind + ": " + s.Name }

// Coverage counts what happened.
type Coverage map[Seen]int

// Add adds other's counts.
func (c Coverage) Add(other Coverage) {
	for s, n := range other {
		c[s] += n
	}
}

// Missing lists what should happen over many seeds and has not: what never
// happened was not tested.
func (c Coverage) Missing() []string {
	var names []string
	for kind, list := range required {
		for _, name := range list {
			if c[Seen{kind, name}] == 0 {
				names = append(names, Seen{kind, name}.String())
			}
		}
	}
	slices.Sort(names)
	return names
}

// String is one line for each count.
func (c Coverage) String() string {
	keys := slices.SortedFunc(maps.Keys(c), func(a, b Seen) int { return strings.Compare(a.String(), b.String()) })
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "%10d %s\n", c[k], k)
	}
	return b.String()
}

// event counts what a connection decided.
func (c Coverage) event(e tcb.Event) {
	c[Seen{"event", e.Name()}]++
	switch e := e.(type) {
	case tcb.StateChanged:
		c[Seen{"state", e.From.String()}]++
		c[Seen{"state", e.To.String()}]++
	case tcb.Retransmitted:
		c[Seen{"retransmission", e.Why}]++
		c[Seen{"retransmission", e.What}]++
	case tcb.FastRetransmit:
		c[Seen{"fast retransmit", map[bool]string{true: "SACK", false: "duplicate ACKs"}[e.SACK]}]++
	case tcb.SegmentDropped:
		c[Seen{"drop", e.Why}]++
	case tcb.ChallengeAck:
		c[Seen{"challenge", e.Why}]++
	case tcb.ResetSent:
		c[Seen{"reset", e.Why}]++
	case tcb.SegmentSizeReduced:
		c[Seen{"path MTU", e.Why}]++
	case tcb.GaveUp:
		c[Seen{"gave up", e.Waiting}]++
	case tcb.UnreachableReceived:
		c[Seen{"ICMP", map[bool]string{true: "fatal", false: "noted"}[e.Fatal]}]++
	}
}

// dropped counts what an endpoint did not pass to any connection.
func (w *world) dropped(host int, why string) {
	short := why
	switch {
	case strings.Contains(why, "belongs to no connection"):
		short = "stray"
	case strings.Contains(why, "checksum"):
	case strings.Contains(why, "backlog"):
	case strings.Contains(why, "about no connection"):
		short = "ICMP about no connection"
	default:
		short = "malformed"
	}
	w.count("endpoint", short)
	if w.ladder != nil {
		w.ladder.event(w.net.now, w.hosts[host].Name, why)
	}
}

// required is what the counters must show over a run of many seeds, by kind.
var required = map[string][]string{
	"state": {
		"CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2",
		"CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT",
	},
	"event": {
		"rtt_measured", "out_of_order", "reset_sent", "reset_received", "unreachable", "window_probe",
		"delivery_trouble", "challenge_ack", "urgent_data", "loss_probe", "keep_alive", "gave_up",
	},
	"retransmission": {
		"SYN", "data", "FIN", "no acknowledgment within the RTO", "three duplicate ACKs",
		"SACK blocks above it", "what was sent after it has arrived", "an ACK of only a part of what was in flight", "the window is open again",
		"the path takes smaller segments only",
	},
	"fast retransmit": {"SACK", "duplicate ACKs"},
	"drop": {
		"its timestamp is older than the last", "SYN on a connection that is already open",
		"RST within the window but not at RCV.NXT", "it acknowledges what was never sent",
		"it acknowledges what is long past", "all of it arrived before", "SEQ outside the window",
		"SEQ outside the window, which is closed", "nobody reads any more", "the peer has already sent its FIN",
	},
	"challenge": {
		"a SYN arrived on an open connection", "a RST arrived that is not at RCV.NXT",
		"a segment's timestamp went back", "an ACK of what was never sent", "an ACK of what is long past",
	},
	"reset": {
		"this side aborted the connection", "octets that arrived were not read",
		"octets arrived after the connection was closed", "a segment acknowledged what was never sent",
	},
	"path MTU": {
		"the network said so", "the network said so, and they do not arrive",
		"large ones do not arrive, and nothing says why",
	},
	"gave up": {"data", "SYN", "keep-alive probes"},
	"ICMP":    {"noted", "fatal"},
	"endpoint": {
		"stray", "TCP checksum is wrong", "IPv4 header checksum is wrong", "SYN cookie taken",
		"TIME-WAIT reused", "ICMP about no connection",
	},
	"network": {
		fatePassed, fateJumped, fateTwice, fateLate, fateDamaged, fateLost, fateBurst, fateQueue, fateDark,
		fateTooBig, fateToldBig, fateNoWay, "a host vanishes", "a host sleeps", "a host reboots", "simultaneous open",
	},
	"outcome": {"whole", "refused", "reset", "timed out", "unreachable", "aborted"},
}
