// What matters in a segment, in words and as JSON.

package view

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/rawshake/rawshake/internal/facts/plain"
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
	} else {
		pieces = append(pieces, sackText(f)...)
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
	return pieces
}

// optionText names an option of a SYN, except padding.
func optionText(opt wire.Option) []string {
	d := opt.Data
	switch {
	case opt.Kind == wire.OptNOP:
		return nil
	case opt.Kind == wire.OptMSS && len(d) == 2:
		return []string{fmt.Sprintf("MSS %d", int(d[0])<<8|int(d[1]))}
	case opt.Kind == wire.OptWindowScale && len(d) == 1:
		return []string{fmt.Sprintf("WS %d", d[0])}
	case opt.Kind == wire.OptSACKPermitted:
		return []string{"SACK"}
	case opt.Kind == wire.OptTimestamps:
		return []string{"TS"}
	}
	return []string{opt.Kind.String()}
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

// optionValues puts options into JSON, in the order of the wire.
func optionValues(f *transcript.Frame) []plain.Object {
	list := []plain.Object{}
	o := &f.Segment.Options
	for opt := range o.All() {
		list = append(list, optionValue(f, opt))
	}
	return list
}

var optionNames = map[wire.OptionKind]string{
	wire.OptNOP: "nop", wire.OptMSS: "mss", wire.OptWindowScale: "window_scale",
	wire.OptSACKPermitted: "sack_permitted", wire.OptSACK: "sack", wire.OptTimestamps: "timestamps",
}

func optionValue(f *transcript.Frame, opt wire.Option) plain.Object {
	var v plain.Object
	v.Add("kind", int(opt.Kind))
	if name, ok := optionNames[opt.Kind]; ok {
		v.Add("name", name)
	}
	d := opt.Data
	switch {
	case opt.Kind == wire.OptMSS && len(d) == 2:
		v.Add("value", int(d[0])<<8|int(d[1]))
	case opt.Kind == wire.OptWindowScale && len(d) == 1:
		v.Add("value", int(d[0]))
	case opt.Kind == wire.OptTimestamps && len(d) == 8:
		val, ecr := be32(d), be32(d[4:])
		v.Add("tsval", val)
		v.Add("tsecr", ecr)
	case opt.Kind == wire.OptSACK && len(d)%8 == 0:
		blocks := []plain.Object{}
		for ; len(d) >= 8; d = d[8:] {
			var b plain.Object
			b.Add("left", relativeTo(f, wire.Seq(be32(d))))
			b.Add("right", relativeTo(f, wire.Seq(be32(d[4:]))))
			blocks = append(blocks, b)
		}
		v.Add("blocks", blocks)
	case len(d) > 0:
		v.Add("data", hex.EncodeToString(d))
	}
	return v
}

func be32(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// kernelAdvice says where a RST that we did not send came from.
func kernelAdvice(f *transcript.Frame) string {
	return fmt.Sprintf("sent by this machine's kernel, not by us: it knows no connection on port %d, and so answers "+
		"what arrives there with a RST, which ends the connection. To prevent it, use --guard auto; where that let it pass, "+
		"the peer's packets arrive with TTL 255, and the guard needs CAP_NET_ADMIN as well", f.Segment.SrcPort)
}

func decisionColor(name string) color {
	switch name {
	case "retransmission", "segment_dropped", "out_of_order", "never_sent", "transcript_full",
		"gap", "restarted", "conflicting_bytes", "wrong_checksums":
		return yellow
	case "reset_sent", "reset_received", "unreachable", "gave_up", "certificate_not_verified", "alert_sent":
		return red
	case "certificate_verified", "handshake_finished":
		return green
	}
	return dim
}
