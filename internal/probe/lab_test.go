package probe

import (
	"bytes"
	"crypto/tls"
	"errors"
	"maps"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"

	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/probe/store"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
)

// wide is where the far host answers for every address.
var wide = netip.MustParsePrefix("198.19.0.0/16")

// newWideLab makes a network whose far host has all of wide.
func newWideLab(t testing.TB) *lab.Lab {
	t.Helper()
	l, err := lab.New(t.Context())
	if err != nil {
		if errors.Is(err, netns.ErrForbidden) && os.Getenv("CI") == "" {
			t.Skipf("this test makes network namespaces: %v", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	whole := &net.IPNet{IP: wide.Addr().AsSlice(), Mask: net.CIDRMask(wide.Bits(), 32)}
	check(t, l.Far().Do(func() error {
		dev, err := netlink.LinkByName(l.Far().Interface())
		if err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{LinkIndex: dev.Attrs().Index, Dst: whole, Type: unix.RTN_LOCAL,
			Table: unix.RT_TABLE_LOCAL, Scope: netlink.SCOPE_HOST})
	}))
	check(t, l.Near().Do(func() error {
		dev, err := netlink.LinkByName(l.Near().Interface())
		if err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{LinkIndex: dev.Attrs().Index, Dst: whole, Gw: l.Far().Addr().AsSlice()})
	}))
	return l
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serveTLS speaks TLS 1.2 on a port of every address of the far host. It tells
// from which addresses it was spoken to.
func serveTLS(t testing.TB, l *lab.Lab, address string) (peers func() map[netip.Addr]int) {
	t.Helper()
	pki, err := pki.New(pki.Options{})
	check(t, err)
	cfg := &tls.Config{MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{
		{Certificate: [][]byte{pki.Server.Cert.Raw, pki.CA.Cert.Raw}, PrivateKey: pki.Server.Key}}}
	ln, err := l.Far().Listen("tcp", address)
	check(t, err)
	t.Cleanup(func() { ln.Close() })
	var mu sync.Mutex
	seen := make(map[netip.Addr]int)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			seen[c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()]++
			mu.Unlock()
			go func() {
				defer c.Close()
				s := tls.Server(c, cfg)
				if s.Handshake() == nil {
					var b [4096]byte
					s.Read(b[:])
					s.Write([]byte("HTTP/1.0 200 OK\r\n\r\nhello"))
					s.Close()
				}
			}()
		}
	}()
	return func() map[netip.Addr]int {
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(seen)
	}
}

// scan probes from the near host, and gives what was written.
func scan(t *testing.T, l *lab.Lab, o Options) ([]byte, Stats) {
	t.Helper()
	var out bytes.Buffer
	var stats Stats
	check(t, l.Near().Do(func() error {
		s, err := Open(t.Context(), o, store.NewOutput(&out))
		if err != nil {
			return err
		}
		stats, err = s.Run(t.Context(), t.Context())
		return err
	}))
	return out.Bytes(), stats
}
