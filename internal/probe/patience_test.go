package probe

import (
	"time"

	"github.com/rawshake/rawshake/rawtcp/link"
)

// patience stands before a loop's link and spares the scan its waiting: once
// nothing but time can decide what is still in flight, the loop's clock leaps
// over it. So a scan may have a timeout that only a hang reaches, on a machine
// however slow, and those hosts that never answer still come to it.
type patience struct {
	link.Ring
	loop   *loop
	loss   *lossyLink
	expect func(*Target) string // the outcome that a host has of its own
}

func (p *patience) wrap(r link.Ring) link.Ring { p.Ring = r; return p }

func (p *patience) Receive(wait time.Duration, f func(link.Packet)) error {
	quiet := true
	err := p.Ring.Receive(wait, func(packet link.Packet) {
		quiet = false
		f(packet)
	})
	if quiet && p.onlyTimeIsLeft() {
		p.loop.epoch = p.loop.epoch.Add(-p.loop.o.Timeout)
	}
	return err
}

func (p *patience) onlyTimeIsLeft() bool {
	w := &p.loop.begun.window
	for n := w.base; n < w.head; n++ {
		if !p.decided(n) {
			return false
		}
	}
	return w.len() > 0
}

// decided reports whether nothing that could still arrive would change a
// target's record: it is connected to a host that keeps it waiting, or all its
// SYNs have left, and none came through or no other answer is to come. One that
// only looks so waits its time.
func (p *patience) decided(n uint64) bool {
	s := p.loop.begun.window.at(n)
	if s.state == slotDone {
		return true
	}
	t := p.loop.begun.source.At(n)
	want := p.expect(&t)
	switch s.state {
	case slotConnected:
		return want == "timeout" && !p.loop.connections.all[s.conn].reported
	case slotWaiting:
		f := p.loss.of(&t)
		return int(s.tries) > p.loop.o.Retries && (f.lostSYNs == f.syns || p.heardOut(s, want))
	}
	return false
}

// routerPatience is how long a router may take to say that a host is
// unreachable, which it does not say of each SYN.
const routerPatience = 16 * time.Second

// heardOut reports whether no answer to a target's last SYN is to come.
func (p *patience) heardOut(s *slot, want string) bool {
	return want == "silent" || s.anomalies&anomalyWrongACK != 0 || want == "unreachable" && p.loop.now.Sub(p.loop.syns.sentAt(s)) > routerPatience
}
