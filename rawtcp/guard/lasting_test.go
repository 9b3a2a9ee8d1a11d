package guard_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

func find(t *testing.T) []guard.Found {
	t.Helper()
	found, err := guard.Find()
	netns.Check(t, err)
	return found
}

func TestALastingGuardStandsOnceAndIsFoundAndUndone(t *testing.T) {
	p := netns.NewPair(t)
	both := []netip.Addr{p.Client.Addr4, p.Client.Addr6}
	raise := func(want int, addrs []netip.Addr, first, last uint16) {
		t.Helper()
		n, err := guard.Raise(addrs, first, last, "a test's")
		netns.Check(t, err)
		if n != want {
			t.Errorf("Raise added %d rules, want %d", n, want)
		}
	}
	lower := func(want int, addrs []netip.Addr, first, last uint16) {
		t.Helper()
		n, err := guard.Lower(addrs, first, last)
		netns.Check(t, err)
		if n != want {
			t.Errorf("Lower took %d rules away, want %d", n, want)
		}
	}
	lower(0, nil, 0, 0)
	raise(1, both[:1], 4000, 4010)
	raise(1, both, 4000, 4010) // the half that was missing
	raise(0, both, 4000, 4010)
	raise(1, nil, 5000, 5000)
	for _, pair := range []*netns.Pair{p, p.Version6()} {
		for port, want := range map[uint16]int{3999: 5, 4000: 0, 4010: 0, 4011: 5, 5000: 0} {
			if n := shower(t, pair, netip.AddrPortFrom(pair.Client.Addr, port), wire.SYN|wire.ACK, 64, 5); n != want {
				t.Errorf("5 SYN-ACKs to port %d of %v drew %d RSTs, want %d", port, pair.Client.Addr, n, want)
			}
		}
	}
	var names []string
	for _, f := range find(t) {
		if f.Kind != guard.KindNFTables || !f.Lasting || f.Owner != "a test's" || f.Dropped != 10 {
			t.Errorf("found %+v", f)
		}
		names = append(names, f.String())
	}
	want := []string{"ports 4000-4010 of 198.18.0.1", "ports 4000-4010 of 2001:db8::1", "port 5000 of every address"}
	if !slices.Equal(names, want) {
		t.Errorf("found %q, want %q", names, want)
	}
	lower(1, both[1:], 4000, 4010)
	lower(0, nil, 4000, 4010) // that is another rule
	lower(2, nil, 0, 0)
	lower(0, nil, 0, 0)
	if left := ruleset(t); len(left) != 0 {
		t.Errorf("tables left behind: %q", left)
	}
}

// A link-local address comes with its interface, which no rule names.
func TestALastingGuardOfALinkLocalAddressStandsOnceToo(t *testing.T) {
	netns.NewPair(t)
	addrs := []netip.Addr{netip.MustParseAddr("fe80::1%lo")}
	for _, want := range []int{1, 0} {
		n, err := guard.Raise(addrs, 4000, 4000, "a test's")
		netns.Check(t, err)
		if n != want {
			t.Errorf("Raise added %d rules, want %d", n, want)
		}
	}
	n, err := guard.Lower(addrs, 4000, 4000)
	netns.Check(t, err)
	if n != 1 {
		t.Errorf("Lower took %d rules away, want 1", n)
	}
}

func TestWhatStandsIsFoundWithItsOwner(t *testing.T) {
	p := netns.NewPair(t)
	at := []netip.Addr{p.Client.Addr4}
	openRange(t, guard.RangeOptions{Kind: guard.KindListener, Addrs: at, First: 4000, Last: 4009})
	openRange(t, guard.RangeOptions{Kind: guard.KindNFTables, First: 5000, Last: 5009})
	openRange(t, guard.RangeOptions{Kind: guard.KindTCX, Addrs: []netip.Addr{p.Client.Addr4, p.Client.Addr6}, First: 7000, Last: 7009, Interface: clientDev})
	script(t, []string{"iptables", "ip6tables", "nft"}, "up", "6000-6009")
	t.Cleanup(func() { script(t, []string{"iptables", "ip6tables", "nft"}, "down", "6000-6009") })
	shower(t, p, netip.AddrPortFrom(at[0], 4005), wire.SYN|wire.ACK, 64, 3)
	shower(t, p, netip.AddrPortFrom(at[0], 5005), wire.SYN|wire.ACK, 64, 4)
	shower(t, p, netip.AddrPortFrom(at[0], 7005), wire.SYN|wire.ACK, 64, 5)

	byKind := map[guard.Kind]guard.Found{}
	for _, f := range find(t) {
		byKind[f.Kind] = f
	}
	for kind, want := range map[guard.Kind]struct {
		text    string
		lasting bool
		dropped uint64
		owner   string
	}{
		guard.KindListener: {"ports 4000-4009 of 198.18.0.1", false, 3, "guard.test"},
		guard.KindNFTables: {"ports 5000-5009 of every address", false, 4, "guard.test"},
		guard.KindTCX:      {"ports 7000-7009 of 198.18.0.1, 2001:db8::1 on veth0", false, 5, "guard.test"},
		guard.KindScript:   {"ports 6000-6009 of every address", true, 0, "rst-guard.sh"},
	} {
		f, ok := byKind[kind]
		if !ok || f.String() != want.text || f.Lasting != want.lasting || f.Dropped != want.dropped || !strings.Contains(f.Owner, want.owner) {
			t.Errorf("%s (found: %v): %v, %+v, want %+v", kind, ok, &f, f, want)
		}
	}
}
