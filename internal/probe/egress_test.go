package probe

import (
	"net/netip"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Sixteen hosts among 616 send what nobody asked for, thousands of packets a second
// for ten seconds: no packet leaves beyond the rate, and the others have their
// certificates in no more than half as long again.
func TestNoFloodCostsOtherTargetsMuch(t *testing.T) {
	flight := serverFlight(t)
	quiet, _ := floodScan(t, &floodNet{hostile: isHostile}, flight)
	t.Logf("quiet: %v", quiet)
	for name, tc := range floods {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &floodNet{hostile: isHostile, answer: tc.answer, flood: tc.flood, rate: floodOf()}
			took, l := floodScan(t, f, flight)
			t.Logf("%v, %d packets %v, %d of the flood; %+v", took, len(f.sent), f.kinds, f.came, l.stats.Outcomes)
			if took > quiet*3/2 {
				t.Errorf("%v, and %v where all is quiet: %v", took, quiet, f.kinds)
			}
		})
	}
}

// A server that serves one connection after the other waits for each packet of the
// one that it has. Those find room in the pace, and SYNs wait for them.
func TestConnectionsFindRoomInThePaceBesideSYNs(t *testing.T) {
	f := &floodNet{}
	var waited, longest time.Duration
	flight := serverFlight(t)
	_, l := floodScan(t, f, flight)
	heard := make(map[netip.AddrPort]tcb.Instant)
	for i, p := range f.packets {
		switch to := netip.AddrPortFrom(p.to, p.port); {
		case p.flags == wire.SYN:
			heard[to] = f.sent[i].Add(step) // when its SYN-ACK comes
		case p.flags.Has(wire.PSH):
			wait := f.sent[i].Sub(heard[to])
			waited, longest = waited+wait, max(longest, wait)
		}
	}
	if mean := waited / time.Duration(l.stats.Results); mean > 5*step {
		t.Errorf("a ClientHello waited for %v, and %v at most, after the SYN-ACK", mean, longest)
	}
}
