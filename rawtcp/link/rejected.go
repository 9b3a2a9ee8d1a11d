package link

import (
	"encoding/binary"
	"net/netip"
	"sync"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A rule of this machine that refuses what leaves (REJECT) may answer it as well:
// by a RST in the peer's name, or by an ICMP error. Neither says anything of the
// peer, whom the packet never reached.

// rejections are the packets that this machine did not let out, and whose answer has
// not come yet.
type rejections struct {
	mu   sync.Mutex // held while a packet is sent, so that no answer comes before
	open map[rejectedKey]int
}

// rejectedKey is a packet by what an answer to it tells.
type rejectedKey struct {
	remote      netip.AddrPort
	local       uint16
	seq, answer uint32 // its sequence number; and the RST's acknowledgment, or sequence number
}

// maxRejections bounds how many are kept. Most are answered before the next leaves.
const maxRejections = 4096

// note remembers a packet that was refused.
func (r *rejections) note(packet []byte) {
	h, s := tcpOf(packet)
	if s == nil {
		return
	}
	if r.open == nil || len(r.open) >= maxRejections {
		r.open = make(map[rejectedKey]int)
	}
	k := rejectedKey{remote: netip.AddrPortFrom(h.Dst, binary.BigEndian.Uint16(s[tcpDest:])), local: binary.BigEndian.Uint16(s[tcpSource:]),
		seq: binary.BigEndian.Uint32(s[4:])}
	r.open[k]++
	k.seq, k.answer = 0, resetAnswers(s)
	r.open[k]++
}

// resetAnswers is what a RST that answers a segment acknowledges, or where that
// acknowledges something itself, begins at (RFC 9293, section 3.10.7.1).
func resetAnswers(s []byte) uint32 {
	flags := wire.Flags(s[tcpFlags])
	if flags.Has(wire.ACK) {
		return binary.BigEndian.Uint32(s[8:])
	}
	n := uint32(len(s) - int(s[12]>>4)*4)
	for _, f := range [...]wire.Flags{wire.SYN, wire.FIN} {
		if flags.Has(f) {
			n++
		}
	}
	return binary.BigEndian.Uint32(s[4:]) + n
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
	if h, s := tcpOf(packet); s != nil {
		k = rejectedKey{remote: netip.AddrPortFrom(h.Src, binary.BigEndian.Uint16(s[tcpSource:])), local: binary.BigEndian.Uint16(s[tcpDest:]),
			answer: binary.BigEndian.Uint32(s[4:])}
		if wire.Flags(s[tcpFlags]).Has(wire.ACK) {
			k.answer = binary.BigEndian.Uint32(s[8:])
		}
		return k, wire.Flags(s[tcpFlags]).Has(wire.RST)
	}
	c := field.New(wire.Root(packet), packet)
	var h wire.IP
	var m wire.ICMP
	if h.Decode(&c) != nil {
		return k, false
	}
	decode := m.Decode
	if h.Version == 6 {
		decode = m.DecodeV6
	}
	if decode(&c) != nil || !m.IsError() {
		return k, false
	}
	return rejectedKey{remote: netip.AddrPortFrom(m.Quoted.Dst, m.DstPort), local: m.SrcPort, seq: uint32(m.Seq)}, true
}
