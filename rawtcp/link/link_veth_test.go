package link_test

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// ipPacket is a bare ACK with n bytes of payload.
func ipPacket(src, dst netip.AddrPort, n int) []byte {
	s := wire.Segment{SrcPort: src.Port(), DstPort: dst.Port(), Flags: wire.ACK, Payload: make([]byte, n)}
	if src.Addr().Is6() {
		h := wire.IPv6{HopLimit: 64, NextHeader: wire.ProtocolTCP, Src: src.Addr(), Dst: dst.Addr()}
		return s.AppendTo(h.AppendTo(nil, s.HeaderLen()+n), src.Addr(), dst.Addr())
	}
	h := wire.IPv4{ID: 7, DontFragment: true, TTL: 64, Protocol: wire.ProtocolTCP, Src: src.Addr(), Dst: dst.Addr()}
	return s.AppendTo(h.AppendTo(nil, s.HeaderLen()+n), src.Addr(), dst.Addr())
}

// readTunnel reads from a TUN device until want comes; the kernel has words of
// its own to say there.
func readTunnel(t *testing.T, tun *netlink.Tuntap, want []byte) {
	t.Helper()
	buf := make([]byte, 2000)
	for range 100 {
		n, err := tun.Fds[0].Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.HasSuffix(buf[:n], want) {
			return
		}
	}
	t.Error("what was sent did not come out of the tunnel")
}

// withoutCapabilities runs f with an empty effective set, on this thread.
func withoutCapabilities(t *testing.T, f func()) {
	t.Helper()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var had, none [2]unix.CapUserData
	netns.Check(t, unix.Capget(&header, &had[0]))
	none = had
	none[0].Effective, none[1].Effective = 0, 0
	netns.Check(t, unix.Capset(&header, &none[0]))
	defer func() { netns.Check(t, unix.Capset(&header, &had[0])) }()
	f()
}

func TestOversizedPacketIsRefusedWithTheMTU(t *testing.T) {
	eachLink(t, func(t *testing.T, kind link.Kind, p *netns.Pair) {
		k, _ := talk(t, kind, guard.KindListener, p.Client.Addr, netip.AddrPortFrom(p.Server.Addr, 443))
		room := 1500 - len(ipPacket(k.Flow.Local, k.Flow.Remote, 0))
		err := k.Link.Send(ipPacket(k.Flow.Local, k.Flow.Remote, room+1))
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte("1501 bytes exceeds the MTU of 1500")) {
			t.Errorf("got %v", err)
		}
		if err := k.Link.Send(ipPacket(k.Flow.Local, k.Flow.Remote, room)); err != nil {
			t.Error(err)
		}
	})
}

// What a raw socket sends must be on the wire as it was shown.
func TestPacketsGoOutAsTheyAre(t *testing.T) {
	eachKind(t, func(t *testing.T, kind link.Kind) {
		p := netns.NewPair(t)
		remote := netip.AddrPortFrom(p.Server.Addr, 443)
		k, _ := talk(t, kind, guard.KindListener, p.Client.Addr, remote)
		far := &netns.Talker{Flow: link.Flow{Local: remote, Remote: k.Flow.Local}}
		p.Server.Do(t, func() (err error) {
			far.Link, err = link.OpenPacket(context.Background(), link.Options{Flow: far.Flow})
			return err
		})
		defer far.Link.Close()
		for _, h := range []wire.IPv4{
			{ID: 1, DontFragment: true, TTL: 64},
			{ID: 0, DontFragment: true, TTL: 1, TOS: 0x2e << 2},
			{ID: 65535, TTL: 255},
			{ID: 5, TTL: 9, Options: []byte{1, 1, 1, 0}},
		} {
			h.Protocol, h.Src, h.Dst = wire.ProtocolTCP, k.Flow.Local.Addr(), remote.Addr()
			s := wire.Segment{SrcPort: k.Flow.Local.Port(), DstPort: remote.Port(), Flags: wire.ACK, Seq: 3, Reserved: 5, Urgent: 9}
			sent := s.AppendTo(h.AppendTo(nil, s.HeaderLen()), h.Src, h.Dst)
			if err := k.Link.Send(sent); err != nil {
				t.Errorf("%+v: %v", h, err)
				continue
			}
			g, err := far.Receive()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(g.Packet.Data, sent) {
				t.Errorf("sent     %x\narrived  %x", sent, g.Packet.Data)
			}
		}
	})
}

func TestICMPErrorsAboutTheFlowArrive(t *testing.T) {
	eachKind(t, func(t *testing.T, kind link.Kind) {
		p := netns.NewPair(t)
		k, _ := talk(t, kind, guard.KindListener, p.Client.Addr, netip.AddrPortFrom(p.Server.Addr, 443))
		// Somebody on the server answers with an ICMP error of its own making.
		quoted := ipPacket(k.Flow.Local, k.Flow.Remote, 0)[:28]
		icmp := append([]byte{wire.ICMPUnreachable, 13, 0, 0, 0, 0, 0, 0}, quoted...)
		sum := wire.Checksum(icmp)
		icmp[2], icmp[3] = byte(sum>>8), byte(sum)
		p.Server.Do(t, func() error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			return unix.Sendto(fd, icmp, 0, &unix.SockaddrInet4{Addr: p.Client.Addr.As4()})
		})
		k.Link.SetReadDeadline(time.Now().Add(10 * time.Second))
		got, err := k.Link.Receive(make([]byte, link.MaxPacket))
		if err != nil || !bytes.HasSuffix(got.Data, icmp) {
			t.Errorf("received %x, %v", got.Data, err)
		}
	})
}

func TestArrivalTimesAreTheKernels(t *testing.T) {
	eachLink(t, func(t *testing.T, kind link.Kind, p *netns.Pair) {
		_, remote := p.Server.Listen(t)
		k, _ := talk(t, kind, guard.KindListener, p.Client.Addr, remote)
		before := time.Now()
		if err := k.Send(wire.SYN, nil); err != nil {
			t.Fatal(err)
		}
		g, err := k.Receive()
		if err != nil {
			t.Fatal(err)
		}
		// The kernel's clock is read in ticks of its own: allow it a little.
		if at := g.Packet.Time; at.Before(before.Add(-time.Second)) || at.After(time.Now().Add(time.Second)) {
			t.Errorf("arrived at %v, sent at %v", at, before)
		}
	})
}

// Senders, a receiver, deadlines and Close at once; the race detector judges.
func TestConcurrentUse(t *testing.T) {
	eachLink(t, func(t *testing.T, kind link.Kind, p *netns.Pair) {
		k, _ := talk(t, kind, guard.KindListener, p.Client.Addr, netip.AddrPortFrom(p.Server.Addr, 443))
		b := ipPacket(k.Flow.Local, k.Flow.Remote, 10)
		var senders, receiver sync.WaitGroup
		var once sync.Once
		received := make(chan struct{}) // closed at the first
		receiver.Go(func() {
			buf := make([]byte, link.MaxPacket)
			for {
				_, err := k.Link.Receive(buf)
				switch {
				case err == nil:
					once.Do(func() { close(received) }) // each of ours draws a RST from the server
				case errors.Is(err, os.ErrDeadlineExceeded):
				default:
					return
				}
			}
		})
		for range 4 {
			senders.Go(func() {
				for range 200 {
					if err := k.Link.Send(b); err != nil {
						t.Error(err)
					}
					k.Link.SetReadDeadline(time.Now().Add(time.Minute))
				}
			})
		}
		senders.Wait()
		for deadline := time.Now().Add(time.Minute); ; { // the receiver may not have run yet, or a neighbour not have answered
			select {
			case <-received:
			case <-time.After(10 * time.Millisecond):
				if time.Now().Before(deadline) {
					_ = k.Link.Send(b)
					continue
				}
				t.Error("nothing was received")
			}
			break
		}
		k.Link.Close()
		receiver.Wait()
	})
}

func TestPipeCarriesPacketsInOrderAndBounded(t *testing.T) {
	a, b := link.Pipe()
	defer a.Close()
	buf := make([]byte, link.MaxPacket)
	for i := range 2000 {
		if err := a.Send([]byte{byte(i), byte(i >> 8)}); err != nil {
			t.Fatal(err)
		}
	}
	b.SetReadDeadline(time.Now().Add(time.Minute))
	n := 0
	for ; n < 1024; n++ {
		p, err := b.Receive(buf)
		if err != nil || len(p.Data) != 2 || int(p.Data[0])|int(p.Data[1])<<8 != n {
			t.Fatalf("packet %d: %v, %v", n, p.Data, err)
		}
	}
	b.SetReadDeadline(time.Now())
	if _, err := b.Receive(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after %d packets: %v", n, err)
	}
	if err := a.Send(make([]byte, a.MTU()+1)); err == nil {
		t.Error("a packet over the MTU was accepted")
	}
	b.Close()
	if err := a.Send([]byte{1}); err != nil {
		t.Errorf("to an end that is closed: %v, want it lost as on a wire", err)
	}
}

func TestAnInterfaceThatGoesDownEndsReceive(t *testing.T) {
	eachLink(t, func(t *testing.T, kind link.Kind, p *netns.Pair) {
		k, _ := talk(t, kind, guard.KindListener, p.Client.Addr, netip.AddrPortFrom(p.Server.Addr, 443))
		netns.Check(t, netlink.LinkSetDown(netns.Device(t, p.Client.Dev)))
		k.Link.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err := k.Link.Receive(make([]byte, link.MaxPacket))
		if !errors.Is(err, route.ErrNoRoute) || !bytes.Contains([]byte(err.Error()), []byte("veth0: no route: the interface went down")) {
			t.Errorf("receive: %v", err)
		}
		if err := k.Link.Send(ipPacket(k.Flow.Local, k.Flow.Remote, 0)); !errors.Is(err, route.ErrNoRoute) {
			t.Errorf("send: %v", err)
		}
	})
}

// A firewall of this machine that drops what we send through the kernel is an
// error to see, not a mystery.
func TestALocalFirewallThatDropsOurSegmentsIsNamed(t *testing.T) {
	p := netns.NewPair(t)
	k, _ := talk(t, link.KindRaw, guard.KindListener, p.Client.Addr, netip.AddrPortFrom(p.Server.Addr, 443))
	outputDrops(t)
	err := k.Send(wire.SYN, nil)
	if !errors.Is(err, link.ErrFiltered) || !bytes.Contains([]byte(err.Error()), []byte("a firewall rule on output")) {
		t.Errorf("got %v", err)
	}
}
