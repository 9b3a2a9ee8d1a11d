package interop

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// packetSockets counts the AF_PACKET sockets of a node.
func packetSockets(t *testing.T, n *lab.Node) (count int) {
	t.Helper()
	err := n.Do(func() error {
		list, err := os.ReadFile("/proc/thread-self/net/packet")
		count = strings.Count(string(list), "\n") - 1 // below a head
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// visit sends a word to an echo server and leaves first.
func visit(t *testing.T, l *lab.Lab, d rawtcp.Dialer, address string) {
	t.Helper()
	c, err := dial(t, l, d, address, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	got := make([]byte, 5)
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
		t.Fatalf("got %q, %v", got, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c.(*rawtcp.Conn).Shutdown(ctx)
}

func TestConnectionsOfANetworkShareOneLinkAndNoneIsReset(t *testing.T) {
	for _, kind := range []string{"packet", "raw"} {
		t.Run(string(kind), func(t *testing.T) {
			l := newLab(t)
			address := serve(t, l, echo)
			before := packetSockets(t, l.Near())
			s := sniff(t, l.Far(), l.Far().Interface())
			var mu sync.Mutex
			var setUp []string
			network := &rawtcp.Network{Idle: time.Minute}
			d := rawtcp.Dialer{Network: network, Link: link.Kind(kind), Notes: func(layer, name, _ string) {
				mu.Lock()
				defer mu.Unlock()
				setUp = append(setUp, layer+" "+name)
			}}
			// More visits than there are ports: each waits out some of its TIME-WAIT.
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for range 40 {
						visit(t, l, d, address)
					}
				})
			}
			wg.Wait()
			if want := "guard listener, link " + kind; !strings.HasPrefix(strings.Join(setUp, ", "), want) || len(setUp) > 8 {
				t.Errorf("set up: %q, expected %s, and little more", setUp, want)
			}
			for _, address := range []string{l.Near().Addr().String(), l.Far().Addr().String()} {
				if n := len(resets(from(s.end(t), address))); n > 0 {
					t.Errorf("%d resets from %s", n, address)
				}
			}
			if err := network.Close(); err != nil {
				t.Error(err)
			}
			if n := packetSockets(t, l.Near()); n != before {
				t.Errorf("%d packet sockets are left, %d before", n, before)
			}
		})
	}
}

func TestAnUnusedNetworkLetsGoOfEverything(t *testing.T) {
	l := newLab(t)
	address := serve(t, l, echo)
	before := packetSockets(t, l.Near())
	d := rawtcp.Dialer{Network: &rawtcp.Network{Idle: 50 * time.Millisecond}}
	for range 2 { // and begins anew
		visit(t, l, d, address)
		for tries := 0; packetSockets(t, l.Near()) != before; tries++ {
			if tries == 500 {
				t.Fatal("a packet socket is left after ten seconds")
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func TestAClosedNetworkEndsItsConnections(t *testing.T) {
	l := newLab(t)
	address := serve(t, l, echo)
	network := new(rawtcp.Network)
	c, err := dial(t, l, rawtcp.Dialer{Network: network}, address, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { network.Close() })
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a read ended with %v", err)
	}
	if _, err := dial(t, l, rawtcp.Dialer{Network: network}, address, 10*time.Second); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a dial ended with %v", err)
	}
}

func TestANetworkChoosesItsPorts(t *testing.T) {
	l := newLab(t)
	_, err := dial(t, l, rawtcp.Dialer{Network: new(rawtcp.Network), SourcePort: 40000}, serve(t, l, echo), 10*time.Second)
	if err == nil || !strings.Contains(err.Error(), "source port 40000") {
		t.Errorf("a source port of one's own: %v", err)
	}
}

// TestANetworkOutlivesALinkThatWentDown: its connections end, and later ones
// find another route.
func TestANetworkOutlivesALinkThatWentDown(t *testing.T) {
	l := newLab(t)
	address := serve(t, l, echo)
	network := &rawtcp.Network{Idle: time.Minute}
	defer network.Close()
	d := rawtcp.Dialer{Network: network}
	c, err := dial(t, l, d, address, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	err = l.Near().Do(func() error {
		dev, err := netlink.LinkByName(l.Near().Interface())
		if err != nil {
			return err
		}
		if err := netlink.LinkSetDown(dev); err != nil {
			return err
		}
		return netlink.LinkSetUp(dev)
	})
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, route.ErrNoRoute) {
		t.Errorf("a read on the link that went down: %v", err)
	}
	for range 3 {
		visit(t, l, d, address)
	}
}

// A next hop that is silent is the reason, for whoever asks for it and for those who wait
// meanwhile, also where the caller's time ends first, as it does here each time.
func TestANetworkSaysThatTheNextHopIsSilent(t *testing.T) {
	l := newLab(t)
	var network rawtcp.Network
	defer network.Close()
	for range 10 {
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				c, err := dial(t, l, rawtcp.Dialer{Network: &network, Link: link.KindPacket}, "198.18.0.77:443", 30*time.Millisecond)
				if err == nil {
					c.Close()
				}
				if !errors.Is(err, link.ErrNoNeighbour) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "198.18.0.77") {
					t.Errorf("got %v", err)
				}
			})
		}
		all.Wait()
	}
}
