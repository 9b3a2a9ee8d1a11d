// The JSON view: one object a line (docs/events.md).

package view

import (
	"io"
	"net"
	"net/netip"

	"github.com/rawshake/rawshake/internal/facts"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/dictionary"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// JSON writes one object a line for programs. Its names are stable: docs and
// tests hold them. It is a [View].
type JSON struct {
	printer
	words *dictionary.Dictionary
}

// NewJSON returns a JSON view that writes to w, one write a line.
func NewJSON(w io.Writer, o Options) *JSON { return &JSON{printer{w: w}, words(o)} }

// Entry writes one line.
func (j *JSON) Entry(e *transcript.Entry) {
	var o plain.Object
	o.Add("time_ms", e.At)
	o.Add("dir", e.Dir)
	o.Add("layer", e.Layer)
	o.Add("type", e.Type)
	if e.Frame != nil {
		o.Add("frame", e.Frame.Number)
	}
	switch e.Type {
	case transcript.TypeSegment:
		segmentValues(&o, e.Frame)
	case transcript.TypeRecord:
		recordValues(&o, e.Record)
	case transcript.TypeMessage:
		messageValues(&o, e.Message)
		if list := meanings(j.words, e.Message); len(list) > 0 {
			o.Add("means", list)
		}
	case transcript.TypeDecision:
		decisionValues(&o, e.Decision)
	case transcript.TypeOctets:
		octetsValues(&o, e.Octets)
	case transcript.TypeResult:
		resultValues(&o, e.Result)
	}
	j.print(string(append(o.AppendTo(nil), '\n')))
}

// segmentValues adds a segment. seq, ack and SACK edges are relative to each
// side's initial sequence number, seq_raw and ack_raw are as on the wire, and
// window is unscaled.
func segmentValues(o *plain.Object, f *transcript.Frame) {
	s := f.Segment
	o.Add("flags", s.Flags.Names())
	o.Add("seq", f.Seq)
	o.Add("ack", f.Ack)
	o.Add("window", int(s.Window))
	o.Add("options", optionValues(f))
	o.Add("len", len(s.Payload))
	o.Add("seq_raw", uint32(s.Seq))
	o.Add("ack_raw", uint32(s.Ack))
	o.Add("src", netip.AddrPortFrom(f.IP.Src, s.SrcPort))
	o.Add("dst", netip.AddrPortFrom(f.IP.Dst, s.DstPort))
	linkValues(o, f)
	if e := f.IP.ECN(); e != wire.NotECT {
		o.Add("ecn", e.String())
	}
	plain.AddIf(o, "retransmission", f.Retransmission)
	plain.AddIf(o, "out_of_order", f.OutOfOrder)
	plain.AddIf(o, "gap", f.Gap)
	plain.AddIf(o, "captured_twice", f.Twice)
	plain.AddIf(o, "bad_checksum", f.BadChecksum)
	plain.AddIf(o, "checksum_offloaded", f.Offloaded)
	plain.AddIf(o, "not_captured", f.Cut)
	plain.AddIf(o, "options_not_captured", s.Options.Cut())
	if f.KernelSent {
		o.Add("origin", "kernel")
	}
}

// linkValues adds what a capture has before the packet.
func linkValues(o *plain.Object, f *transcript.Frame) {
	h, ok := f.LinkHeader()
	if !ok {
		return
	}
	var list []plain.Object
	o.Add("link", h.Type)
	plain.AddIf(o, "link_src", hardware(h.Source))
	plain.AddIf(o, "link_dst", hardware(h.Destination))
	if len(h.VLANs) > 0 {
		o.Add("vlan", h.VLANs)
	}
	for _, t := range h.Tunnels {
		list = append(list, tunnelValue(&t))
	}
	if len(list) > 0 {
		o.Add("tunnels", list)
	}
}

func tunnelValue(t *wire.Tunnel) plain.Object {
	var v plain.Object
	v.Add("kind", t.Kind)
	if t.HasID {
		v.Add("id", t.ID)
	}
	v.Add("src", t.Src)
	v.Add("dst", t.Dst)
	return v
}

func hardware(address []byte) string { return net.HardwareAddr(address).String() }

func recordValues(o *plain.Object, r *transcript.Record) {
	o.Add("record", text(r.Type))
	o.Add("version", text(r.Version))
	o.Add("encrypted", r.Encrypted)
	o.Add("len", len(r.Wire))
	o.Add("offset", r.Offset)
	plain.AddIf(o, "not_captured", r.Missing)
}

func messageValues(o *plain.Object, m *transcript.Message) {
	o.Add("message", m.EnumName())
	o.Add("encrypted", m.Encrypted)
	o.Add("len", len(m.Raw))
	o.Add("offset", m.Offset)
	o.Add("end", m.End)
	for _, f := range facts.Message(m) {
		if f.Key != "" {
			o.Add(f.Key, f.Value)
		}
	}
}

func decisionValues(o *plain.Object, d *transcript.Decision) {
	o.Add("name", d.Name)
	o.Add("text", d.Text)
	switch e := d.Event.(type) {
	case tcb.StateChanged:
		o.Add("from", e.From)
		o.Add("to", e.To)
	case tcb.Retransmitted:
		o.Add("what", e.What)
		o.Add("attempt", e.Attempt)
		o.Add("rto_ms", e.RTO)
	case tcb.RTTMeasured:
		o.Add("rtt_ms", e.RTT)
		o.Add("srtt_ms", e.SRTT)
		o.Add("rttvar_ms", e.RTTVAR)
		o.Add("rto_ms", e.RTO)
	case transcript.KernelTCP:
		kernelValues(o, &e)
	case tcb.GaveUp:
		o.Add("after_ms", e.After)
		o.Add("attempts", e.Attempts)
	}
}

func kernelValues(o *plain.Object, k *transcript.KernelTCP) {
	o.Add("state", k.State)
	o.Add("rtt_ms", k.RTT)
	o.Add("rttvar_ms", k.RTTVar)
	o.Add("rto_ms", k.RTO)
	o.Add("snd_mss", k.SendMSS)
	o.Add("rcv_mss", k.ReceiveMSS)
	o.Add("pmtu", k.PathMTU)
	o.Add("snd_cwnd", k.CongestionWindow)
	o.Add("retransmits", k.Retransmits)
	o.Add("segments_out", k.SegmentsOut)
	o.Add("segments_in", k.SegmentsIn)
	o.Add("timestamps", k.Timestamps)
	o.Add("sack", k.SACK)
	o.Add("window_scale", k.WindowScale)
}

// resultValues adds the result. All names are always there; what is not known
// is null.
func resultValues(o *plain.Object, r *transcript.Result) {
	o.Add("ok", r.OK)
	o.Add("outcome", r.Outcome)
	o.Add("link", known(r.Link != "", r.Link))
	o.Add("version", known(r.Version != 0, text(r.Version)))
	o.Add("cipher_suite", known(r.Version != 0 && !r.NoSuite, text(r.CipherSuite)))
	o.Add("group", known(r.Group != 0, text(r.Group)))
	o.Add("alpn", known(r.ALPN != "", r.ALPN))
	o.Add("peer_verified", r.PeerVerified)
	o.Add("certificate_verified", known(r.Judged, r.Trusted))
	o.Add("rtt_ms", known(r.RTT != 0, r.RTT))
	o.Add("handshake_ms", known(r.Handshake != 0, r.Handshake))
	o.Add("error", known(r.Error != "", r.Error))
	o.Add("reasons", reasonValues(r.Reasons))
}

func known(is bool, value any) any {
	if !is {
		return nil
	}
	return value
}
