// What matters in a segment, in words and as JSON.

package view

import (
	"fmt"
	"strings"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// segmentFacts are the numbers beside a frame's arrow.
func segmentFacts(f *transcript.Frame) []string {
	s := f.Segment
	var pieces []string
	for _, mark := range []struct {
		on   bool
		text string
	}{
		{f.KernelSent, "from this machine's kernel"},
		{f.Twice, "captured twice"},
		{f.Retransmission, "retransmission"},
		{f.OutOfOrder, "out of order"},
		{f.BadChecksum, "bad checksum"},
	} {
		if mark.on {
			pieces = append(pieces, mark.text)
		}
	}
	if f.Gap > 0 {
		pieces = append(pieces, fmt.Sprintf("after a gap of %d", f.Gap))
	}
	pieces = append(pieces, fmt.Sprintf("seq %d", f.Seq))
	if s.Flags.Has(wire.ACK) {
		pieces = append(pieces, fmt.Sprintf("ack %d", f.Ack))
	}
	if n := len(s.Payload); n > 0 {
		pieces = append(pieces, fmt.Sprintf("len %d", n))
	}
	if f.Cut > 0 {
		pieces = append(pieces, fmt.Sprintf("%d not captured", f.Cut))
	}
	if s.Flags.Has(wire.SYN) {
		pieces = append(pieces, fmt.Sprintf("win %d", s.Window))
		for opt := range s.Options.All() {
			pieces = append(pieces, optionText(opt)...)
		}
		pieces = append(pieces, ecnText(s.Flags)...)
	} else {
		pieces = append(pieces, sackText(f)...)
	}
	if f.IP.ECN() == wire.CE {
		pieces = append(pieces, "congestion marked")
	}
	if s.Flags.Has(wire.URG) {
		pieces = append(pieces, fmt.Sprintf("urgent %d", s.Urgent))
	}
	if n := s.Options.Cut(); n > 0 {
		pieces = append(pieces, "options cut off by the capture")
	}
	if s.Options.Malformed() {
		pieces = append(pieces, "malformed options")
	}
	return pieces
}

// ecnText says what a SYN offers of ECN, or what its answer takes up.
func ecnText(f wire.Flags) []string {
	mode, arrived := f.ECN()
	switch {
	case mode == wire.ECNNone:
		return nil
	case mode == wire.ECNAccurate && f.Has(wire.ACK):
		return []string{fmt.Sprintf("ECN accurate, the SYN came as %v", arrived)}
	}
	return []string{"ECN " + mode.String()}
}

// verboseFacts are the rest of what a segment without SYN says: its window,
// before scaling, and its timestamps.
func verboseFacts(f *transcript.Frame) []string {
	s := f.Segment
	if s.Flags.Has(wire.SYN) {
		return nil
	}
	pieces := []string{fmt.Sprintf("win %d", s.Window)}
	if val, ecr, ok := s.Options.Timestamps(); ok {
		pieces = append(pieces, fmt.Sprintf("TS val %d ecr %d", val, ecr))
	}
	for opt := range s.Options.All() {
		if later[opt.Kind] {
			pieces = append(pieces, laterText(opt))
		}
	}
	if e := f.IP.ECN(); e == wire.ECT0 || e == wire.ECT1 {
		pieces = append(pieces, e.String())
	}
	return pieces
}

// sackText says which octets a SACK option reports, relative like the
// acknowledgment number beside it.
func sackText(f *transcript.Frame) []string {
	blocks, n := f.Segment.Options.SACK()
	if n == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString("SACK")
	for _, block := range blocks[:n] {
		fmt.Fprintf(&b, " %d–%d", relativeTo(f, block.Left), relativeTo(f, block.Right))
	}
	return []string{b.String()}
}

// relativeTo is seq relative to the same number as f's acknowledgment number.
func relativeTo(f *transcript.Frame, seq wire.Seq) uint32 {
	return f.Ack + uint32(seq-f.Segment.Ack)
}

// kernelAdvice says where a RST that we did not send came from.
func kernelAdvice(f *transcript.Frame) string {
	return fmt.Sprintf("sent by this machine's kernel, not by us: it knows no connection on port %d, and so answers "+
		"what arrives there with a RST, which ends the connection. To prevent it, use --guard auto; where that let it pass, "+
		"the peer's packets arrive with TTL 255, and the guard needs CAP_NET_ADMIN as well", f.Segment.SrcPort)
}

func decisionColor(name string) color {
	switch name {
	case "retransmission", "loss_probe", "spurious_timeout", "segment_dropped", "out_of_order", "never_sent", "transcript_full",
		"gap", "restarted", "conflicting_bytes", "wrong_checksums":
		return yellow
	case "reset_sent", "reset_received", "unreachable", "gave_up", "certificate_not_verified", "alert_sent":
		return red
	case "certificate_verified", "handshake_finished":
		return green
	}
	return dim
}
