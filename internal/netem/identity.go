// The names of packets, the same in each run.

package netem

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// An Identity names a packet by its part in the conversation, the same in each
// run.
type Identity struct {
	// Flow is the conversation: "tcp 198.18.0.1 > 198.18.0.2:443 #1", the first
	// connection from there to that port.
	Flow string
	// Packet is its part in the conversation. ">" is from the side that began
	// it. TCP's packets are "> syn 1", sent for the first time; "< data 3 2",
	// the third segment of data sent for the second time; "> fin 1", "< rst 1",
	// and "> ack 7", the seventh bare acknowledgment. Other protocols' are
	// numbered: "> 4".
	Packet string
}

// String is the flow and the packet, as in the log of a lab.
func (i Identity) String() string { return i.Flow + "  " + i.Packet }

// Bounds on what is kept, against endless traffic: the oldest is forgotten
// first.
const (
	maxFlows  = 1 << 16
	maxStarts = 1 << 12
)

// flowKey is a conversation's protocol, addresses and ports.
type flowKey struct {
	protocol uint8
	from, to netip.AddrPort
}

func (k flowKey) back() flowKey { return flowKey{k.protocol, k.to, k.from} }

// callKey is what a conversation has in common with later ones.
type callKey struct {
	protocol uint8
	from     netip.Addr
	to       netip.AddrPort
}

type flow struct {
	name       string
	iss        wire.Seq     // the sequence number of the SYN that began it
	directions [2]direction // from the side that began it, and back
}

// direction is one direction of a flow.
type direction struct {
	counts map[string]int // counts of packets that are told apart by their order
	starts []wire.Seq     // where segments of data began, in the order of the stream
	gone   int            // how many of them were forgotten
	times  []int          // how often each was seen
}

type flows struct {
	known map[flowKey]*flow
	order []flowKey
	calls map[callKey]int
}

// identify names a packet. It reports false for a packet that is left alone.
func (f *flows) identify(packet []byte) (who Identity, ok bool) {
	c := field.New(wire.Root(packet), packet)
	var ip wire.IP
	if ip.Decode(&c) != nil || neighbourDiscovery(&ip, c.Ahead()) {
		return who, false
	}
	var s wire.Segment
	isTCP := ip.Protocol == wire.ProtocolTCP && ip.Fragment.Offset == 0 && s.Decode(&c) == nil
	key := flowKey{protocol: ip.Protocol, from: netip.AddrPortFrom(ip.Src, 0), to: netip.AddrPortFrom(ip.Dst, 0)}
	switch {
	case isTCP:
		key.from, key.to = netip.AddrPortFrom(ip.Src, s.SrcPort), netip.AddrPortFrom(ip.Dst, s.DstPort)
	case ip.Protocol == protocolUDP && ip.Fragment.Offset == 0 && len(packet) >= ip.HeaderLen()+4:
		p := packet[ip.HeaderLen():]
		key.from = netip.AddrPortFrom(ip.Src, uint16(p[0])<<8|uint16(p[1]))
		key.to = netip.AddrPortFrom(ip.Dst, uint16(p[2])<<8|uint16(p[3]))
	}
	begins := isTCP && s.Flags.Has(wire.SYN) && !s.Flags.Has(wire.ACK)
	fl, back := f.find(key, begins, s.Seq)
	who.Flow = fl.name
	arrow, w := ">", &fl.directions[0]
	if back {
		arrow, w = "<", &fl.directions[1]
	}
	who.Packet = arrow + " " + w.name(isTCP, &s)
	return who, true
}

const protocolUDP = 17

// neighbourDiscovery reports whether an ICMPv6 message is for the link alone.
func neighbourDiscovery(ip *wire.IP, payload []byte) bool {
	return ip.Version == 6 && ip.Protocol == wire.ProtocolICMPv6 && len(payload) > 0 &&
		(payload[0] >= 130 && payload[0] <= 137 || payload[0] == 143)
}

// find returns the conversation of a packet, and whether the packet goes back
// to the side that began it.
func (f *flows) find(key flowKey, begins bool, seq wire.Seq) (fl *flow, back bool) {
	if fl := f.known[key]; fl != nil && !(begins && fl.iss != seq) {
		return fl, false
	}
	if fl := f.known[key.back()]; fl != nil && !begins {
		return fl, true
	}
	return f.begin(key, seq), false
}

func (f *flows) begin(key flowKey, seq wire.Seq) *flow {
	if f.known == nil {
		f.known, f.calls = map[flowKey]*flow{}, map[callKey]int{}
	}
	if len(f.calls) >= maxFlows {
		clear(f.calls)
	}
	call := callKey{key.protocol, key.from.Addr(), key.to}
	f.calls[call]++
	if f.known[key] == nil {
		f.order = append(f.order, key)
	}
	fl := &flow{name: call.name(f.calls[call]), iss: seq}
	f.known[key] = fl
	if len(f.order) > maxFlows {
		delete(f.known, f.order[0])
		f.order = f.order[1:]
	}
	return fl
}

func (k callKey) name(n int) string {
	switch {
	case k.protocol == wire.ProtocolTCP:
		return fmt.Sprintf("tcp %v > %v #%d", k.from, k.to, n)
	case k.protocol == protocolUDP:
		return fmt.Sprintf("udp %v > %v #%d", k.from, k.to, n)
	}
	return fmt.Sprintf("ip-%d %v > %v #%d", k.protocol, k.from, k.to.Addr(), n)
}

// name names the next packet of this direction.
func (w *direction) name(isTCP bool, s *wire.Segment) string {
	switch {
	case !isTCP:
		return w.count("")
	case s.Flags.Has(wire.SYN):
		return w.count("syn ")
	case s.Flags.Has(wire.RST):
		return w.count("rst ")
	case len(s.Payload) > 0:
		i, times := w.data(s.Seq)
		return fmt.Sprintf("data %d %d", i, times)
	case s.Flags.Has(wire.FIN):
		return w.count("fin ")
	}
	return w.count("ack ")
}

func (w *direction) count(kind string) string {
	if w.counts == nil {
		w.counts = map[string]int{}
	}
	w.counts[kind]++
	return fmt.Sprintf("%s%d", kind, w.counts[kind])
}

// data numbers a segment of the stream, and says how often it was sent so far.
// One with new boundaries counts as the segment in which it begins.
func (w *direction) data(seq wire.Seq) (number, times int) {
	n := len(w.starts)
	if n == 0 || int32(seq-w.starts[n-1]) > 0 {
		w.starts, w.times = append(w.starts, seq), append(w.times, 1)
		if n >= maxStarts {
			half := n / 2
			w.starts, w.times = slices.Delete(w.starts, 0, half), slices.Delete(w.times, 0, half)
			w.gone += half
		}
		return w.gone + len(w.starts), 1
	}
	i := n - 1
	for i > 0 && int32(seq-w.starts[i]) < 0 {
		i--
	}
	w.times[i]++
	return w.gone + i + 1, w.times[i]
}
