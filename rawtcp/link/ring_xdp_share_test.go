package link_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// serverRing opens a packet ring on the server, to send what a test makes up.
func serverRing(t testing.TB, p *netns.Pair, kind link.Kind, port uint16) (ring link.Ring) {
	t.Helper()
	p.Server.Do(t, func() error {
		r, err := route.Find(p.Client.Addr, route.Via{})
		if err == nil {
			ring, err = link.OpenRing(link.RingOptions{Kind: kind, Route: r, Local: p.Server.Addr, Port: port, Ports: 1})
		}
		return err
	})
	t.Cleanup(func() { ring.Close() })
	return ring
}

func clientHop(t testing.TB, p *netns.Pair) link.Hop {
	t.Helper()
	return link.HopTo(netns.Device(t, p.Client.Dev).Attrs().HardwareAddr)
}

// unreachable is a port unreachable that quotes a packet.
func unreachable(src, dst netip.Addr, quoted []byte) []byte {
	body := append([]byte{3, 3, 0, 0, 0, 0, 0, 0}, quoted...)
	if src.Is6() {
		body[0], body[1] = 1, 4
		sum := wire.ICMPv6Checksum(body, src, dst)
		body[2], body[3] = byte(sum>>8), byte(sum)
		h := wire.IPv6{HopLimit: 64, NextHeader: wire.ProtocolICMPv6, Src: src, Dst: dst}
		return append(h.AppendTo(nil, len(body)), body...)
	}
	sum := wire.Checksum(body)
	body[2], body[3] = byte(sum>>8), byte(sum)
	h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolICMP, Src: src, Dst: dst}
	return append(h.AppendTo(nil, len(body)), body...)
}

// Of ICMP errors those come to the ring that quote its ports, once each.
func TestAnXDPRingHearsErrorsThatQuoteItsSegments(t *testing.T) {
	netns.EachVersion(t, func(t *testing.T, p *netns.Pair) {
		ring, _ := openXDP(t, p, xdpPort, 16)
		from, hop := serverRing(t, p, link.KindPacket, 443), clientHop(t, p)
		local, remote := netip.AddrPortFrom(p.Client.Addr, xdpPort), netip.AddrPortFrom(p.Server.Addr, 443)
		others := netip.AddrPortFrom(p.Client.Addr, xdpPort+16)
		ours := unreachable(p.Server.Addr, p.Client.Addr, ipPacket(local, remote, 0))
		last := segmentPacket(remote, local, wire.Segment{Flags: wire.RST})
		queue(t, from, hop, unreachable(p.Server.Addr, p.Client.Addr, ipPacket(others, remote, 0)), ours, last)
		got := arrivals(t, ring, 2)
		if !bytes.Equal(got[0].Data, ours) || !segmentOf(t, got[1]).Flags.Has(wire.RST) {
			t.Errorf("got %x and %x", got[0].Data, got[1].Data)
		}
	})
}

// fragments are an IPv4 packet in two.
func fragments(packet []byte) (list [][]byte) {
	const cut = wire.IPv4HeaderLen + 24
	for _, part := range []struct {
		body  []byte
		at    uint16
		flags uint16
	}{{packet[wire.IPv4HeaderLen:cut], 0, 0x2000}, {packet[cut:], 3, 0}} {
		b := append(bytes.Clone(packet[:wire.IPv4HeaderLen]), part.body...)
		b[2], b[3] = byte(len(b)>>8), byte(len(b))
		v := part.flags | part.at
		b[6], b[7], b[10], b[11] = byte(v>>8), byte(v), 0, 0
		sum := wire.Checksum(b[:wire.IPv4HeaderLen])
		b[10], b[11] = byte(sum>>8), byte(sum)
		list = append(list, b)
	}
	return list
}

func TestAnXDPRingHearsFragments(t *testing.T) {
	p := netns.NewPair(t)
	ring, _ := openXDP(t, p, xdpPort, 16)
	from, hop := serverRing(t, p, link.KindPacket, 443), clientHop(t, p)
	parts := fragments(ipPacket(netip.AddrPortFrom(p.Server.Addr, 443), netip.AddrPortFrom(p.Client.Addr, xdpPort), 40))
	queue(t, from, hop, parts...)
	for i, got := range arrivals(t, ring, 2) {
		if !bytes.Equal(got.Data, parts[i]) {
			t.Errorf("fragment %d is %x, want %x", i, got.Data, parts[i])
		}
	}
}

// What is not ours is the kernel's, as if there were no ring: connections in both
// directions, and a RST for a port next to ours.
func TestAnXDPRingLeavesOthersTrafficToTheKernel(t *testing.T) {
	netns.EachVersion(t, func(t *testing.T, p *netns.Pair) {
		ring, hop := openXDP(t, p, xdpPort, 16)
		out, remote := p.Server.Listen(t)
		in, local := p.Client.Listen(t)
		transfer(t, out, func() (net.Conn, error) { return net.Dial("tcp", remote.String()) })
		transfer(t, in, func() (c net.Conn, err error) {
			p.Server.Do(t, func() error { c, err = net.Dial("tcp", local.String()); return nil })
			return c, err
		})
		tap := p.Server.Tap(t)
		beyond := netip.AddrPortFrom(p.Client.Addr, xdpPort+16)
		queue(t, ring, hop, segmentPacket(beyond, remote, wire.Segment{Flags: wire.SYN, Seq: 5000, Window: 1000}))
		for end := time.Now().Add(10 * time.Second); netns.Resets(tap.Collect(t), beyond) == 0; {
			if time.Now().After(end) {
				t.Fatal("the kernel has not refused the answer to a segment of nobody's")
			}
		}
		if s := ring.Stats(); s.Received != 0 {
			t.Errorf("the ring has received %d packets", s.Received)
		}
	})
}

// transfer sends a megabyte each way over a connection.
func transfer(t *testing.T, l *net.TCPListener, dial func() (net.Conn, error)) {
	t.Helper()
	a, err := dial()
	netns.Check(t, err)
	defer a.Close()
	b := netns.Accept(t, l)
	defer b.Close()
	data := bytes.Repeat([]byte("somebody else's. "), 1<<16)
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		failed := make(chan error, 1)
		go func() { _, err := way[0].Write(data); failed <- err }()
		got := make([]byte, len(data))
		way[1].SetReadDeadline(time.Now().Add(30 * time.Second))
		_, err := io.ReadFull(way[1], got)
		netns.Check(t, errors.Join(err, <-failed))
		if !bytes.Equal(got, data) {
			t.Error("what arrived is not what was sent")
		}
	}
}

// Rings of one process share an interface, as loops and IP versions do. Closing one
// leaves the others, and when all are closed the interface is free.
func TestXDPRingsShareAnInterface(t *testing.T) {
	p := netns.NewPair(t)
	six := p.Version6()
	for range 2 {
		a, _ := openXDP(t, p, xdpPort, 16)
		b, _ := openXDP(t, p, xdpPort+16, 16)
		c, _ := openXDP(t, six, xdpPort, 16)
		from, hop := serverRing(t, p, link.KindPacket, 443), clientHop(t, p)
		send := func(p *netns.Pair, port uint16) {
			queue(t, from, hop, segmentPacket(netip.AddrPortFrom(p.Server.Addr, 443), netip.AddrPortFrom(p.Client.Addr, port), wire.Segment{Flags: wire.RST}))
		}
		hears := func(r link.Ring, port uint16) {
			t.Helper()
			if s := segmentOf(t, arrivals(t, r, 1)[0]); s.DstPort != port {
				t.Errorf("a segment for port %d, want %d", s.DstPort, port)
			}
		}
		send(p, xdpPort+16)
		hears(b, xdpPort+16)
		send(p, xdpPort)
		hears(a, xdpPort)
		netns.Check(t, a.Close())
		from6 := serverRing(t, six, link.KindPacket, 443)
		queue(t, from6, hop, segmentPacket(netip.AddrPortFrom(six.Server.Addr, 443), netip.AddrPortFrom(six.Client.Addr, xdpPort), wire.Segment{Flags: wire.RST}))
		hears(c, xdpPort)
		send(p, xdpPort+17)
		hears(b, xdpPort+17)
		netns.Check(t, errors.Join(b.Close(), c.Close()))
		if x := netns.Device(t, p.Client.Dev).Attrs().Xdp; x != nil && x.Attached {
			t.Fatal("the program is still attached")
		}
		from.Close()
		from6.Close()
	}
}

func TestMoreXDPRingsThanAnInterfaceHasRoomForAreRefused(t *testing.T) {
	p := netns.NewPair(t)
	r, err := route.Find(p.Server.Addr, route.Via{})
	netns.Check(t, err)
	for n := range uint16(100) {
		ring, err := link.OpenRing(link.RingOptions{Kind: link.KindXDP, Route: r, Local: p.Client.Addr, Port: xdpPort + n, Ports: 1})
		if n >= 16 && errors.Is(err, link.ErrNoXDP) {
			return
		}
		netns.Check(t, err)
		defer ring.Close()
	}
	t.Error("a hundred rings were opened")
}

// A thousand packets go out and come back in order, more than there are buffers.
func TestXDPRingsCarryMoreThanTheyHaveBuffersFor(t *testing.T) {
	p := netns.NewPair(t)
	ring, hop := openXDP(t, p, xdpPort, 16)
	from := serverRing(t, p, link.KindXDP, 443)
	local, remote := netip.AddrPortFrom(p.Client.Addr, xdpPort), netip.AddrPortFrom(p.Server.Addr, 443)
	serverHop := clientHop(t, p)
	const all, some = 20000, 100
	for n := 0; n < all; n += some {
		for i := range some {
			netns.Check(t, ring.Queue(segmentPacket(local, remote, wire.Segment{Flags: wire.ACK, Seq: wire.Seq(n + i)}), hop))
		}
		netns.Check(t, ring.Flush())
		for i, got := range arrivals(t, from, some) {
			s := segmentOf(t, got)
			if s.Seq != wire.Seq(n+i) {
				t.Fatalf("segment %d arrived in the place of %d", s.Seq, n+i)
			}
			netns.Check(t, from.Queue(segmentPacket(remote, local, s), serverHop))
		}
		netns.Check(t, from.Flush())
		arrivals(t, ring, some)
	}
	if s := ring.Stats(); s.Sent != all || s.Received != all || s.Unsent+s.Dropped != 0 {
		t.Errorf("%+v", s)
	}
}
