package link_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// facing opens a link of a kind on the client, and a packet link on the server
// that sees what it sends.
func facing(t *testing.T, kind link.Kind, p *netns.Pair) (near *netns.Talker, far link.Link) {
	t.Helper()
	remote := netip.AddrPortFrom(p.Server.Addr, 443)
	near, _ = talk(t, kind, guard.KindListener, p.Client.Addr, remote)
	p.Server.Do(t, func() (err error) {
		far, err = link.OpenPacket(context.Background(), link.Options{Flow: link.Flow{Local: remote, Remote: near.Flow.Local}})
		return err
	})
	t.Cleanup(func() { far.Close() })
	return near, far
}

// sized makes packets with payloads of these lengths.
func sized(f link.Flow, lengths ...int) (packets [][]byte) {
	for _, n := range lengths {
		packets = append(packets, ipPacket(f.Local, f.Remote, n))
	}
	return packets
}

func TestManyPacketsComeTogetherAndInOrder(t *testing.T) {
	eachLink(t, func(t *testing.T, kind link.Kind, p *netns.Pair) {
		near, far := facing(t, kind, p)
		var lengths []int
		for n := range 300 { // more than go into one call
			lengths = append(lengths, n)
		}
		packets := sized(near.Flow, lengths...)
		if n, err := link.SendAll(near.Link, packets); n != len(packets) || err != nil {
			t.Fatalf("%d packets sent, %v", n, err)
		}
		far.SetReadDeadline(time.Now().Add(10 * time.Second))
		room, most := link.NewArrivals(7, link.MaxPacket), 0
		for len(packets) > 0 {
			got, err := link.ReceiveAll(far, room)
			if err != nil {
				t.Fatalf("%d packets missing: %v", len(packets), err)
			}
			most = max(most, len(got))
			for _, g := range got {
				if g.KernelSent { // the server's kernel does not know what this is about
					continue
				}
				if string(g.Data) != string(packets[0]) || g.Time.IsZero() {
					t.Fatalf("got % x at %v, expected % x", g.Data, g.Time, packets[0])
				}
				packets = packets[1:]
			}
		}
		if most < 2 || most > 7 {
			t.Errorf("at most %d packets came at once, expected 2 to 7", most)
		}
	})
}

func TestAPacketThatCannotBeSentEndsTheBatchThere(t *testing.T) {
	eachLink(t, func(t *testing.T, kind link.Kind, p *netns.Pair) {
		near, far := facing(t, kind, p)
		packets := sized(near.Flow, 1, 2000, 3)
		n, err := link.SendAll(near.Link, packets)
		if n != 1 || err == nil || !strings.Contains(err.Error(), "exceeds the MTU of 1500") {
			t.Fatalf("%d packets sent, %v", n, err)
		}
		if n, err := link.SendAll(near.Link, packets[2:]); n != 1 || err != nil {
			t.Fatalf("%d packets sent, %v", n, err)
		}
		far.SetReadDeadline(time.Now().Add(10 * time.Second))
		buf := make([]byte, link.MaxPacket)
		for _, want := range [][]byte{packets[0], packets[2]} {
			g, err := far.Receive(buf)
			for err == nil && g.KernelSent {
				g, err = far.Receive(buf)
			}
			if err != nil || string(g.Data) != string(want) {
				t.Errorf("got % x, %v, expected % x", g.Data, err, want)
			}
		}
	})
}

func TestAPacketTooLongForABatchIsNotShownCut(t *testing.T) {
	p := netns.NewPair(t)
	near, far := facing(t, link.KindPacket, p)
	link.SendAll(near.Link, sized(near.Flow, 500, 10))
	far.SetReadDeadline(time.Now().Add(10 * time.Second))
	room := link.NewArrivals(4, 200)
	for {
		got, err := link.ReceiveAll(far, room)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range got {
			switch {
			case g.KernelSent:
			case len(g.Data) == wire.IPv4HeaderLen+wire.TCPHeaderLen+10:
				return
			default:
				t.Fatalf("got a packet of %d bytes", len(g.Data))
			}
		}
	}
}

func TestAWaitForManyEndsLikeAWaitForOne(t *testing.T) {
	eachKind(t, func(t *testing.T, kind link.Kind) {
		p := netns.NewPair(t)
		near, _ := facing(t, kind, p)
		room := link.NewArrivals(2, link.MaxPacket)
		near.Link.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		if _, err := link.ReceiveAll(near.Link, room); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after the deadline: %v", err)
		}
		near.Link.SetReadDeadline(time.Time{})
		closed := make(chan struct{})
		time.AfterFunc(10*time.Millisecond, func() {
			near.Link.Close()
			close(closed)
		})
		if _, err := link.ReceiveAll(near.Link, room); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		<-closed
		if n, err := link.SendAll(near.Link, sized(near.Flow, 1, 2)); n != 0 || !errors.Is(err, net.ErrClosed) {
			t.Errorf("a batch on a closed link: %d sent, %v", n, err)
		}
	})
}
