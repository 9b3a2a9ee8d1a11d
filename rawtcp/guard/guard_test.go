package guard_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

var standing = []guard.Kind{guard.KindListener, guard.KindNFTables, guard.KindTCX}

// clientDev is what nstest calls the client's interface.
const clientDev = "veth0"

func open(t *testing.T, kind guard.Kind, local netip.AddrPort) guard.Guard {
	t.Helper()
	g, err := guard.Open(guard.Options{Kind: kind, Local: local, Interface: clientDev})
	netns.Check(t, err)
	t.Cleanup(func() { g.Close() })
	return g
}

// peer is somebody on the server who sends segments by hand to local.
func peer(t *testing.T, p *netns.Pair, local netip.AddrPort) *netns.Talker {
	t.Helper()
	k := &netns.Talker{Flow: link.Flow{Local: netip.AddrPortFrom(p.Server.Addr, 443), Remote: local}}
	p.Server.Do(t, func() (err error) {
		k.Link, err = link.OpenPacket(context.Background(), link.Options{Flow: k.Flow})
		return err
	})
	t.Cleanup(func() { k.Link.Close() })
	return k
}

// shower sends n segments to local and returns how many RSTs came back.
func shower(t *testing.T, p *netns.Pair, local netip.AddrPort, flags wire.Flags, ttl uint8, n int) int {
	t.Helper()
	tap := p.Server.Tap(t)
	k := peer(t, p, local)
	k.TTL, k.Seq, k.Ack = ttl, 5000, 1001
	for range n {
		if err := k.Send(flags, nil); err != nil {
			t.Fatal(err)
		}
	}
	return netns.Resets(tap.Collect(t), local)
}

// ttlOnly is a listener as the guard falls back on where filters are refused.
func ttlOnly(t *testing.T, local netip.AddrPort) netip.AddrPort {
	t.Helper()
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		c.Control(func(fd uintptr) {
			if local.Addr().Is4() {
				err = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_MINTTL, 255)
			} else {
				err = unix.SetsockoptInt(int(fd), unix.SOL_IPV6, unix.IPV6_MINHOPCOUNT, 255)
			}
		})
		return err
	}}
	l, err := lc.Listen(t.Context(), "tcp", local.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return netip.AddrPortFrom(local.Addr(), uint16(l.Addr().(*net.TCPAddr).Port))
}

// What the choice of guard rests on: 200 SYN-ACKs each way, and as many ACKs.
func TestWhichGuardHoldsAgainstWhichTTL(t *testing.T) {
	t.Run("IPv4", func(t *testing.T) { guardsAndTTLs(t, netns.NewPair) })
	t.Run("IPv6", func(t *testing.T) { guardsAndTTLs(t, netns.NewPair6) })
}

func guardsAndTTLs(t *testing.T, pair func(testing.TB) *netns.Pair) {
	const ttlAlone, n = "IP_MINTTL alone", 200
	for _, tc := range []struct {
		kind  guard.Kind
		ttl   uint8
		holds bool
	}{
		{guard.KindNone, 64, false},
		{guard.KindNone, 255, false},
		{guard.KindListener, 64, true},
		{guard.KindListener, 255, true},
		{guard.KindNFTables, 64, true},
		{guard.KindNFTables, 255, true},
		{guard.KindTCX, 64, true},
		{guard.KindTCX, 255, true},
		{ttlAlone, 64, true},
		{ttlAlone, 255, false},
	} {
		p := pair(t)
		var g guard.Guard
		local := netip.AddrPortFrom(p.Client.Addr, 0)
		if tc.kind == ttlAlone {
			local = ttlOnly(t, local)
		} else {
			g = open(t, tc.kind, local)
			local = g.Local()
		}
		for _, flags := range []wire.Flags{wire.SYN | wire.ACK, wire.ACK, wire.FIN | wire.ACK} {
			want := n
			if tc.holds {
				want = 0
			}
			if got := shower(t, p, local, flags, tc.ttl, n); got != want {
				t.Errorf("%s, TTL %d: %d segments with %v drew %d RSTs, want %d", tc.kind, tc.ttl, n, flags, got, want)
			}
		}
		if g != nil && tc.holds {
			if got, known := g.Dropped(); !known || got != 3*n {
				t.Errorf("%s, TTL %d: Dropped says %d (known: %v), want %d", tc.kind, tc.ttl, got, known, 3*n)
			}
		}
	}
}

// The listener guard must not be a listener to anybody.
func TestASynToTheListenerGuardIsNotAnswered(t *testing.T) {
	netns.EachVersion(t, func(t *testing.T, p *netns.Pair) {
		for _, ttl := range []uint8{64, 255} {
			g := open(t, guard.KindListener, netip.AddrPortFrom(p.Client.Addr, 0))
			tap := p.Server.Tap(t)
			k := peer(t, p, g.Local())
			k.TTL = ttl
			for range 50 {
				if err := k.Send(wire.SYN, nil); err != nil {
					t.Fatal(err)
				}
			}
			for _, s := range tap.Collect(t) {
				if s.Src == g.Local() {
					t.Fatalf("TTL %d: a SYN drew %v", ttl, s.Segment.Flags)
				}
			}
		}
	})
}

func TestTheKernelsOwnTCPIsSpared(t *testing.T) {
	for _, kind := range append(standing, guard.KindNone) {
		t.Run(string(kind), func(t *testing.T) {
			p := netns.NewPair(t)
			g := open(t, kind, netip.AddrPortFrom(p.Client.Addr, 0))

			// A closed port beside ours still refuses.
			free := open(t, guard.KindNone, netip.AddrPortFrom(p.Client.Addr, 0)).Local()
			p.Server.Do(t, func() error {
				_, err := net.DialTimeout("tcp4", free.String(), 10*time.Second)
				if !errors.Is(err, syscall.ECONNREFUSED) {
					t.Errorf("a closed port next to the guarded %v: %v, want connection refused", g.Local(), err)
				}
				return nil
			})
			// So does our port number on another address.
			other, err := net.DialTimeout("tcp4", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), g.Local().Port()).String(), 10*time.Second)
			if !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("the guarded port on another address: %v (%v), want connection refused", err, other)
			}
			// A kernel client and a kernel server talk as ever.
			l, remote := p.Server.Listen(t)
			c, err := net.DialTimeout("tcp4", remote.String(), 10*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			netns.Accept(t, l).CloseWrite()
			if _, err := io.ReadAll(c); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOurOwnResetsPassEveryGuard(t *testing.T) {
	for _, kind := range standing {
		for _, via := range []link.Kind{link.KindPacket, link.KindRaw} {
			test := func(t *testing.T, p *netns.Pair) {
				g := open(t, kind, netip.AddrPortFrom(p.Client.Addr, 0))
				f := link.Flow{Local: g.Local(), Remote: netip.AddrPortFrom(p.Server.Addr, 443)}
				l, err := link.Open(context.Background(), link.Options{Kind: via, Flow: f})
				netns.Check(t, err)
				defer l.Close()
				tap := p.Server.Tap(t)
				k := netns.Talker{Link: l, Flow: f}
				if err := k.Send(wire.RST, nil); err != nil {
					t.Fatal(err)
				}
				if n := netns.Resets(tap.Collect(t), f.Local); n != 1 {
					t.Errorf("%d of 1 RST arrived", n)
				}
			}
			t.Run(string(kind)+"/"+string(via), func(t *testing.T) { netns.EachVersion(t, test) })
		}
	}
}

func TestAutoTakesTheListener(t *testing.T) {
	p := netns.NewPair(t)
	g := open(t, guard.KindAuto, netip.AddrPortFrom(p.Client.Addr, 0))
	if g.Kind() != guard.KindListener || !strings.Contains(g.Describe(), g.Local().String()) {
		t.Errorf("%s: %s", g.Kind(), g.Describe())
	}
}

func TestAPortIsHeldUntilTheGuardIsClosed(t *testing.T) {
	for _, kind := range append(standing, guard.KindNone) {
		t.Run(string(kind), func(t *testing.T) {
			p := netns.NewPair(t)
			g := open(t, kind, netip.AddrPortFrom(p.Client.Addr, 0))
			if _, err := guard.Open(guard.Options{Kind: guard.KindNone, Local: g.Local()}); !errors.Is(err, guard.ErrPortInUse) {
				t.Errorf("a second guard on %v: %v, want ErrPortInUse", g.Local(), err)
			}
			if err := g.Close(); err != nil {
				t.Error(err)
			}
			if err := g.Close(); err == nil {
				t.Error("closed twice without an error")
			}
			if _, known := g.Dropped(); known {
				t.Error("a closed guard still counts")
			}
			open(t, kind, g.Local())
		})
	}
}

func TestRandomPortsComeFromTheKernelsRange(t *testing.T) {
	p := netns.NewPair(t)
	p.Client.Sysctl(t, "net/ipv4/ip_local_port_range", "40000 40003")
	local := netip.AddrPortFrom(p.Client.Addr, 0)
	seen := map[uint16]bool{}
	for range 4 {
		g := open(t, guard.KindListener, local)
		if n := g.Local().Port(); n < 40000 || n > 40003 || seen[n] {
			t.Errorf("port %d, held before: %v", n, seen[n])
		}
		seen[g.Local().Port()] = true
	}
	_, err := guard.Open(guard.Options{Local: local})
	if !errors.Is(err, guard.ErrPortInUse) || !strings.Contains(err.Error(), "ip_local_port_range") {
		t.Errorf("with every port taken: %v", err)
	}
}

func TestRefusalsSayWhatIsWrong(t *testing.T) {
	netns.NewPair(t)
	for _, tc := range []struct {
		o    guard.Options
		want string
	}{
		{guard.Options{Local: netip.MustParseAddrPort("198.18.7.7:0")}, "not an address of this machine"},
		{guard.Options{Local: netip.MustParseAddrPort("[2001:db8::77]:0")}, "not an address of this machine"},
		{guard.Options{}, "needs the local address"},
		{guard.Options{Kind: "moat", Local: netip.MustParseAddrPort("198.18.0.1:0")}, `unknown kind of guard "moat"`},
	} {
		if _, err := guard.Open(tc.o); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.o, err, tc.want)
		}
	}
}
