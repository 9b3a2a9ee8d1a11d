package probe

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// weather stands before a link, loses packets by a seed, and keeps a log.
type weather struct {
	link.Ring
	random *rand.Rand
	loss   float64

	lostSYNs map[netip.AddrPort]int // by target: SYNs of ours that never left
	lostIn   map[netip.AddrPort]int // and packets of theirs
	resets   map[resetSent]bool     // RSTs of ours, lost or not
	dropped  int                    // by the receive ring, beside all this
}

// resetSent tells one RST from another.
type resetSent struct {
	to   netip.AddrPort
	from uint16
	seq  wire.Seq
}

func newWeather(seed uint64, loss float64) *weather {
	return &weather{random: rand.New(rand.NewPCG(seed, 0)), loss: loss, lostSYNs: make(map[netip.AddrPort]int),
		lostIn: make(map[netip.AddrPort]int), resets: make(map[resetSent]bool)}
}

func (w *weather) wrap(r link.Ring) link.Ring { w.Ring = r; return w }

// decode reads a TCP packet.
func decode(packet []byte) (h wire.IP, s wire.Segment, ok bool) {
	c := field.New(wire.Root(packet), packet)
	if h.Decode(&c) != nil || h.Protocol != wire.ProtocolTCP {
		return h, s, false
	}
	return h, s, s.Decode(&c) == nil
}

func (w *weather) Queue(packet []byte, hop link.Hop) error {
	h, s, _ := decode(packet)
	to := netip.AddrPortFrom(h.Dst, s.DstPort)
	if s.Flags.Has(wire.RST) {
		w.resets[resetSent{to, s.SrcPort, s.Seq}] = true
	}
	if w.random.Float64() < w.loss {
		if s.Flags == wire.SYN {
			w.lostSYNs[to]++
		}
		return nil
	}
	return w.Ring.Queue(packet, hop)
}

func (w *weather) Receive(wait time.Duration, f func(link.Packet)) error {
	return w.Ring.Receive(wait, func(p link.Packet) {
		if w.random.Float64() < w.loss {
			if h, s, ok := decode(p.Data); ok {
				w.lostIn[netip.AddrPortFrom(h.Src, s.SrcPort)]++
			}
			return
		}
		f(p)
	})
}
