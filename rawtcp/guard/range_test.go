package guard_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

func openRange(t *testing.T, o guard.RangeOptions) guard.Range {
	t.Helper()
	g, err := guard.OpenRange(o)
	netns.Check(t, err)
	t.Cleanup(func() { g.Close() })
	return g
}

// One guard for both IP versions: the ends of the range and its middle are
// quiet, the ports beside it and the other address are as ever.
func TestARangeIsGuardedFromItsFirstPortToItsLast(t *testing.T) {
	for _, kind := range standing {
		for name, every := range map[string]bool{"our addresses": false, "every address": true} {
			t.Run(string(kind)+"/"+name, func(t *testing.T) {
				p := netns.NewPair(t)
				o := guard.RangeOptions{Kind: kind, First: 40000, Last: 41000, Interface: clientDev}
				if !every {
					o.Addrs = []netip.Addr{p.Client.Addr4, p.Client.Addr6}
				}
				g := openRange(t, o)
				const n = 5
				dropped := 0
				for _, pair := range []*netns.Pair{p, p.Version6()} {
					for port, guarded := range map[uint16]bool{39999: false, 40000: true, 40500: true, 41000: true, 41001: false} {
						want := n
						if guarded {
							want = 0
							dropped += n
						}
						at := netip.AddrPortFrom(pair.Client.Addr, port)
						if got := shower(t, pair, at, wire.SYN|wire.ACK, 64, n); got != want {
							t.Errorf("%d SYN-ACKs to %v drew %d RSTs, want %d", n, at, got, want)
						}
					}
				}
				if got, known := g.Dropped(); !known || got != uint64(dropped) {
					t.Errorf("Dropped says %d (known: %v), want %d", got, known, dropped)
				}
				if err := g.Close(); err != nil {
					t.Error(err)
				}
				if got := shower(t, p, netip.AddrPortFrom(p.Client.Addr, 40500), wire.SYN|wire.ACK, 64, n); got != n {
					t.Errorf("after Close, %d SYN-ACKs drew %d RSTs", n, got)
				}
			})
		}
	}
}

func TestARangeOfOneAddressLeavesTheOthersAlone(t *testing.T) {
	for _, kind := range standing {
		t.Run(string(kind), func(t *testing.T) {
			p := netns.NewPair(t)
			openRange(t, guard.RangeOptions{Kind: kind, Addrs: []netip.Addr{p.Client.Addr6}, First: 40000, Last: 40001, Interface: clientDev})
			if got := shower(t, p, netip.AddrPortFrom(p.Client.Addr4, 40000), wire.SYN|wire.ACK, 64, 5); got != 5 {
				t.Errorf("5 SYN-ACKs to the other address drew %d RSTs", got)
			}
		})
	}
}

func TestAHeldRangeIsNobodyElses(t *testing.T) {
	for _, kind := range standing {
		t.Run(string(kind), func(t *testing.T) {
			p := netns.NewPair(t)
			g := openRange(t, guard.RangeOptions{Kind: kind, Addrs: []netip.Addr{p.Client.Addr4}, Count: 100, Hold: true, Interface: clientDev})
			first, last := g.Ports()
			if first < 1024 || last-first != 99 {
				t.Fatalf("ports %d-%d, want 100", first, last)
			}
			for _, port := range []uint16{first, last} {
				local := netip.AddrPortFrom(p.Client.Addr4, port)
				if _, err := guard.Open(guard.Options{Kind: guard.KindNone, Local: local}); !errors.Is(err, guard.ErrPortInUse) {
					t.Errorf("%v: %v, want ErrPortInUse", local, err)
				}
			}
			if _, err := guard.OpenRange(guard.RangeOptions{Kind: kind, Addrs: []netip.Addr{p.Client.Addr4}, First: last, Last: last + 10, Hold: true, Interface: clientDev}); !errors.Is(err, guard.ErrPortInUse) {
				t.Errorf("a range that overlaps: %v, want ErrPortInUse", err)
			}
			if err := g.Close(); err != nil {
				t.Error(err)
			}
			openRange(t, guard.RangeOptions{Kind: kind, Addrs: []netip.Addr{p.Client.Addr4}, First: first, Last: last, Hold: true, Interface: clientDev})
		})
	}
}

// A program that masks port numbers, as masscan does, needs a block that begins at
// a multiple of its size.
func TestAnAlignedBlockBeginsAtAMultipleOfItsSize(t *testing.T) {
	p := netns.NewPair(t)
	for count := 1; count <= 1024; count *= 4 {
		for range 8 {
			g, err := guard.OpenRange(guard.RangeOptions{Kind: guard.KindNone, Addrs: []netip.Addr{p.Client.Addr4}, Count: count, Aligned: true})
			netns.Check(t, err)
			first, last := g.Ports()
			if int(first)%count != 0 || int(last)-int(first)+1 != count || first < 1024 {
				t.Errorf("%d aligned ports: %d-%d", count, first, last)
			}
			netns.Check(t, g.Close())
		}
	}
}

// What needs no privilege comes first, as long as descriptors last.
func TestAutoTakesListenersWhileDescriptorsLast(t *testing.T) {
	p := netns.NewPair(t)
	addrs := []netip.Addr{p.Client.Addr4}
	if g := openRange(t, guard.RangeOptions{Addrs: addrs, Count: 16}); g.Kind() != guard.KindListener {
		t.Errorf("16 ports: %s", g.Kind())
	}
	var limit unix.Rlimit
	netns.Check(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	few := unix.Rlimit{Cur: 256, Max: limit.Max}
	netns.Check(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &few))
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	if g := openRange(t, guard.RangeOptions{Addrs: addrs, Count: 1000}); g.Kind() != guard.KindNFTables {
		t.Errorf("1000 ports with 256 descriptors: %s", g.Kind())
	}
	_, err := guard.OpenRange(guard.RangeOptions{Addrs: addrs, Count: 1000, Hold: true})
	if err == nil || !strings.Contains(err.Error(), "ulimit -n") {
		t.Errorf("1000 ports to be held with 256 descriptors: %v", err)
	}
}

func TestWrongRangesAreRefused(t *testing.T) {
	netns.NewPair(t)
	for _, tc := range []struct {
		o    guard.RangeOptions
		want string
	}{
		{guard.RangeOptions{First: 9, Last: 8}, "above its last"},
		{guard.RangeOptions{}, "over 0 ports"},
		{guard.RangeOptions{Count: 100, Aligned: true}, "power of two"},
		{guard.RangeOptions{Count: 1 << 20}, "over 1048576 ports"},
		{guard.RangeOptions{First: 1, Last: 2, Addrs: make([]netip.Addr, 1)}, "needs the address"},
		{guard.RangeOptions{Kind: "moat", Count: 1}, `unknown kind of guard "moat"`},
		{guard.RangeOptions{Kind: guard.KindTCX, Count: 1}, "goes with the packet link only"},
		{guard.RangeOptions{Kind: guard.KindTCX, Count: 1, Interface: "none7"}, `no interface "none7"`},
	} {
		if _, err := guard.OpenRange(tc.o); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.o, err, tc.want)
		}
	}
}

// Connections in TIME-WAIT hold ports all over the kernel's own range.
func TestABlockIsFoundBelowACrowdedRange(t *testing.T) {
	p := netns.NewPair(t)
	low, high, err := guard.EphemeralPorts()
	netns.Check(t, err)
	const n = 100
	for port := int(low); port <= int(high); port += n / 2 {
		g, err := guard.Open(guard.Options{Kind: guard.KindNone, Local: netip.AddrPortFrom(p.Client.Addr4, uint16(port))})
		netns.Check(t, err)
		defer g.Close()
	}
	g := openRange(t, guard.RangeOptions{Addrs: []netip.Addr{p.Client.Addr4}, Count: n, Hold: true})
	if first, last := g.Ports(); last >= low || last-first != n-1 {
		t.Errorf("ports %d-%d, want %d below %d", first, last, n, low)
	}
}

// Nobody needs a certain number of ports: where no more are free in a row, or can
// be held, fewer do.
func TestABlockIsSmallerWherePortsAreScarce(t *testing.T) {
	p := netns.NewPair(t)
	const gap = 40
	for port := 10000; port <= 65535; port += gap {
		g, err := guard.Open(guard.Options{Kind: guard.KindNone, Local: netip.AddrPortFrom(p.Client.Addr4, uint16(port))})
		netns.Check(t, err)
		defer g.Close()
	}
	o := guard.RangeOptions{Count: 256, Least: 1, Hold: true}
	first, last := openRange(t, o).Ports()
	if n := int(last) - int(first) + 1; n != 32 || int(first-10000)/gap != int(last-10000)/gap {
		t.Errorf("ports %d-%d, want 32 between two that are taken", first, last)
	}
	o.Least = 64
	if g, err := guard.OpenRange(o); !errors.Is(err, guard.ErrPortInUse) || !strings.Contains(err.Error(), "64 free ports in a row") {
		t.Errorf("64 at least: %v, %v", g, err)
	}
}

func TestABlockIsSmallerWhereDescriptorsAreScarce(t *testing.T) {
	p := netns.NewPair(t)
	var limit unix.Rlimit
	netns.Check(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	few := unix.Rlimit{Cur: 400, Max: limit.Max}
	netns.Check(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &few))
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	o := guard.RangeOptions{Addrs: []netip.Addr{p.Client.Addr4}, Count: 256, Least: 16, Hold: true}
	sum := 0
	for {
		g, err := guard.OpenRange(o)
		if err != nil {
			if !strings.Contains(err.Error(), "ulimit -n") {
				t.Errorf("%v", err)
			}
			break
		}
		defer g.Close()
		first, last := g.Ports()
		sum += int(last) - int(first) + 1
	}
	if sum < 128 || sum > 400-128 {
		t.Errorf("%d ports were held with 400 descriptors, of which 128 are for others", sum)
	}
}
