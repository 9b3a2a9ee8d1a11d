package doctor

import (
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/rawshake/rawshake/internal/test/netns"
)

func TestWhatAnInterfaceCanDoForXDPIsSaid(t *testing.T) {
	for _, tc := range []struct {
		x    xdpAbility
		want string
	}{
		{xdpAbility{"eth0", true, true, true, 8}, "; eth0: in the driver, which has zero-copy (not used), 8 queues"},
		{xdpAbility{"veth0", true, true, false, 1}, "; veth0: in the driver, 1 queue"},
		{xdpAbility{"br0", true, false, false, 1}, "; br0: before the stack (SKB mode), 1 queue"},
		{xdpAbility{"eth1", false, false, false, 2}, "; eth1: its driver untold, 2 queues"},
	} {
		if got := tellXDP([]xdpAbility{tc.x}); got != tc.want {
			t.Errorf("%+v: %q, want %q", tc.x, got, tc.want)
		}
	}
	many := make([]xdpAbility, 500)
	if got := tellXDP(many); !strings.HasSuffix(got, "; and 492 more") || len(got) > 500 {
		t.Errorf("of 500: %s", got)
	}
}

// The kernel itself says of a veth pair that its driver runs XDP programs, and nothing of
// the kind of a loopback interface.
func TestTheKernelTellsWhatADriverCanDo(t *testing.T) {
	p := netns.NewPair(t)
	list := xdpAbilities()
	if len(list) != 1 || list[0].dev != p.Client.Dev || list[0].queues < 1 {
		t.Fatalf("%+v, want %s alone", list, p.Client.Dev)
	}
	if x := list[0]; x.told && (!x.native || x.zeroCopy) {
		t.Errorf("%+v, but veth has native mode, and no zero-copy", x)
	}
	if _, err := netlink.GenlFamilyGet(netdevFamily); err == nil && !list[0].told {
		t.Error("this kernel tells what its drivers can do, and it was not understood")
	}
}
