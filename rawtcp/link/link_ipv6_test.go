package link_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
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

// peerLink is a packet link on the server, for the other end of a flow, where
// the kernel keeps silent, too.
func peerLink(t *testing.T, p *netns.Pair, f link.Flow) link.Link {
	t.Helper()
	var l link.Link
	p.Server.Do(t, func() (err error) {
		g, err := guard.Open(guard.Options{Local: f.Remote})
		if err != nil {
			return err
		}
		t.Cleanup(func() { g.Close() })
		l, err = link.OpenPacket(context.Background(), link.Options{Flow: link.Flow{Local: f.Remote, Remote: f.Local}})
		return err
	})
	t.Cleanup(func() { l.Close() })
	return l
}

func receive(t *testing.T, l link.Link) []byte {
	t.Helper()
	l.SetReadDeadline(time.Now().Add(10 * time.Second))
	p, err := l.Receive(make([]byte, link.MaxPacket))
	if err != nil {
		t.Fatal(err)
	}
	return p.Data
}

// with puts extension headers, given without their first byte, between the
// IPv6 header and the TCP segment of a packet.
func with(b []byte, kinds string, headers ...string) []byte {
	next := kinds[1:] + string(rune(wire.ProtocolTCP))
	var chain []byte
	for i, h := range headers {
		chain = append(append(chain, next[i]), h...)
	}
	out := append(append(bytes.Clone(b[:40]), chain...), b[40:]...)
	out[6], out[5] = kinds[0], byte(len(out)-40)
	return out
}

const (
	padding    = "\x00\x01\x04\x00\x00\x00\x00"
	routeEnded = "\x00\x00\x00\x00\x00\x00\x00"
)

// What goes out is on the wire as it was shown, and what comes in is shown as
// it was on the wire, although a raw IPv6 socket hands over no headers.
func TestIPv6HeadersAreTheWires(t *testing.T) {
	eachKind(t, func(t *testing.T, kind link.Kind) {
		p := netns.NewPair6(t)
		k, _ := talk(t, kind, guard.KindListener, p.Client.Addr, netip.AddrPortFrom(p.Server.Addr, 443))
		far := peerLink(t, p, k.Flow)
		plain := ipPacket(k.Flow.Local, k.Flow.Remote, 20)
		back := ipPacket(k.Flow.Remote, k.Flow.Local, 20)
		set := func(b []byte, class, label, hops byte) []byte {
			b = bytes.Clone(b)
			b[0], b[1], b[3], b[7] = 0x60|class>>4, class<<4|0xa, label, hops
			return b
		}
		for _, edit := range []func([]byte) []byte{
			bytes.Clone,
			func(b []byte) []byte { return set(b, 0xb8, 7, 1) },
			func(b []byte) []byte { return set(b, 0, 0xff, 255) },
			func(b []byte) []byte { return with(b, "\x3c", padding) },
			func(b []byte) []byte {
				return with(b, "\x00\x3c\x2b\x3c", padding, padding, routeEnded, "\x01\x1e\x0c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")
			},
		} {
			sent := edit(plain)
			if err := k.Link.Send(sent); err != nil {
				t.Fatal(err)
			}
			if got := receive(t, far); !bytes.Equal(got, sent) {
				t.Errorf("sent     %x\narrived  %x", sent, got)
			}
			sent = edit(back)
			if err := far.Send(sent); err != nil {
				t.Fatal(err)
			}
			if got := receive(t, k.Link); !bytes.Equal(got, sent) {
				t.Errorf("on the wire %x\nreceived    %x", sent, got)
			}
		}
	})
}

func TestIPv6FragmentsOfTheFlowArrive(t *testing.T) {
	p := netns.NewPair6(t)
	k, _ := talk(t, link.KindPacket, guard.KindListener, p.Client.Addr, netip.AddrPortFrom(p.Server.Addr, 443))
	far := peerLink(t, p, k.Flow)
	// The kernel drops fragments that are smaller than they need be.
	const first = 1256
	parts := func(f link.Flow) (whole []byte, parts [2][]byte) {
		whole = ipPacket(f.Remote, f.Local, 1400)
		for i, offset := range []uint16{0 | 1, first} { // 1: more follow
			data := whole[40:][:first]
			if i == 1 {
				data = whole[40:][first:]
			}
			head := bytes.Clone(whole[:40])
			head[6] = wire.NextFragment
			binary.BigEndian.PutUint16(head[4:], uint16(8+len(data)))
			head = append(head, wire.ProtocolTCP, 0, byte(offset>>8), byte(offset), 0, 0, 0, 9)
			parts[i] = append(head, data...)
		}
		return whole, parts
	}
	_, sent := parts(k.Flow)
	for _, b := range sent {
		if err := far.Send(b); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, k.Link); !bytes.Equal(got, b) {
			t.Errorf("sent     %x\narrived  %x", b, got)
		}
	}
	raw, _ := talk(t, link.KindRaw, guard.KindListener, p.Client.Addr, netip.AddrPortFrom(p.Server.Addr, 444))
	far = peerLink(t, p, raw.Flow)
	whole, sent := parts(raw.Flow)
	for _, b := range sent {
		if err := far.Send(b); err != nil {
			t.Fatal(err)
		}
	}
	if got := receive(t, raw.Link); !bytes.Equal(got, whole) {
		t.Errorf("the kernel put together %x\nfrom the parts of       %x", got, whole)
	}
}

func TestICMPv6ErrorsAboutTheFlowArrive(t *testing.T) {
	eachKind(t, func(t *testing.T, kind link.Kind) {
		p := netns.NewPair6(t)
		k, _ := talk(t, kind, guard.KindListener, p.Client.Addr, netip.AddrPortFrom(p.Server.Addr, 443))
		quoted := ipPacket(k.Flow.Local, k.Flow.Remote, 0)[:48]
		stranger := netip.AddrPortFrom(k.Flow.Local.Addr(), k.Flow.Local.Port()+1)
		message := func(quoted []byte) []byte {
			m := append([]byte{wire.ICMPv6TooBig, 0, 0, 0, 0, 0, 5, 0}, quoted...)
			sum := wire.ICMPv6Checksum(m, p.Server.Addr, p.Client.Addr)
			m[2], m[3] = byte(sum>>8), byte(sum)
			return m
		}
		p.Server.Do(t, func() error {
			fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			to := &unix.SockaddrInet6{Addr: p.Client.Addr.As16()}
			return errors.Join(
				unix.Sendto(fd, message(ipPacket(stranger, k.Flow.Remote, 0)[:48]), 0, to),
				unix.Sendto(fd, message(quoted), 0, to))
		})
		if got := receive(t, k.Link); len(got) != 40+8+48 || !bytes.HasSuffix(got, message(quoted)) {
			t.Errorf("received %x", got)
		}
	})
}

func TestNeighbourDiscoveryAsksAndLeavesTheKernelsTableAlone(t *testing.T) {
	p := netns.NewPair6(t)
	open := func(ctx context.Context, remote string) error {
		l, err := link.OpenPacket(ctx, link.Options{Flow: link.Flow{Local: netip.AddrPortFrom(p.Client.Addr, 40000), Remote: netip.MustParseAddrPort(remote)}})
		if err == nil {
			l.Close()
		}
		return err
	}
	if err := open(context.Background(), "[2001:db8::2]:443"); err != nil {
		netns.Check(t, err)
	}
	entries, err := netlink.NeighList(netns.Device(t, "veth0").Attrs().Index, netlink.FAMILY_V6)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IP.Equal(p.Server.Addr.AsSlice()) {
			t.Errorf("asking put %v into the kernel's table", e)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := open(ctx, "[2001:db8::9]:443"); !errors.Is(err, link.ErrNoNeighbour) || !errors.Is(err, context.DeadlineExceeded) ||
		!strings.Contains(err.Error(), "neighbor discovery") {
		t.Errorf("got %v", err)
	}
}

func TestLinkLocalAddressesWork(t *testing.T) {
	eachKind(t, func(t *testing.T, kind link.Kind) {
		p := netns.NewPair6(t)
		give := func(addr, dev string) error {
			l, err := netlink.LinkByName(dev)
			if err != nil {
				return err
			}
			a, err := netlink.ParseAddr(addr)
			if err != nil {
				return err
			}
			a.Flags = unix.IFA_F_NODAD
			return netlink.AddrAdd(l, a)
		}
		netns.Check(t, give("fe80::71/64", p.Client.Dev))
		p.Server.Do(t, func() error { return give("fe80::72/64", p.Server.Dev) })
		remote := netip.MustParseAddr("fe80::72%veth0")
		r, err := route.Find(remote, route.Via{Source: netip.MustParseAddr("fe80::71")})
		if err != nil {
			t.Fatal(err)
		}
		g, err := guard.Open(guard.Options{Local: netip.AddrPortFrom(r.ScopedSource(), 0)})
		netns.Check(t, err)
		defer g.Close()
		f := link.Flow{Local: netip.AddrPortFrom(r.Source, g.Local().Port()), Remote: netip.AddrPortFrom(remote, 9)}
		l, err := link.Open(context.Background(), link.Options{Kind: kind, Flow: f, Route: r})
		netns.Check(t, err)
		defer l.Close()
		f.Remote = netip.AddrPortFrom(remote.WithZone(""), 9)
		k := netns.Talker{Link: l, Flow: f}
		if err := k.Send(wire.SYN, nil); err != nil {
			t.Fatal(err)
		}
		got, err := k.Receive()
		if err != nil || !got.Segment.Flags.Has(wire.RST) { // nobody listens there
			t.Errorf("%v, %v", got.Segment.Flags, err)
		}
	})
}
