package link_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// foreign is an address on the pair's link that no kernel has.
func foreign(p *netns.Pair) netip.Addr {
	if p.Client.Addr.Is4() {
		return netip.MustParseAddr("198.18.0.77")
	}
	return netip.MustParseAddr("2001:db8::77")
}

func TestAnAddressThatTheKernelDoesNotHaveWorksWithoutAGuard(t *testing.T) {
	netns.EachVersion(t, func(t *testing.T, p *netns.Pair) {
		l, remote := p.Server.Listen(t)
		tap := p.Server.Tap(t)
		r, err := route.Find(remote.Addr(), route.Via{Source: foreign(p)})
		if err != nil || !r.Foreign {
			t.Fatalf("%+v, %v", r, err)
		}
		g, err := guard.Open(guard.Options{Local: netip.AddrPortFrom(r.Source, 0), Foreign: r.Foreign})
		if err != nil || g.Kind() != guard.KindUnneeded || !strings.Contains(g.Describe(), "not an address of this machine") {
			t.Fatalf("%v, %v", g, err)
		}
		f := link.Flow{Local: g.Local(), Remote: remote}
		raw := link.Options{Kind: link.KindRaw, Flow: f, Route: r}
		if _, err := link.Open(context.Background(), raw); err == nil || !strings.Contains(err.Error(), "packet link") {
			t.Errorf("the raw link: %v", err)
		}
		opened, err := link.Open(context.Background(), link.Options{Flow: f, Route: r})
		netns.Check(t, err)
		k := &netns.Talker{Link: opened, Flow: f}
		exchange(t, k, l)
		if n := netns.Resets(tap.Collect(t), f.Local); n != 0 || len(k.KernelRSTs) != 0 {
			t.Errorf("%d RSTs, %d kernel-sent RSTs", n, len(k.KernelRSTs))
		}

		// With the link the answers end.
		if err := opened.Close(); err != nil {
			t.Fatal(err)
		}
		p.Server.Do(t, func() error {
			dev, err := netlink.LinkByName(p.Server.Dev)
			if err != nil {
				return err
			}
			return netlink.NeighDel(&netlink.Neigh{LinkIndex: dev.Attrs().Index, IP: foreign(p).AsSlice()})
		})
		p.Server.Do(t, func() error {
			again := link.Flow{Local: netip.AddrPortFrom(p.Server.Addr, 1), Remote: f.Local}
			ctx, cancel := context.WithTimeout(context.Background(), 100e6)
			defer cancel()
			if other, err := link.OpenPacket(ctx, link.Options{Flow: again}); err == nil {
				other.Close()
				t.Error("somebody still answers for the address")
			}
			return nil
		})
	})
}
