package link_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

func TestMain(m *testing.M) {
	if os.Getenv(holdXDP) != "" {
		hold()
		return
	}
	netns.Main(m)
}

// talk opens a guard on a port of local and a link over it. The link must be
// of the kind asked for.
func talk(t *testing.T, kind link.Kind, guardKind guard.Kind, local netip.Addr, remote netip.AddrPort) (*netns.Talker, guard.Guard) {
	t.Helper()
	g, err := guard.Open(guard.Options{Kind: guardKind, Local: netip.AddrPortFrom(local, 0)})
	netns.Check(t, err)
	t.Cleanup(func() { g.Close() })
	f := link.Flow{Local: g.Local(), Remote: remote}
	l, err := link.Open(context.Background(), link.Options{Kind: kind, Flow: f})
	netns.Check(t, err)
	t.Cleanup(func() { l.Close() })
	if kind != link.KindAuto && l.Kind() != kind {
		t.Fatalf("asked for the %s link, got %s", kind, l.Kind())
	}
	return &netns.Talker{Link: l, Flow: f}, g
}

var kinds = []link.Kind{link.KindPacket, link.KindRaw}

func eachKind(t *testing.T, f func(t *testing.T, kind link.Kind)) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) { f(t, kind) })
	}
}

// eachLink runs a test over each kind of link and each IP version.
func eachLink(t *testing.T, f func(t *testing.T, kind link.Kind, p *netns.Pair)) {
	eachKind(t, func(t *testing.T, kind link.Kind) {
		netns.EachVersion(t, func(t *testing.T, p *netns.Pair) { f(t, kind, p) })
	})
}

// exchange carries some bytes over a connection to the server's kernel.
func exchange(t *testing.T, k *netns.Talker, l *net.TCPListener) *net.TCPConn {
	t.Helper()
	if err := k.Handshake(); err != nil {
		t.Fatal(err)
	}
	c := netns.Accept(t, l)
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if err := k.Send(wire.PSH|wire.ACK, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
		t.Fatalf("the server read %q: %v", got, err)
	}
	return c
}

func TestHandshakeWithAKernelListenerBehindTheGuardDrawsNoReset(t *testing.T) {
	eachLink(t, func(t *testing.T, kind link.Kind, p *netns.Pair) {
		l, remote := p.Server.Listen(t)
		tap := p.Server.Tap(t)
		k, g := talk(t, kind, guard.KindListener, p.Client.Addr, remote)
		exchange(t, k, l)
		seen := tap.Collect(t)
		if n := netns.Resets(seen, k.Flow.Local); n != 0 || len(k.KernelRSTs) != 0 {
			t.Errorf("%d RSTs on the wire, %d kernel-sent RSTs", n, len(k.KernelRSTs))
		}
		for _, s := range seen {
			if s.Src == k.Flow.Local && !s.Intact {
				t.Errorf("our %v went out with a bad checksum", s.Segment.Flags)
			}
		}
		if n, known := g.Dropped(); !known || n == 0 {
			t.Errorf("the guard says it dropped %d segments (known: %v): it was not needed?", n, known)
		}
	})
}

func TestWithoutAGuardTheKernelsResetIsShownAsItsOwn(t *testing.T) {
	eachLink(t, func(t *testing.T, kind link.Kind, p *netns.Pair) {
		_, remote := p.Server.Listen(t)
		tap := p.Server.Tap(t)
		k, _ := talk(t, kind, guard.KindNone, p.Client.Addr, remote)
		if err := k.Handshake(); err != nil {
			t.Fatal(err)
		}
		if err := k.AwaitKernelRST(); err != nil {
			t.Fatal(err)
		}
		if f := k.KernelRSTs[0].Flags; !f.Has(wire.RST) {
			t.Errorf("the kernel-sent RST is %v, want RST", f)
		}
		if netns.Resets(tap.Collect(t), k.Flow.Local) == 0 {
			t.Error("a RST of the kernel's was shown, but no RST was on the wire")
		}
	})
}

// The tap must tell the RSTs that we send from those of the kernel, also when
// they are the same to the bit.
func TestOurOwnResetIsNotTakenForTheKernels(t *testing.T) {
	eachLink(t, func(t *testing.T, kind link.Kind, p *netns.Pair) {
		l, remote := p.Server.Listen(t)
		tap := p.Server.Tap(t)
		k, _ := talk(t, kind, guard.KindListener, p.Client.Addr, remote)
		c := exchange(t, k, l)
		if err := k.Send(wire.RST|wire.ACK, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Fatal("the server's kernel did not take the RST")
		}
		if n := netns.Resets(tap.Collect(t), k.Flow.Local); n != 1 {
			t.Fatalf("%d RSTs on the wire, want ours alone", n)
		}
		// A segment that follows is answered by a RST of the server's kernel,
		// behind which no kernel-sent RST can still be waiting.
		if err := k.Send(wire.ACK, nil); err != nil {
			t.Fatal(err)
		}
		for {
			g, err := k.Receive()
			if err != nil {
				t.Fatal(err)
			}
			if g.Segment.Flags.Has(wire.RST) {
				break
			}
		}
		if len(k.KernelRSTs) != 0 {
			t.Errorf("our own RST was shown as the kernel's: %v", k.KernelRSTs)
		}
	})
}

func TestPartialChecksumsAreCompleted(t *testing.T) {
	eachLink(t, func(t *testing.T, kind link.Kind, p *netns.Pair) {
		l, remote := p.Server.Listen(t)
		k, _ := talk(t, kind, guard.KindListener, p.Client.Addr, remote)
		c := exchange(t, k, l)
		if _, err := c.Write(bytes.Repeat([]byte("x"), 5000)); err != nil {
			t.Fatal(err)
		}
		// Talker fails on a checksum that is wrong in Data.
		partial, large, octets := 0, 0, 0
		for octets < 5000 {
			g, err := k.Receive()
			if err != nil {
				t.Fatal(err)
			}
			if g.Packet.ChecksumPartial {
				partial++
			}
			if len(g.Packet.Data) > k.Link.MTU() {
				large++
			}
			octets += len(g.Segment.Payload)
			k.Ack = g.Segment.End()
			k.Send(wire.ACK, nil)
		}
		if partial == 0 {
			t.Error("no segment over a veth pair had a partial checksum")
		}
		t.Logf("%d partial, %d larger than the MTU of %d", partial, large, k.Link.MTU())
	})
}

func TestSegmentsLargerThanTheMTUArriveWhole(t *testing.T) {
	eachLink(t, func(t *testing.T, kind link.Kind, p *netns.Pair) {
		l, remote := p.Server.Listen(t)
		k, _ := talk(t, kind, guard.KindListener, p.Client.Addr, remote)
		c := exchange(t, k, l)
		const size, lost = 1 << 20, 3
		go c.Write(make([]byte, size))
		largest, all := 0, k.Ack.Add(size)
		for n := 0; k.Ack != all; n++ {
			g, err := k.Receive()
			if err != nil {
				t.Fatalf("%v, with %d octets to come", err, all.Minus(k.Ack))
			}
			largest = max(largest, len(g.Packet.Data))
			if n == lost { // as when the socket's buffer has no room
				continue
			}
			k.Take(&g.Segment)
			k.Send(wire.ACK, nil)
		}
		if largest <= k.Link.MTU() {
			t.Errorf("the largest packet of a megabyte over veth had %d bytes, expected offloads to exceed %d", largest, k.Link.MTU())
		}
	})
}

// firewall installs the stateful firewall that many hosts have.
func firewall(t *testing.T) {
	t.Helper()
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	drop := nftables.ChainPolicyDrop
	table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: "stateful"})
	chain := c.AddChain(&nftables.Chain{Name: "input", Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter, Policy: &drop})
	const established, related = 2, 4 // NF_CT_STATE_BIT
	c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{
		&expr.Ct{Key: expr.CtKeySTATE, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: []byte{established | related, 0, 0, 0}, Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: make([]byte, 4)},
		&expr.Verdict{Kind: expr.VerdictAccept},
	}})
	c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{ // neighbour discovery
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{wire.ProtocolICMPv6}},
		&expr.Verdict{Kind: expr.VerdictAccept},
	}})
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
}

// outputDrops installs a firewall that lets nothing out.
func outputDrops(t *testing.T) {
	t.Helper()
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	drop := nftables.ChainPolicyDrop
	table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "shut"})
	c.AddChain(&nftables.Chain{Name: "output", Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityFilter, Policy: &drop})
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
}

func TestHandshakeBehindAStatefulFirewall(t *testing.T) {
	for _, guardKind := range []guard.Kind{guard.KindListener, guard.KindNFTables} {
		t.Run(string(guardKind), func(t *testing.T) {
			eachLink(t, func(t *testing.T, kind link.Kind, p *netns.Pair) {
				firewall(t)
				l, remote := p.Server.Listen(t)
				k, _ := talk(t, kind, guardKind, p.Client.Addr, remote)
				c := exchange(t, k, l)
				if _, err := c.Write([]byte("reply")); err != nil {
					t.Fatal(err)
				}
				for {
					g, err := k.Receive()
					if err != nil {
						t.Fatal(err)
					}
					if string(g.Segment.Payload) == "reply" {
						break
					}
				}
			})
		})
	}
}

func TestLoopbackAndOwnAddressesGoThroughTheRawLink(t *testing.T) {
	for _, tc := range []struct{ name, local, remote string }{
		{"loopback", "127.0.0.1", "127.0.0.1"},
		{"own address", "198.18.0.1", "198.18.0.1"},
		{"two loopback addresses", "127.0.0.2", "127.0.0.3"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			netns.NewPair(t)
			l, err := net.Listen("tcp4", tc.remote+":0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			k, _ := talk(t, link.KindAuto, guard.KindAuto, netip.MustParseAddr(tc.local), l.Addr().(*net.TCPAddr).AddrPort())
			if k.Link.Kind() != link.KindRaw {
				t.Fatalf("auto chose %s", k.Link.Kind())
			}
			exchange(t, k, l.(*net.TCPListener))
			if len(k.KernelRSTs) != 0 {
				t.Errorf("kernel-sent RSTs: %v", k.KernelRSTs)
			}
		})
	}
}

func TestPacketLinkRefusesLoopbackAndNamesTheRawLink(t *testing.T) {
	netns.NewPair(t)
	f := link.Flow{Local: netip.MustParseAddrPort("127.0.0.1:4000"), Remote: netip.MustParseAddrPort("127.0.0.1:443")}
	_, err := link.OpenPacket(context.Background(), link.Options{Flow: f})
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte("raw link")) {
		t.Errorf("got %v", err)
	}
}

func TestDeadlineAndCloseEndAWaitingReceive(t *testing.T) {
	open := map[link.Kind]func(t *testing.T) link.Link{
		link.KindPacket: func(t *testing.T) link.Link { return quiet(t, link.KindPacket) },
		link.KindRaw:    func(t *testing.T) link.Link { return quiet(t, link.KindRaw) },
		link.KindPipe:   func(t *testing.T) link.Link { a, _ := link.Pipe(); return a },
	}
	for kind, open := range open {
		t.Run(string(kind), func(t *testing.T) {
			l := open(t)
			buf := make([]byte, link.MaxPacket)
			l.SetReadDeadline(time.Now().Add(-time.Second))
			if _, err := l.Receive(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("deadline in the past: %v", err)
			}
			l.SetReadDeadline(time.Time{})
			waiting := make(chan error)
			receive := func() { _, err := l.Receive(buf); waiting <- err }
			go receive()
			l.SetReadDeadline(time.Now())
			if err := <-waiting; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("deadline while waiting: %v", err)
			}
			l.SetReadDeadline(time.Time{})
			go receive()
			l.Close()
			if err := <-waiting; !errors.Is(err, net.ErrClosed) {
				t.Errorf("close while waiting: %v", err)
			}
			if _, err := l.Receive(buf); !errors.Is(err, net.ErrClosed) {
				t.Errorf("receive after close: %v", err)
			}
			if err := l.Send(make([]byte, 40)); err == nil {
				t.Error("send after close was accepted")
			}
		})
	}
}

func quiet(t *testing.T, kind link.Kind) link.Link {
	p := netns.NewPair(t)
	k, _ := talk(t, kind, guard.KindListener, p.Client.Addr, netip.AddrPortFrom(p.Server.Addr, 443))
	return k.Link
}
