// Reassembles tunnel packets that were fragmented under way.

package capture

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/reassembly"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// maxFragmented bounds the packets whose fragments are remembered by number.
const maxFragmented = 256

// Fragments reassembles tunnel packets that were fragmented on their way: no
// fragment alone holds the packet inside. The zero Fragments is empty.
type Fragments struct {
	parts  reassembly.Buffer
	first  time.Time
	frames map[fragmented][]int // numbers of the frames that came
}

// fragmented is a packet that comes in fragments.
type fragmented struct {
	src, dst netip.Addr
	id       uint32
	protocol uint8
}

// Join takes a frame and the packet that Packet.IP found in it. If it is the
// last fragment to arrive of a packet that may be a tunnel's, whole is true, p
// becomes the frame as it would have been without fragmentation, and Joined
// lists the frames that it is made of. part reports whether it is a fragment at
// all.
func (f *Fragments) Join(p *Packet, ip []byte) (part, whole bool) {
	if !mayBeFragment(ip) {
		return false, false
	}
	c := field.New(wire.Root(ip), ip)
	var h wire.IP
	if h.DecodeCaptured(&c) != nil || !h.Fragment.Partial() || !wire.MayHoldPackets(h.Protocol) || h.TotalLength > len(ip) {
		return false, false
	}
	if f.first.IsZero() {
		f.first, f.frames = p.At, map[fragmented][]int{}
	}
	key := fragmented{h.Src, h.Dst, h.Fragment.ID, h.Protocol}
	if len(f.frames) >= maxFragmented {
		clear(f.frames)
	}
	f.frames[key] = append(f.frames[key], p.Numbers()...)
	payload, err := f.parts.Add(tcb.Instant(max(0, p.At.Sub(f.first))), &h, ip[h.HeaderLen():h.TotalLength])
	if err != nil || payload == nil {
		return true, false
	}
	defer delete(f.frames, key)
	start := len(p.Data) - p.Header.Behind - len(ip)
	b := unfragmented(bytes.Clone(p.Data[:start]), ip, &h, payload)
	if b == nil {
		return true, false
	}
	p.Data, p.Length, p.Joined = b, len(b), f.frames[key]
	return true, true
}

// Numbers are the numbers of the frames that a packet is made of.
func (p *Packet) Numbers() []int {
	if len(p.Joined) > 0 {
		return p.Joined
	}
	return []int{p.Number}
}

// mayBeFragment is a quick check for a fragment.
func mayBeFragment(ip []byte) bool {
	if len(ip) < wire.IPv4HeaderLen {
		return false
	}
	if ip[0]>>4 == 4 {
		return binary.BigEndian.Uint16(ip[6:])&0x3fff != 0
	}
	switch ip[6] {
	case wire.NextHopByHop, wire.NextRouting, wire.NextDestination, wire.NextFragment:
		return true
	}
	return false
}

// unfragmented appends a packet with the header of one of its fragments, or
// returns nil if it is too long. IPv6 extension headers are left out.
func unfragmented(b, fragment []byte, h *wire.IP, payload []byte) []byte {
	const longest, checksum = 1<<16 - 1, 10
	start := len(b)
	if h.Version == 6 {
		if len(payload) > longest {
			return nil
		}
		b = append(b, fragment[:wire.IPv6HeaderLen]...)
		binary.BigEndian.PutUint16(b[start+4:], uint16(len(payload)))
		b[start+6] = h.Protocol
		return append(b, payload...)
	}
	n := h.HeaderLen()
	if n+len(payload) > longest {
		return nil
	}
	b = append(b, fragment[:n]...)
	header := b[start:]
	binary.BigEndian.PutUint16(header[2:], uint16(n+len(payload)))
	header[6], header[7], header[checksum], header[checksum+1] = 0, 0, 0, 0
	binary.BigEndian.PutUint16(header[checksum:], wire.Checksum(header))
	return append(b, payload...)
}
