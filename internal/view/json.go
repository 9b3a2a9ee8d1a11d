// The JSON view: one object a line (docs/events.md).

package view

import (
	"io"
	"net"
	"net/netip"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/dictionary"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// JSON writes one object a line for programs: docs and tests hold the names
// still. It is a [View].
type JSON struct {
	printer
	words *dictionary.Dictionary
}

// NewJSON returns a JSON view that writes to w, one write a line.
func NewJSON(w io.Writer, o Options) *JSON { return &JSON{printer{w: w}, words(o)} }

// Entry writes one line.
func (j *JSON) Entry(e *transcript.Entry) {
	var o object
	o.add("time_ms", e.At)
	o.add("dir", e.Dir)
	o.add("layer", e.Layer)
	o.add("type", e.Type)
	if e.Frame != nil {
		o.add("frame", e.Frame.Number)
	}
	switch e.Type {
	case transcript.TypeSegment:
		segmentValues(&o, e.Frame)
	case transcript.TypeRecord:
		recordValues(&o, e.Record)
	case transcript.TypeMessage:
		messageValues(&o, e.Message)
		if list := meanings(j.words, e.Message); len(list) > 0 {
			o.add("means", list)
		}
	case transcript.TypeDecision:
		decisionValues(&o, e.Decision)
	case transcript.TypeOctets:
		octetsValues(&o, e.Octets)
	case transcript.TypeResult:
		resultValues(&o, e.Result)
	}
	j.print(string(append(o.appendTo(nil), '\n')))
}

// segmentValues: seq, ack and SACK edges are relative to each side's initial
// sequence number, seq_raw and ack_raw as on the wire; window is unscaled.
func segmentValues(o *object, f *transcript.Frame) {
	s := f.Segment
	o.add("flags", s.Flags.Names())
	o.add("seq", f.Seq)
	o.add("ack", f.Ack)
	o.add("window", int(s.Window))
	o.add("options", optionValues(f))
	o.add("len", len(s.Payload))
	o.add("seq_raw", uint32(s.Seq))
	o.add("ack_raw", uint32(s.Ack))
	o.add("src", netip.AddrPortFrom(f.IP.Src, s.SrcPort))
	o.add("dst", netip.AddrPortFrom(f.IP.Dst, s.DstPort))
	linkValues(o, f)
	addIf(o, "retransmission", f.Retransmission)
	addIf(o, "out_of_order", f.OutOfOrder)
	addIf(o, "gap", f.Gap)
	addIf(o, "captured_twice", f.Twice)
	addIf(o, "bad_checksum", f.BadChecksum)
	addIf(o, "checksum_offloaded", f.Offloaded)
	addIf(o, "not_captured", f.Cut)
	addIf(o, "options_not_captured", s.Options.Cut())
	if f.KernelSent {
		o.add("origin", "kernel")
	}
}

// linkValues: what a capture has before the packet.
func linkValues(o *object, f *transcript.Frame) {
	h, ok := f.LinkHeader()
	if !ok {
		return
	}
	var list []object
	o.add("link", h.Type)
	addIf(o, "link_src", hardware(h.Source))
	addIf(o, "link_dst", hardware(h.Destination))
	if len(h.VLANs) > 0 {
		o.add("vlan", h.VLANs)
	}
	for _, t := range h.Tunnels {
		list = append(list, tunnelValue(&t))
	}
	if len(list) > 0 {
		o.add("tunnels", list)
	}
}

func tunnelValue(t *wire.Tunnel) object {
	var v object
	v.add("kind", t.Kind)
	if t.HasID {
		v.add("id", t.ID)
	}
	v.add("src", t.Src)
	v.add("dst", t.Dst)
	return v
}

func hardware(address []byte) string { return net.HardwareAddr(address).String() }

func recordValues(o *object, r *transcript.Record) {
	o.add("record", text(r.Type))
	o.add("version", text(r.Version))
	o.add("encrypted", r.Encrypted)
	o.add("len", len(r.Wire))
	o.add("offset", r.Offset)
	addIf(o, "not_captured", r.Missing)
}

func messageValues(o *object, m *transcript.Message) {
	o.add("message", m.EnumName())
	o.add("encrypted", m.Encrypted)
	o.add("len", len(m.Raw))
	o.add("offset", m.Offset)
	o.add("end", m.End)
	for _, f := range messageFacts(m) {
		if f.key != "" {
			o.add(f.key, f.value)
		}
	}
}

func decisionValues(o *object, d *transcript.Decision) {
	o.add("name", d.Name)
	o.add("text", d.Text)
	switch e := d.Event.(type) {
	case tcb.StateChanged:
		o.add("from", e.From)
		o.add("to", e.To)
	case tcb.Retransmitted:
		o.add("what", e.What)
		o.add("attempt", e.Attempt)
		o.add("rto_ms", e.RTO)
	case tcb.RTTMeasured:
		o.add("rtt_ms", e.RTT)
		o.add("srtt_ms", e.SRTT)
		o.add("rttvar_ms", e.RTTVAR)
		o.add("rto_ms", e.RTO)
	case transcript.KernelTCP:
		kernelValues(o, &e)
	case tcb.GaveUp:
		o.add("after_ms", e.After)
		o.add("attempts", e.Attempts)
	}
}

func kernelValues(o *object, k *transcript.KernelTCP) {
	o.add("state", k.State)
	o.add("rtt_ms", k.RTT)
	o.add("rttvar_ms", k.RTTVar)
	o.add("rto_ms", k.RTO)
	o.add("snd_mss", k.SendMSS)
	o.add("rcv_mss", k.ReceiveMSS)
	o.add("pmtu", k.PathMTU)
	o.add("snd_cwnd", k.CongestionWindow)
	o.add("retransmits", k.Retransmits)
	o.add("segments_out", k.SegmentsOut)
	o.add("segments_in", k.SegmentsIn)
	o.add("timestamps", k.Timestamps)
	o.add("sack", k.SACK)
	o.add("window_scale", k.WindowScale)
}

// resultValues: all names are always there; what is not known is null.
func resultValues(o *object, r *transcript.Result) {
	o.add("ok", r.OK)
	o.add("outcome", r.Outcome)
	o.add("link", known(r.Link != "", r.Link))
	o.add("version", known(r.Version != 0, text(r.Version)))
	o.add("cipher_suite", known(r.Version != 0 && !r.NoSuite, text(r.CipherSuite)))
	o.add("group", known(r.Group != 0, text(r.Group)))
	o.add("alpn", known(r.ALPN != "", r.ALPN))
	o.add("peer_verified", r.PeerVerified)
	o.add("certificate_verified", known(r.Judged, r.Trusted))
	o.add("rtt_ms", known(r.RTT != 0, r.RTT))
	o.add("handshake_ms", known(r.Handshake != 0, r.Handshake))
	o.add("error", known(r.Error != "", r.Error))
	o.add("reasons", reasonValues(r.Reasons))
}

func known(is bool, value any) any {
	if !is {
		return nil
	}
	return value
}
