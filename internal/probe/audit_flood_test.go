// Audits beside hosts that flood.

package probe

import (
	"net/netip"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// without reports whether of so many hosts all are done that are not hostile.
func (n *auditNet) without(hosts int) bool {
	for _, c := range n.loop.connections.all {
		if c.session != nil && !isHostile(c.target.Addr) {
			return false
		}
	}
	for i := 16; i < hosts; i++ {
		if n.opened[netip.AddrPortFrom(hostileHost(i), 443)] == 0 {
			return false
		}
	}
	return true
}

// Hosts that flood while they are audited get no packet beyond the rate, hold up no
// audit of another host for long, and their own audits end.
func TestNoFloodCostsOtherAuditsMuch(t *testing.T) {
	scan := func(t *testing.T, answer func(f *floodNet, to netip.Addr, s *wire.Segment) []wire.Segment, flood func(*floodNet, int) []byte) (honest time.Duration) {
		o := options(t, "443", "198.19.0.0/26")
		o.Rate, o.AuditConnections, o.MaxInFlight = floodRate*4, 12, 64
		n := newAuditNet(t, o)
		n.flood, n.rate = flood, floodOf()
		n.instead = func(p pair, nth int, s *wire.Segment) ([]wire.Segment, bool) {
			if flood == nil || !isHostile(p.peer.Addr()) || nth < 2 {
				return nil, false // each is audited beyond its first connection
			}
			if answer == nil {
				return nil, true
			}
			return answer(&n.floodNet, p.peer.Addr(), s), true
		}
		start := n.now
		for l := n.loop; !(l.admission.ended && l.begun.window.len() == 0 && l.connections.wheel.n == 0); {
			n.turn(t)
			if honest == 0 && n.now%(16*tcb.Instant(step)) == 0 && n.without(64) {
				honest = n.now.Sub(start)
			}
			if n.now.Sub(start) > floodLength {
				n.flood = nil
			}
			if n.now.Sub(start) > 30*time.Minute {
				t.Fatalf("no end: %+v", l.stats)
			}
		}
		if honest == 0 {
			honest = n.now.Sub(start)
		}
		n.checkRate(t, o.Rate)
		if list := n.end(t); len(list) != 64 {
			t.Errorf("%d results", len(list))
		}
		return honest
	}
	quiet := scan(t, nil, nil)
	for name, tc := range floods {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if took := scan(t, tc.answer, tc.flood); took > quiet*3/2 {
				t.Errorf("%v, and %v where all is quiet", took, quiet)
			}
		})
	}
}
