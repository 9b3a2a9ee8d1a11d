package probe

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A lossyLink stands before a link, loses packets by a seed, and keeps a log.
type lossyLink struct {
	link.Ring
	random *rand.Rand
	loss   float64
	log    map[netip.AddrPort]*traffic
	resets map[resetSent]bool // RSTs of ours, lost or not
	lost   int

	closing func() // called before the link is closed, and the guard after it; may be nil
}

// traffic is what has become of the packets between us and one target.
type traffic struct {
	syns, lostSYNs int // that we sent; and of them, lost
	heard, lostIn  int // of theirs, and ICMP messages about it: let through; and lost
}

// resetSent tells one RST from another.
type resetSent struct {
	to   netip.AddrPort
	from uint16
	seq  wire.Seq
}

func newLossyLink(seed uint64, loss float64) *lossyLink {
	return &lossyLink{random: rand.New(rand.NewPCG(seed, 0)), loss: loss, log: make(map[netip.AddrPort]*traffic), resets: make(map[resetSent]bool)}
}

func (w *lossyLink) wrap(r link.Ring) link.Ring { w.Ring = r; return w }

func (w *lossyLink) Close() error {
	if w.closing != nil {
		w.closing()
	}
	return w.Ring.Close()
}

func (w *lossyLink) traffic(target netip.AddrPort) *traffic {
	if w.log[target] == nil {
		w.log[target] = new(traffic)
	}
	return w.log[target]
}

// loses decides, and counts.
func (w *lossyLink) loses(n *int) bool {
	lost := w.random.Float64() < w.loss
	if lost {
		w.lost++
		*n++
	}
	return lost
}

// decode reads a TCP packet.
func decode(packet []byte) (h wire.IP, s wire.Segment, ok bool) {
	c := field.New(wire.Root(packet), packet)
	if h.Decode(&c) != nil || h.Protocol != wire.ProtocolTCP {
		return h, s, false
	}
	return h, s, s.Decode(&c) == nil
}

// about is which target an arrived packet is about: its sender, or who is
// quoted.
func about(packet []byte) (target netip.AddrPort, ok bool) {
	if h, s, ok := decode(packet); ok {
		return netip.AddrPortFrom(h.Src, s.SrcPort), true
	}
	c := field.New(wire.Root(packet), packet)
	var h wire.IP
	var m wire.ICMP
	if h.Decode(&c) != nil || h.Protocol != wire.ProtocolICMP || m.Decode(&c) != nil {
		return target, false
	}
	return netip.AddrPortFrom(m.Quoted.Dst, m.DstPort), true
}

func (w *lossyLink) Queue(packet []byte, hop link.Hop) error {
	h, s, _ := decode(packet)
	to := netip.AddrPortFrom(h.Dst, s.DstPort)
	if s.Flags.Has(wire.RST) {
		w.resets[resetSent{to, s.SrcPort, s.Seq}] = true
	}
	var others int
	lost := &others
	if s.Flags == wire.SYN {
		f := w.traffic(to)
		f.syns++
		lost = &f.lostSYNs
	}
	if w.loses(lost) {
		return nil
	}
	return w.Ring.Queue(packet, hop)
}

func (w *lossyLink) Receive(wait time.Duration, f func(link.Packet)) error {
	return w.Ring.Receive(wait, func(p link.Packet) {
		target, ok := about(p.Data)
		traffic := new(traffic)
		if ok {
			traffic = w.traffic(target)
		}
		if !w.loses(&traffic.lostIn) {
			traffic.heard++
			f(p)
		}
	})
}

func (w *lossyLink) of(t *Target) *traffic { return w.traffic(netip.AddrPortFrom(t.Addr, t.Port)) }

// implies is the outcome that the log leaves possible, of a host with an
// outcome of its own: whose every answer was lost, or every SYN, is silent, and
// nobody else.
func (w *lossyLink) implies(t *Target, outcome string) string {
	if w.of(t).heard == 0 {
		return "silent"
	}
	return outcome
}
