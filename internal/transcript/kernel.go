// What the kernel tells of a connection of its own.

package transcript

import (
	"fmt"
	"strings"
	"time"
)

// KernelTCP is what the kernel tells of a connection of its own (TCP_INFO),
// whose segments are not seen.
type KernelTCP struct {
	State                         string
	RTT, RTTVar, RTO              time.Duration // smoothed, as of now
	SendMSS, ReceiveMSS, PathMTU  int           // bytes
	CongestionWindow              int           // segments
	Retransmits                   int
	SegmentsOut, SegmentsIn       int
	Timestamps, SACK, WindowScale bool // what both sides agreed on
}

// Kernel records what the kernel says of its connection.
func (r *Recorder) Kernel(at time.Duration, when string, k KernelTCP) {
	options := "no options"
	var agreed []string
	for _, o := range []struct {
		name string
		on   bool
	}{{"SACK", k.SACK}, {"timestamps", k.Timestamps}, {"window scaling", k.WindowScale}} {
		if o.on {
			agreed = append(agreed, o.name)
		}
	}
	if len(agreed) > 0 {
		options = strings.Join(agreed, ", ")
	}
	text := fmt.Sprintf("the kernel's TCP %s: %s, smoothed round trip %v, RTO %v, MSS %d, path MTU %d, %s; %d segments out, %d in, %d sent again",
		when, k.State, k.RTT, k.RTO, k.SendMSS, k.PathMTU, options, k.SegmentsOut, k.SegmentsIn, k.Retransmits)
	r.decide(at, Local, TCP, nil, &Decision{Name: "kernel_tcp_info", Text: text, Event: k})
}

// Handed records that a transport whose packets are not seen was given our
// stream up to the offset end. What waited for a frame counts as sent.
func (r *Recorder) Handed(at time.Duration, end int64) {
	h := &r.halves[Out]
	h.known = true
	h.add(Span{0, end})
	r.release(at, nil)
}
