package guard_test

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/guard"
)

// While a guard stands, everybody else's RSTs go out and come in as ever: they
// are counted where they go over the wire.
func TestAGuardChangesNothingForOthers(t *testing.T) {
	for name, raise := range map[string]func(t *testing.T){
		"one port, " + string(guard.KindListener): onePort(guard.KindListener),
		"one port, " + string(guard.KindNFTables): onePort(guard.KindNFTables),
		"one port, " + string(guard.KindTCX):      onePort(guard.KindTCX),
		"range, " + string(guard.KindListener):    someRange(guard.KindListener),
		"range, " + string(guard.KindNFTables):    someRange(guard.KindNFTables),
		"range, " + string(guard.KindTCX):         someRange(guard.KindTCX),
		"lasting": func(t *testing.T) {
			_, err := guard.Raise(nil, 4000, 4100, "a test's")
			netns.Check(t, err)
		},
		"script": func(t *testing.T) {
			if out, status := script(t, []string{"iptables", "ip6tables", "nft"}, "up", "4000-4100"); status != 0 {
				t.Fatal(out)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			netns.EachVersion(t, func(t *testing.T, p *netns.Pair) {
				raise(t)
				const n = 10
				server, client := p.Server.Tap(t), p.Client.Tap(t)
				refused(t, p, n)
				sent, received := abort(t, p, n)
				seen := server.Collect(t)
				expect(t, seen, sent, "the kernel's")
				closed := netip.AddrPortFrom(p.Client.Addr, closedPort)
				if got := netns.Resets(seen, closed); got != n {
					t.Errorf("a closed port answered %d SYNs with %d RSTs", n, got)
				}
				p.Server.Do(t, func() error { seen = client.Collect(t); return nil })
				expect(t, seen, received, "the peer's")
			})
		})
	}
}

func onePort(kind guard.Kind) func(*testing.T) {
	return func(t *testing.T) {
		for _, a := range []string{"198.18.0.1:4000", "[2001:db8::1]:4000"} {
			open(t, kind, netip.MustParseAddrPort(a))
		}
	}
}

func someRange(kind guard.Kind) func(*testing.T) {
	return func(t *testing.T) {
		openRange(t, guard.RangeOptions{Kind: kind, First: 4000, Last: 4100, Interface: clientDev})
	}
}

// closedPort is next to the guarded ones.
const closedPort = 4101

// refused has the server's kernel connect to the client's closed port.
func refused(t *testing.T, p *netns.Pair, n int) {
	t.Helper()
	p.Server.Do(t, func() error {
		for range n {
			_, err := net.DialTimeout("tcp", netip.AddrPortFrom(p.Client.Addr, closedPort).String(), 10*time.Second)
			if !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("a closed port: %v, want connection refused", err)
			}
		}
		return nil
	})
}

// abort opens n connections each way between the kernels, and ends half of them
// with a RST from the client's side, half with one from the server's. It
// returns how many each address and port has to have sent.
func abort(t *testing.T, p *netns.Pair, n int) (sent, received map[netip.AddrPort]int) {
	t.Helper()
	here, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(p.Client.Addr, 0)))
	netns.Check(t, err)
	t.Cleanup(func() { here.Close() })
	there, _ := p.Server.Listen(t)
	sent, received = map[netip.AddrPort]int{}, map[netip.AddrPort]int{}
	end := func(i int, ours, theirs *net.TCPConn) {
		if i%2 == 0 {
			sent[reset(ours)]++
		} else {
			received[reset(theirs)]++
		}
	}
	for i := range n {
		out := dial(t, there.Addr().String())
		end(i, out, netns.Accept(t, there))
		p.Server.Do(t, func() error { out = dial(t, here.Addr().String()); return nil })
		end(i, netns.Accept(t, here), out)
	}
	return sent, received
}

func expect(t *testing.T, seen []netns.Seen, want map[netip.AddrPort]int, whose string) {
	t.Helper()
	for from, n := range want {
		if got := netns.Resets(seen, from); got != n {
			t.Errorf("%d of %d RSTs of %s from %v", got, n, whose, from)
		}
	}
}

func dial(t *testing.T, address string) *net.TCPConn {
	c, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		t.Error(err)
		return nil
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// reset ends a connection with a RST, and returns where that comes from.
func reset(c *net.TCPConn) netip.AddrPort {
	a := c.LocalAddr().(*net.TCPAddr).AddrPort()
	c.SetLinger(0)
	c.Close()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
