package link_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// answerAside has the server answer the client by another link than the client
// sends by.
func answerAside(t *testing.T, p *netns.Pair) {
	t.Helper()
	p.Join(t, "aside0", "aside1")
	mac := netns.Device(t, "aside0").Attrs().HardwareAddr
	p.Server.Do(t, func() error {
		dev, err := netlink.LinkByName("aside1")
		if err != nil {
			return err
		}
		to := netns.HostNetwork(p.Client.Addr)
		if err := netlink.NeighAdd(&netlink.Neigh{LinkIndex: dev.Attrs().Index, State: netlink.NUD_PERMANENT, IP: to.IP, HardwareAddr: mac}); err != nil {
			return err
		}
		for n := 0; ; n++ { // until the kernel has noticed the carrier
			err := netlink.RouteAdd(&netlink.Route{LinkIndex: dev.Attrs().Index, Dst: to, Scope: netlink.SCOPE_LINK})
			if err == nil || n == 1000 {
				return err
			}
			time.Sleep(time.Millisecond)
		}
	})
}

// A second uplink may bring what answers a packet of the first: it is seen, and
// guarded, on each.
func TestAnswersThatComeInByAnotherInterfaceAreSeen(t *testing.T) {
	for _, guardKind := range []guard.Kind{guard.KindListener, guard.KindTCX} {
		netns.EachVersion(t, func(t *testing.T, p *netns.Pair) {
			answerAside(t, p)
			l, remote := p.Server.Listen(t)
			tap := p.Server.Tap(t)
			g, err := guard.Open(guard.Options{Kind: guardKind, Local: netip.AddrPortFrom(p.Client.Addr, 0), Interface: p.Client.Dev, Beside: []string{"aside0"}})
			netns.Check(t, err)
			defer g.Close()
			f := link.Flow{Local: g.Local(), Remote: remote}
			k := &netns.Talker{Flow: f}
			k.Link, err = link.OpenPacket(t.Context(), link.Options{Flow: f})
			netns.Check(t, err)
			defer k.Link.Close()
			exchange(t, k, l)
			if n := netns.Resets(tap.Collect(t), f.Local); n != 0 || len(k.KernelRSTs) != 0 {
				t.Errorf("%s guard: %d RSTs of the client's kernel on the wire, %d seen here", guardKind, n, len(k.KernelRSTs))
			}
		})
	}
}

func TestARingSeesWhatComesInByAnotherInterface(t *testing.T) {
	netns.EachVersion(t, func(t *testing.T, p *netns.Pair) {
		answerAside(t, p)
		_, remote := p.Server.Listen(t)
		route, err := route.Find(remote.Addr(), route.Via{})
		netns.Check(t, err)
		hop, err := link.AskHop(t.Context(), route)
		netns.Check(t, err)
		local := netip.AddrPortFrom(p.Client.Addr, 40000)
		ring, err := link.OpenRing(link.RingOptions{Kind: link.KindPacket, Route: route, Local: p.Client.Addr, Port: 40000, Ports: 16})
		netns.Check(t, err)
		defer ring.Close()
		netns.Check(t, ring.Queue(ipPacket(local, remote, 0), hop)) // an ACK draws a RST
		netns.Check(t, ring.Flush())
		heard := 0
		for end := time.Now().Add(10 * time.Second); heard == 0 && time.Now().Before(end); {
			netns.Check(t, ring.Receive(time.Second, func(p link.Packet) {
				if wire.Flags(p.Data[len(p.Data)-wire.TCPHeaderLen+13]).Has(wire.RST) {
					heard++
				}
			}))
		}
		if heard != 1 {
			t.Errorf("%d RSTs heard, want one", heard)
		}
	})
}
