// Hosts that vanish or reboot, and attackers that forge packets.

package simnet

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// planTroubles schedules what the plan says will happen to hosts.
func (w *world) planTroubles() {
	p := &w.plan
	if p.unlisten > 0 {
		w.net.After(p.unlisten, func() {
			w.hosts[1].Endpoint.Unlisten(w.listen)
			w.hosts[1].Flush()
		})
	}
	if p.trouble == noTrouble {
		return
	}
	h := w.hosts[p.troubled]
	w.net.After(p.troubleAt, func() {
		h.Sleep()
		w.say(h.Name + " does nothing from now on")
		if p.trouble != sleepsAWhile {
			w.forget(h)
		}
		w.count("network", [...]string{"", "a host vanishes", "a host sleeps", "a host reboots"}[p.trouble])
		if p.trouble != goesForGood {
			w.net.After(p.troubleLast, func() { w.comeBack(h) })
		}
	})
}

// forget drops the users of a host that has vanished.
func (w *world) forget(h *Host) {
	for _, u := range w.users {
		if u.host == h {
			u.vanish()
		}
	}
}

func (w *world) comeBack(h *Host) {
	w.say(h.Name + " is back")
	if w.plan.trouble == sleepsAWhile {
		h.Wake()
		for _, u := range w.users {
			if u.host == h {
				u.wake()
			}
		}
		return
	}
	h.Boot(w.hostConfig(w.plan.troubled))
	if h == w.hosts[1] {
		w.startListening()
	}
}

func (w *world) say(text string) {
	if w.ladder != nil {
		w.ladder.note(w.net.now, text)
	}
}

// planAttacks makes attackers send what the plan says. They see what crosses
// the link, which is more than an off-path attacker can, and still do not guess
// exactly; nor are they on the path, where they could do anything.
func (w *world) planAttacks() {
	p := &w.plan
	rng := dice{rand.New(rand.NewPCG(p.seed, 7))}
	for range p.attacks {
		w.net.After(time.Duration(rng.Int64N(int64(p.attackIn)+1)), func() { w.attack(rng) })
	}
	for i := range p.flood {
		w.net.After(time.Duration(rng.Int64N(int64(2*time.Second))), func() { w.strangeSYN(i) })
	}
}

// strangeSYN sends a SYN whose answer goes to nobody.
func (w *world) strangeSYN(i int) {
	from := netip.AddrFrom4([4]byte{198, 19, byte(i), 7})
	if w.plan.six {
		from = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 9, 15: byte(i)})
	}
	s := wire.Segment{SrcPort: 999, DstPort: listenPort, Seq: wire.Seq(i * 1e8), Flags: wire.SYN, Window: 1000}
	s.Options.AddMSS(1460)
	packet := segmentPacket(from, w.hosts[1].Addr, &s)
	w.seen.stranger(packet)
	w.hosts[1].Take(packet)
}

// attack sends one forged packet to a connection that is open.
func (w *world) attack(d dice) {
	if len(w.users) == 0 {
		return
	}
	u := w.users[d.IntN(len(w.users))]
	state, peer := u.conn.State(), u.space.peer
	if u.gone || u.done || peer == nil || u.host.asleep || state < tcb.Established || state == tcb.TimeWait {
		return
	}
	packet, what := w.forge(d, u, peer)
	w.say(fmt.Sprintf("to %s, forged: %s", u.name, what))
	w.count("attack", what)
	u.host.Endpoint.Receive(w.net.now, packet, false)
	u.host.Flush()
}

// forge makes a packet that claims to come from a user's peer, or from a router
// in front of it, and describes it.
func (w *world) forge(d dice, u *user, peer *space) ([]byte, string) {
	arrived := peer.came.whole()
	next := peer.iss.Add(arrived) // RCV.NXT, or beyond it where not all was kept
	inWindow := next.Add(1 + d.IntN(max(1, peer.offered-arrived-1)))
	s := wire.Segment{
		SrcPort: u.flow.Remote.Port(), DstPort: u.flow.Local.Port(),
		Seq: inWindow, Ack: u.space.iss.Add(u.space.acked), Window: 1000, Flags: wire.ACK,
	}
	what := ""
	switch d.IntN(10) {
	case 0:
		s.Flags, what = wire.RST, "RST within the window"
	case 1:
		s.Flags, s.Seq, what = wire.RST, wire.Seq(d.Uint32()), "RST anywhere"
	case 2:
		s.Flags, what = wire.SYN, "SYN within the window"
	case 3:
		s.Ack, what = u.space.iss.Add(u.space.end+1+d.IntN(1<<20)), "ACK of what was not sent"
	case 4:
		s.Ack, s.Payload, what = u.space.iss.Add(-1-1<<30), []byte("forged"), "octets with a wild ACK"
	case 5:
		s.Seq, s.Payload, what = peer.iss.Add(peer.told-6), []byte("forged"), "octets that have arrived before"
		if peer.told <= 6 {
			s.Payload = nil
		}
	case 6:
		return w.forgeICMP(u, wire.Seq(d.Uint32()), 4, 68), "ICMP, fragmentation needed, about nothing"
	case 7:
		return w.forgeICMP(u, u.space.iss.Add(u.space.acked), byte(d.IntN(4)), 0), "ICMP, hard error"
	case 8:
		return w.forgeICMP(u, u.space.iss.Add(u.space.acked), 4, 68), "ICMP, fragmentation needed"
	case 9:
		if what = "RST within the window"; u.eof && peer.user != nil && arrived == peer.user.wrote+2 {
			s.Seq, s.Payload, what = next, []byte("forged"), "octets after the FIN"
			s.Ack = u.space.iss.Add(u.una() - 1) // otherwise its window would be right
		} else {
			s.Flags = wire.RST
		}
	}
	return segmentPacket(u.flow.Remote.Addr(), u.flow.Local.Addr(), &s), what
}

func (w *world) forgeICMP(u *user, seq wire.Seq, code byte, mtu int) []byte {
	quoted := wire.Segment{SrcPort: u.flow.Local.Port(), DstPort: u.flow.Remote.Port(), Seq: seq, Flags: wire.ACK, Payload: make([]byte, 1400)}
	return unreachable(segmentPacket(u.flow.Local.Addr(), u.flow.Remote.Addr(), &quoted), code, mtu)
}
