// Every IP packet that a host receives.

package netns

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A Tap sees every IP packet that a host receives.
type Tap struct {
	host *Host
	fd   int
	seen []Seen
	n    int
}

// Seen is one TCP segment on a tap, and whether its checksums were right.
type Seen struct {
	Src, Dst netip.AddrPort
	IP       wire.IP
	Segment  wire.Segment
	Intact   bool
}

// Tap begins to listen.
func (h *Host) Tap(t *testing.T) *Tap {
	t.Helper()
	tap := &Tap{host: h}
	h.Do(t, func() (err error) {
		const all = unix.ETH_P_ALL << 8 // big endian, on a little-endian machine
		tap.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, all)
		if err != nil {
			return err
		}
		unix.SetsockoptInt(tap.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 16<<20)
		return unix.SetsockoptTimeval(tap.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10})
	})
	t.Cleanup(func() { unix.Close(tap.fd) })
	return tap
}

// Collect returns the segments that arrived so far. It must be called on the
// other host: it sends a marker behind them and reads up to it.
func (tap *Tap) Collect(t *testing.T) []Seen {
	t.Helper()
	tap.n++
	marker := fmt.Appendf(nil, "marker %d at %d", tap.n, time.Now().UnixNano())
	c, err := net.Dial("udp", netip.AddrPortFrom(tap.host.Addr, 9).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(marker); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<16)
	for {
		n, from, err := unix.Recvfrom(tap.fd, buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			t.Fatalf("the marker did not arrive: %v", err)
		}
		if ll, ok := from.(*unix.SockaddrLinklayer); ok && ll.Pkttype == unix.PACKET_OUTGOING {
			continue
		}
		if bytes.HasSuffix(buf[:n], marker) {
			return tap.seen
		}
		tap.note(bytes.Clone(buf[:n]))
	}
}

func (tap *Tap) note(b []byte) {
	var p wire.Packet
	if err := p.Decode(b, false); p.Holds == wire.HoldsSegment {
		tap.seen = append(tap.seen, Seen{Src: p.From(), Dst: p.To(), IP: p.IP, Segment: p.Segment, Intact: err == nil})
	}
}

// Resets counts the RSTs among the segments from one address and port.
func Resets(seen []Seen, from netip.AddrPort) (n int) {
	for _, s := range seen {
		if s.Src == from && s.Segment.Flags.Has(wire.RST) {
			n++
		}
	}
	return n
}
