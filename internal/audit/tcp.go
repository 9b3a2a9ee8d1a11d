// What the server's SYN-ACK says, for the report.

package audit

import (
	"sync"
	"time"

	"github.com/rawshake/rawshake/internal/facts/p0f"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A Tap notes the first SYN-ACK of a stack's packets.
type Tap struct {
	mu   sync.Mutex
	in   wire.Packet
	sent map[uint16]time.Duration // when the SYN of each port left
	tcp  *TCP
}

// Frame is told of each packet: see rawtcp.StackConfig.
func (t *Tap) Frame(f rawtcp.Frame) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tcp != nil || f.Err != nil || f.KernelSent || t.in.Decode(f.Packet, true) != nil || t.in.Holds != wire.HoldsSegment {
		return
	}
	s := &t.in.Segment
	switch {
	case !s.Flags.Has(wire.SYN):
	case f.Out:
		if t.sent == nil {
			t.sent = make(map[uint16]time.Duration)
		}
		if _, again := t.sent[s.SrcPort]; !again {
			t.sent[s.SrcPort] = f.At
		}
	case s.Flags.Has(wire.ACK):
		t.tcp = describeTCP(&t.in.IP, s, f.At-t.sent[s.DstPort])
	}
}

// TCP is what was noted, or nil.
func (t *Tap) TCP() *TCP {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tcp
}

func describeTCP(h *wire.IP, s *wire.Segment, rtt time.Duration) *TCP {
	signature := p0f.Signature{Version: uint8(h.Version), TTL: h.HopLimit, Window: s.Window, Payload: len(s.Payload) > 0, Quirks: p0f.Of(h, s), Options: s.Options}
	if h.Version == 4 {
		signature.IPOptions = uint8(h.HeaderLen() - wire.IPv4HeaderLen)
	}
	t := &TCP{RTTMS: float64(rtt.Microseconds()) / 1000, Signature: signature.String(), TTL: h.HopLimit, Window: s.Window,
		SACK: s.Options.SACKPermitted(), ECN: s.Flags.Has(wire.ECE) && !s.Flags.Has(wire.CWR)}
	t.MSS, _ = s.Options.MSS()
	if scale, ok := s.Options.WindowScale(); ok {
		t.WindowScale = &scale
	}
	_, _, t.Timestamps = s.Options.Timestamps()
	return t
}
