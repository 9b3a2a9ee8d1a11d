// Answers of this machine's own firewall to packets that it refused, which are
// not the peer's.

package link

import (
	"net/netip"
	"sync"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A rule that refuses outgoing packets (REJECT) may also answer them, with a
// RST in the peer's name or an ICMP error. Neither says anything about the
// peer, which the packet never reached.

// rejections are the packets that this machine did not let out, and whose
// answer has not arrived yet.
type rejections struct {
	mu   sync.Mutex // held while a packet is sent, so that no answer comes before
	open map[rejectedKey]int
}

// rejectedKey identifies a packet by what an answer to it contains.
type rejectedKey struct {
	remote      netip.AddrPort
	local       uint16
	seq, answer wire.Seq // its sequence number; and the RST's acknowledgment, or sequence number
}

// maxRejections bounds how many are kept. Most are answered before the next leaves.
const maxRejections = 4096

// note remembers a packet that was refused.
func (r *rejections) note(packet []byte) {
	var p wire.Packet
	if !holdsSegment(&p, packet) {
		return
	}
	if r.open == nil || len(r.open) >= maxRejections {
		r.open = make(map[rejectedKey]int)
	}
	k := rejectedKey{remote: p.To(), local: p.Segment.SrcPort, seq: p.Segment.Seq}
	r.open[k]++
	var reset wire.Segment
	if reset.ResetOf(&p.Segment) {
		k.seq, k.answer = 0, answerOf(&reset)
		r.open[k]++
	}
}

// answerOf is what a RST acknowledges, or where it acknowledges nothing, begins at.
func answerOf(reset *wire.Segment) wire.Seq {
	if reset.Flags.Has(wire.ACK) {
		return reset.Ack
	}
	return reset.Seq
}

// answered reports whether a packet that arrived answers one of them. Each is
// answered once.
func (r *rejections) answered(packet []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.open) == 0 {
		return false
	}
	k, ok := answeredKey(packet)
	if !ok || r.open[k] == 0 {
		return false
	}
	if r.open[k]--; r.open[k] == 0 {
		delete(r.open, k)
	}
	return true
}

func answeredKey(packet []byte) (k rejectedKey, ok bool) {
	var p wire.Packet
	if holdsSegment(&p, packet) {
		k = rejectedKey{remote: p.From(), local: p.Segment.DstPort, answer: answerOf(&p.Segment)}
		return k, p.Segment.Flags.Has(wire.RST)
	}
	m := &p.ICMP
	if p.Holds != wire.HoldsICMP || !m.IsError() {
		return k, false
	}
	return rejectedKey{remote: netip.AddrPortFrom(m.Quoted.Dst, m.DstPort), local: m.SrcPort, seq: m.Seq}, true
}
