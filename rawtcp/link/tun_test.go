package link_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

func openTUN(t *testing.T) *link.TUN {
	t.Helper()
	netns.NewPair(t)
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		netns.Missing(t, "a TUN device", err)
	}
	l, err := link.OpenTUN(link.TUNOptions{Name: "tun%d",
		Kernel: []netip.Prefix{netip.MustParsePrefix("198.19.0.1/24"), netip.MustParsePrefix("2001:db8:1::1/64")}})
	netns.Check(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

func TestTheKernelsTCPAnswersOverATUN(t *testing.T) {
	for name, addr := range map[string][2]string{
		"IPv4": {"198.19.0.1", "198.19.0.9"},
		"IPv6": {"2001:db8:1::1", "2001:db8:1::9"},
	} {
		t.Run(name, func(t *testing.T) {
			l := openTUN(t)
			kernel, err := net.Listen("tcp", netip.AddrPortFrom(netip.MustParseAddr(addr[0]), 0).String())
			if err != nil {
				t.Fatal(err)
			}
			defer kernel.Close()
			f := link.Flow{Local: netip.AddrPortFrom(netip.MustParseAddr(addr[1]), 40000), Remote: kernel.Addr().(*net.TCPAddr).AddrPort()}
			k := &netns.Talker{Link: onlyTCP{l}, Flow: f}
			exchange(t, k, kernel.(*net.TCPListener))
		})
	}
}

// onlyTCP passes over what else the kernel sends into a new network.
type onlyTCP struct{ link.Link }

func (l onlyTCP) Receive(buf []byte) (link.Packet, error) {
	for {
		p, err := l.Link.Receive(buf)
		if err != nil || p.Data[0]>>4 == 4 && p.Data[9] == wire.ProtocolTCP || p.Data[0]>>4 == 6 && p.Data[6] == wire.ProtocolTCP {
			return p, err
		}
	}
}

func TestATUNGoesWithItsLink(t *testing.T) {
	l := openTUN(t)
	if l.Kind() != link.KindTUN || l.MTU() != 1500 {
		t.Errorf("%s, MTU %d", l.Kind(), l.MTU())
	}
	if err := l.Send(make([]byte, 1501)); err == nil {
		t.Error("a packet over the MTU was accepted")
	}
	netns.Device(t, l.Name())
	l.SetReadDeadline(time.Now().Add(-time.Second))
	if _, err := l.Receive(make([]byte, link.MaxPacket)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("deadline in the past: %v", err)
	}
	l.SetReadDeadline(time.Time{})
	ended := make(chan error)
	go func() {
		for {
			if _, err := l.Receive(make([]byte, link.MaxPacket)); err != nil {
				ended <- err
				return
			}
		}
	}()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("receive after close: %v", err)
	}
	if _, err := netlink.LinkByName(l.Name()); err == nil {
		t.Errorf("%s is still there", l.Name())
	}
	if err := l.Send(make([]byte, 40)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("send after close: %v", err)
	}
}

func TestATUNThatCannotBeIsExplained(t *testing.T) {
	l := openTUN(t)
	_, err := link.OpenTUN(link.TUNOptions{Name: l.Name()})
	if !errors.Is(err, unix.EBUSY) {
		t.Errorf("a device in use: %v", err)
	}
	withoutCapabilities(t, func() {
		if _, err := link.OpenTUN(link.TUNOptions{}); !errors.Is(err, link.ErrPermission) {
			t.Errorf("without capabilities: %v", err)
		}
	})
	if _, err := link.OpenTUN(link.TUNOptions{Name: "a name that is far too long"}); err == nil {
		t.Error("an impossible name was accepted")
	}
}
