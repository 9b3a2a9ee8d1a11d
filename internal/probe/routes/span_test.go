package routes

import (
	"net/netip"
	"testing"
)

func TestTheSpanIsOfOneZone(t *testing.T) {
	a := netip.MustParseAddr("fe80::1")
	every := [2]uint16{0, 1<<16 - 1}
	s := span{from: netip.MustParseAddr("fe80::"), to: netip.MustParseAddr("febf::"), zone: "left", remote: every, local: every}
	for zone, want := range map[string]bool{"left": true, "right": false, "": false} {
		if got := s.holds(Flow{To: a.WithZone(zone)}); got != want {
			t.Errorf("the zone %q: %v", zone, got)
		}
	}
}
