// One IP packet as it crossed the link, decoded as far as it can be.

package transcript

import (
	"bytes"
	"fmt"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/reassembly"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A Frame is one IP packet as it crossed the link, and in a capture what the
// link put around it.
type Frame struct {
	Number     int           // 1 for the first
	At         time.Duration // since the recording began
	Dir        Dir
	KernelSent bool   // sent by the local kernel, not by us
	Packet     []byte // from the IP header to the end of what holds it, the frame or a part of it; a copy of our own

	IP      wire.IP
	Segment *wire.Segment // nil for a packet that neither holds nor completes a TCP segment
	ICMP    *wire.ICMP    // nil for a packet that is not an ICMP message
	Whole   []byte        // for a fragment that completes a packet, the reassembled payload; otherwise nil
	Err     error         // why the rest of the packet could not be decoded

	// Sequence and acknowledgment number, relative to each side's initial one,
	// or absolute while that is not known.
	Seq, Ack uint32
	Stream   Span // the place of its payload in its direction's byte stream

	captured bool
	Link     wire.LinkType // what Raw begins with; set in captures only
	Raw      []byte        // the whole frame, which ends with Packet, or nearly so; without a link-layer header it is Packet

	Cut            int  // octets at its end that the capture left out because of a snap length; Packet ends there
	Offloaded      bool // the TCP checksum was left to the network card; set in captures only
	BadChecksum    bool // of the IPv4 header or of TCP
	Retransmission bool // all of it was seen before
	OutOfOrder     bool // it begins beyond a hole; in a capture: it came after octets that follow it

	// The rest is set in captures only.
	Gap   int64 // octets before it that are missing from the capture so far
	Twice bool  // the capture already has this packet: two taps saw it

	taken bool // it counts in spite of its checksum
}

// Discarded reports whether a frame does not belong to its direction's stream:
// the kernel sent it, or it is damaged, and a receiver drops it. Frames of a
// capture may be damaged only in the capture, and count unless checksums are
// strict.
func (f *Frame) Discarded() bool { return f.KernelSent || f.BadChecksum && !f.taken }

// A Span is a run of octets of a byte stream, from Start to before End. The
// first octet after the SYN has offset 0.
type Span struct{ Start, End int64 }

// Len is the number of octets in the span.
func (s Span) Len() int64 { return s.End - s.Start }

// Tree decodes the frame once more, recording its fields. After an error the
// tree holds what was read before it. It ends where a capture cut the frame
// off.
func (f *Frame) Tree() (*field.Node, error) {
	raw := f.extended(f.Raw)
	name := wire.Root(f.Packet)
	if f.headed() {
		name = "frame"
	}
	c := field.Record(name, raw)
	err := f.decodeFrame(&c)
	tree := c.Tree()
	if f.Cut > 0 {
		tree.Clip(len(f.Raw))
	}
	return tree, err
}

// headed reports whether anything precedes the packet.
func (f *Frame) headed() bool { return len(f.Raw) > len(f.Packet) }

// decodeFrame reads the frame in c, as far as it can.
func (f *Frame) decodeFrame(c *field.Cursor) error {
	var p wire.Packet
	if !f.headed() {
		f.decode(c, &p)
		if c.More() {
			c.Rest("padding") // Ethernet pads short frames
		}
		return c.Done()
	}
	var link wire.LinkHeader
	if err := link.Decode(c, f.Link); err != nil {
		return err
	}
	c.Enter(wire.Root(f.Packet))
	if link.Behind > 0 {
		c.Limit(c.Left() - link.Behind)
	}
	f.decode(c, &p)
	if c.More() && link.Behind > 0 { // else it is the link's
		c.Rest("padding")
	}
	c.Leave()
	link.Trailer(c)
	return c.Done()
}

// LinkHeader returns what the link put before the packet, and whether that is
// known.
func (f *Frame) LinkHeader() (h wire.LinkHeader, ok bool) {
	c := field.New("frame", f.Raw)
	ok = f.headed() && h.Decode(&c, f.Link) == nil
	return h, ok
}

// decode reads the packet in c, as far as it can, and leaves c after it.
func (f *Frame) decode(c *field.Cursor, p *wire.Packet) error {
	if f.captured {
		return p.DecodeCaptured(c)
	}
	return p.DecodeFields(c)
}

// take makes what was decoded the frame's.
func (f *Frame) take(p *wire.Packet) {
	f.IP = p.IP
	switch p.Holds {
	case wire.HoldsSegment:
		s := p.Segment
		f.Segment = &s
	case wire.HoldsICMP:
		m := p.ICMP
		f.ICMP = &m
	}
}

// verify sets BadChecksum. The link has completed what a kernel left partial.
func (f *Frame) verify(p *wire.Packet) {
	if f.Segment == nil || f.Cut > 0 || f.IP.Unsized {
		return
	}
	damaged := p.VerifyHeader() != nil
	if damaged && f.captured && f.Packet[wire.IPv4ChecksumOffset] == 0 && f.Packet[wire.IPv4ChecksumOffset+1] == 0 { // left to the network card
		f.Offloaded, damaged = true, false
	}
	f.BadChecksum = damaged || p.VerifyPayload(false) != nil
}

// complete reads the segment of a packet whose last missing fragment is f.
func (f *Frame) complete(parts *reassembly.Buffer) {
	if f.KernelSent || f.Err != nil || f.Cut > 0 || !f.IP.Fragment.Partial() {
		return
	}
	h := f.IP
	payload, err := parts.Add(tcb.Instant(f.At), &h, f.Packet[h.HeaderLen():h.TotalLength])
	if err != nil || payload == nil {
		return
	}
	payload = bytes.Clone(payload)
	p := wire.Packet{IP: h}
	if err = p.DecodePayload(payload); p.Holds == wire.HoldsSegment {
		f.Segment, f.Whole, f.BadChecksum = &p.Segment, payload, err != nil
	}
}

// describe says in a sentence what a packet other than a segment is.
func (f *Frame) describe() (name, text string) {
	switch {
	case f.Err != nil:
		return "undecodable", fmt.Sprintf("a packet of %d bytes that cannot be read: %v", len(f.Packet), f.Err)
	case f.ICMP != nil && f.ICMP.IsError():
		return "icmp", fmt.Sprintf("ICMP %v from %v, about the segment from port %d to %v",
			f.ICMP, f.ICMP.From, f.ICMP.SrcPort, netip.AddrPortFrom(f.ICMP.Quoted.Dst, f.ICMP.DstPort))
	case f.ICMP != nil:
		return "icmp", fmt.Sprintf("%v from %v", f.ICMP, f.ICMP.From)
	case f.IP.Fragment.Partial():
		return "fragment", fmt.Sprintf("a fragment of a packet from %v: %d bytes at offset %d",
			f.IP.Src, f.IP.TotalLength-f.IP.HeaderLen(), f.IP.Fragment.Offset)
	case f.IP.Refusal != "":
		return "refused", fmt.Sprintf("a packet from %v that must be dropped: %s", f.IP.Src, f.IP.Refusal)
	}
	return "packet", fmt.Sprintf("a packet of IP protocol %d from %v", f.IP.Protocol, f.IP.Src)
}
