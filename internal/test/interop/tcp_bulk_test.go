package interop

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/link"
)

// TestBulkBesideTheKernel sends over a veth pair with offloads off, between
// two kernels, and with our TCP in the place of either. `make bench` states the
// times; what the test holds is that each byte arrives.
func TestBulkBesideTheKernel(t *testing.T) {
	size := int64(4 << 20)
	if *full {
		size = wholeSize
	}
	for _, c := range []struct {
		name        string
		open        func(*testing.T, *lab.Lab, string) (net.Conn, error)
		nearReceive bool
	}{
		{"kernel to kernel", openKernel, false},
		{"ours to kernel, packet link", openOurs("packet"), false},
		{"ours to kernel, raw link", openOurs("raw"), false},
		{"kernel to ours, packet link", openOurs("packet"), true},
		{"kernel to ours, raw link", openOurs("raw"), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLab(t)
			offloadsOff(t, l.Near())
			offloadsOff(t, l.Far())
			ln, err := l.Far().Listen("tcp", netip.AddrPortFrom(l.Far().Addr(), 0).String())
			if err != nil {
				t.Fatal(err)
			}
			near, far, stop, err := joined(ln, func() (net.Conn, error) { return c.open(t, l, ln.Addr().String()) })
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			from, to := near, far
			if c.nearReceive {
				from, to = far, near
			}
			start := time.Now()
			sent := make(chan error, 1)
			go func() { sent <- send(from, size) }()
			if err := compare(to, size); err != nil {
				t.Fatal(err)
			}
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
			t.Logf("%s: %.0f MB/s", c.name, float64(size)/time.Since(start).Seconds()/1e6)
		})
	}
}

func openKernel(t *testing.T, l *lab.Lab, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return l.Near().Dial(ctx, "tcp", address)
}

func openOurs(kind link.Kind) func(*testing.T, *lab.Lab, string) (net.Conn, error) {
	return func(t *testing.T, l *lab.Lab, address string) (net.Conn, error) {
		return dial(t, l, rawtcp.Dialer{Link: link.Kind(kind)}, address, 10*time.Second)
	}
}
