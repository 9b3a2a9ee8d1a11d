package lab_test

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/service"
)

func TestThePacketsOfARoutedLabPassTheRouter(t *testing.T) {
	l := newLabWith(t, lab.Router())
	c, err := dial(l, "198.18.2.2:80", 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	router := l.Node("router")
	if router.Addr() != netip.MustParseAddr("198.18.1.1") {
		t.Errorf("the router is %v", router.Addr())
	}
	ttl := 0
	ln, err := l.Far().ListenPacket("udp4", "198.18.2.2:9")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ttl, err = receivedTTL(l, ln)
	if err != nil || ttl != 63 {
		t.Errorf("a packet arrives with TTL %d, %v; want one hop less than 64", ttl, err)
	}
}

// The nearest way of one IP version may be none of the other.
func TestEachIPVersionHasItsOwnWay(t *testing.T) {
	end := func(node string, addresses ...string) lab.End {
		e := lab.End{Node: node}
		for _, a := range addresses {
			e.Addresses = append(e.Addresses, netip.MustParsePrefix(a))
		}
		return e
	}
	join := func(a, b lab.End) lab.LinkConfig { return lab.LinkConfig{Ends: []lab.End{a, b}} }
	l := newLabWith(t, lab.Topology{
		Nodes: []lab.NodeConfig{{Name: "client"}, {Name: "old"}, {Name: "new"}, {Name: "server", Services: []service.Service{{Kind: service.TLS, Port: 443}}}},
		Links: []lab.LinkConfig{
			join(end("client", "198.18.1.1/24"), end("old", "198.18.1.2/24")),
			join(end("client", "2001:db8:2::1/64"), end("new", "2001:db8:2::2/64")),
			join(end("old", "198.18.3.1/24", "2001:db8:3::1/64"), end("server", "198.18.3.2/24", "2001:db8:3::2/64")),
			join(end("new", "2001:db8:4::1/64"), end("server", "2001:db8:4::2/64")),
		},
	})
	for _, address := range []string{"198.18.3.2:443", "[2001:db8:3::2]:443", "[2001:db8:4::2]:443"} {
		if address[0] == '[' && !l.Near().Addr6().IsValid() {
			continue
		}
		if err := greets(t, l, address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// receivedTTL sends a datagram from the first node and says what TTL is left.
func receivedTTL(l *lab.Lab, to net.PacketConn) (int, error) {
	in := ipv4.NewPacketConn(to)
	if err := in.SetControlMessage(ipv4.FlagTTL, true); err != nil {
		return 0, err
	}
	out, err := l.Near().Dial(context.Background(), "udp4", to.LocalAddr().String())
	if err != nil {
		return 0, err
	}
	defer out.Close()
	if _, err := out.Write([]byte("x")); err != nil {
		return 0, err
	}
	_ = in.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, cm, _, err := in.ReadFrom(make([]byte, 16))
	if err != nil {
		return 0, err
	}
	return cm.TTL, nil
}
