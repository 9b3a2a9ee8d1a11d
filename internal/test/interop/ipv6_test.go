package interop

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// newLab6 is newLab for a test of IPv6.
func newLab6(t *testing.T) *lab.Lab {
	t.Helper()
	l := newLab(t)
	if !l.Far().Addr6().IsValid() {
		missing(t, "this kernel has no IPv6")
	}
	return l
}

func hostPort6(n *lab.Node) string { return net.JoinHostPort(n.Addr6().String(), fmt.Sprint(peerPort)) }

// TestFetchOverIPv6 is the whole path over IPv6, with each guard over each
// link, on a veth pair and on loopback; and no RST of the kernel's.
func TestFetchOverIPv6(t *testing.T) {
	l := newLab6(t)
	f := newFiles(t, l.Far(), pki.ECDSAP256, "")
	startOpenSSL(t, l.Far(), f, true)
	t.Run("plain", func(t *testing.T) {
		t.Run("veth", func(t *testing.T) { fetch(t, l.Near(), l.Far().Addr6().String(), f, true) })
		t.Run("loopback", func(t *testing.T) { fetch(t, l.Far(), "::1", f, true) })
		t.Run("own address", func(t *testing.T) { fetch(t, l.Far(), l.Far().Addr6().String(), f, true) })
	})
	for _, guard := range []string{"listener", "nftables"} {
		for _, link := range []string{"packet", "raw"} {
			t.Run(guard+"/"+link, func(t *testing.T) {
				s := sniff(t, l.Far(), l.Far().Interface())
				r := rawshake(t, l.Near(), "connect", "--json", "--guard", guard, "--link", link, "--get", "/", "--ca", f.ca,
					"--cert", f.clientCert, "--key", f.clientKey, hostPort6(l.Far())).want(t, 0)
				ours := from(s.end(t), l.Near().Addr6().String())
				checkOpening(t, ours)
				if mss := ours[0].tcp.Options[0].OptionData; !bytes.Equal(mss, []byte{1440 >> 8, 1440 & 0xff}) {
					t.Errorf("the SYN's MSS is % x, want 1440", mss)
				}
				if n := len(resets(ours)); n != 0 {
					t.Errorf("%d RSTs of ours on the wire", n)
				}
				if list := entries(t, r.stderr); !list[len(list)-1].OK {
					t.Errorf("result %+v", list[len(list)-1])
				}
			})
		}
	}
}

func TestWithoutAGuardTheKernelEndsTheConnectionOverIPv6(t *testing.T) {
	l := newLab6(t)
	f := newFiles(t, l.Far(), pki.ECDSAP256, "")
	startOpenSSL(t, l.Far(), f, false)
	for name, at := range map[string]struct {
		node    *lab.Node
		address string
	}{
		"veth":     {l.Near(), hostPort6(l.Far())},
		"loopback": {l.Far(), fmt.Sprintf("[::1]:%d", peerPort)},
	} {
		t.Run(name, func(t *testing.T) {
			r := rawshake(t, at.node, "connect", "--json", "--guard", "none", "--ca", f.ca, at.address).want(t, 4).says(t, "reset", "--guard")
			if !slices.ContainsFunc(entries(t, r.stdout), func(e entry) bool {
				return e.Type == "segment" && e.Origin == "kernel" && slices.Contains(e.Flags, "RST")
			}) {
				t.Errorf("the transcript does not know the kernel's RST:\n%s", r.stdout)
			}
		})
	}
}

// TestTheVersionAskedForIsUsed reads -4, -6 and --resolve as the program does.
func TestTheVersionAskedForIsUsed(t *testing.T) {
	l := newLab6(t)
	f := newFiles(t, l.Far(), pki.ECDSAP256, "")
	startOpenSSL(t, l.Far(), f, false)
	connect := func(args ...string) run {
		return rawshake(t, l.Near(), append([]string{"connect", "--insecure", "--ca", f.ca}, args...)...)
	}
	six := fmt.Sprintf("name.test:%d:[%s]", peerPort, l.Far().Addr6())
	target := fmt.Sprintf("name.test:%d", peerPort)
	if r := connect("-6", "--resolve", six, target).want(t, 0); !strings.Contains(r.stdout, l.Far().Addr6().String()) {
		t.Errorf("the ladder does not show the address:\n%s", r.stdout)
	}
	connect("-4", "--resolve", six, target).want(t, 2).says(t, "IPv4")
	connect("-6", hostPort(l.Far(), peerPort)).want(t, 2).says(t, "IPv6")
	connect("-4", "-6", target).want(t, 2)
	connect("--source-ip", "198.18.0.1", hostPort6(l.Far())).want(t, 2).says(t, "IPv4")
	connect("[2001:db8:dead::1]:443").want(t, 4).says(t, "ip route")
}

// TestAnAddressOfNobodysConnectsWithoutAGuard connects from an address on the
// link that no kernel has: our link answers for it.
func TestAnAddressOfNobodysConnectsWithoutAGuard(t *testing.T) {
	l := newLab6(t)
	f := newFiles(t, l.Far(), pki.ECDSAP256, "")
	startOpenSSL(t, l.Far(), f, false)
	for source, address := range map[string]string{"198.18.0.77": hostPort(l.Far(), peerPort), "2001:db8::77": hostPort6(l.Far())} {
		t.Run(source, func(t *testing.T) {
			s := sniff(t, l.Far(), l.Far().Interface())
			r := rawshake(t, l.Near(), "connect", "--json", "--source-ip", source, "--get", "/", "--ca", f.ca, address).want(t, 0)
			ours := from(s.end(t), source)
			checkOpening(t, ours)
			if n := len(resets(ours)); n != 0 {
				t.Errorf("%d RSTs on the wire", n)
			}
			if !slices.ContainsFunc(entries(t, r.stderr), func(e entry) bool { return e.Layer == "guard" && strings.Contains(e.Text, "no guard needed") }) {
				t.Errorf("the transcript does not say why there is no guard:\n%s", r.stderr)
			}
		})
	}
	rawshake(t, l.Near(), "connect", "--source-ip", "198.19.7.7", hostPort(l.Far(), peerPort)).want(t, 4).says(t, "198.19.7.7", "neither an address of this machine")
}

// TestBytesArriveWholeOverIPv6 sends a megabyte to a kernel's TCP and back,
// over each link, and from an address that is nobody's.
func TestBytesArriveWholeOverIPv6(t *testing.T) {
	l := newLab6(t)
	ln, err := l.Far().Listen("tcp", net.JoinHostPort(l.Far().Addr6().String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); echo(c.(*net.TCPConn)) }()
		}
	}()
	for name, d := range map[string]rawtcp.Dialer{
		"packet": {Link: "packet"}, "raw": {Link: "raw"}, "foreign": {Source: netip.MustParseAddr("2001:db8::77")},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := dial(t, l, d, ln.Addr().String(), 10*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			roundTrip(t, c)
		})
	}
}

// roundTrip sends a megabyte to an echo, half-closes, and reads to the end.
func roundTrip(t *testing.T, c net.Conn) {
	t.Helper()
	defer c.Close()
	want := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{6}).Read(want)
	c.SetDeadline(time.Now().Add(time.Minute))
	go func() {
		c.Write(want)
		c.(*rawtcp.Conn).CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d of %d bytes, error %v", len(got), len(want), err)
	}
}

// TestOurStackOnATUNTalksToTheKernel joins a stack of ours and the kernel of
// the same machine by a TUN device, on which each has its own address.
func TestOurStackOnATUNTalksToTheKernel(t *testing.T) {
	for name, addr := range map[string][2]string{
		"IPv4": {"198.19.0.1/24", "198.19.0.9"},
		"IPv6": {"2001:db8:1::1/64", "2001:db8:1::9"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab6(t)
			kernel := netip.MustParsePrefix(addr[0])
			var tun *link.TUN
			if err := l.Near().Do(func() (err error) {
				tun, err = link.OpenTUN(link.TUNOptions{Kernel: []netip.Prefix{kernel}})
				return err
			}); err != nil {
				missing(t, "a TUN device: %v", err)
			}
			ln, err := l.Near().Listen("tcp", netip.AddrPortFrom(kernel.Addr(), 0).String())
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			go func() {
				if c, err := ln.Accept(); err == nil {
					defer c.Close()
					echo(c.(*net.TCPConn))
				}
			}()
			stack := rawtcp.NewStack(tun, rawtcp.StackConfig{})
			defer stack.Close()
			local := netip.AddrPortFrom(netip.MustParseAddr(addr[1]), 40000)
			c, err := stack.Open(local, ln.Addr().(*net.TCPAddr).AddrPort(), func(cfg tcb.Config) endpoint.Machine { return tcb.New(cfg) })
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := c.Handshake(ctx); err != nil {
				t.Fatal(err)
			}
			roundTrip(t, c)
		})
	}
}

// TestKernelsConnectToOurListenerOverIPv6 accepts from the other host, and, on
// the raw link, from the host itself.
func TestKernelsConnectToOurListenerOverIPv6(t *testing.T) {
	l := newLab6(t)
	for _, kind := range []string{"raw", "packet"} {
		from := map[string]*lab.Node{"another host": l.Near()}
		if kind == "raw" {
			from["the same host"] = l.Far()
		}
		for name, node := range from {
			t.Run(kind+"/"+name, func(t *testing.T) {
				var ln net.Listener
				if err := l.Far().Do(func() (err error) {
					lc := rawtcp.ListenConfig{Link: link.Kind(kind)}
					ln, err = lc.Listen(t.Context(), "tcp6", net.JoinHostPort(l.Far().Addr6().String(), "0"))
					return err
				}); err != nil {
					t.Fatal(err)
				}
				defer ln.Close()
				go func() {
					if c, err := ln.Accept(); err == nil {
						io.Copy(c, c)
						c.Close()
					}
				}()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				c, err := node.Dial(ctx, "tcp6", ln.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				c.SetDeadline(time.Now().Add(time.Minute))
				want := make([]byte, 1<<20)
				rand.NewChaCha8([32]byte{7}).Read(want)
				go func() {
					c.Write(want)
					c.(*net.TCPConn).CloseWrite()
				}()
				got, err := io.ReadAll(c)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d of %d bytes, error %v", len(got), len(want), err)
				}
			})
		}
	}
}
