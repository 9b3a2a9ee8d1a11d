package guard_test

import (
	"net/netip"
	"testing"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// extended is an IPv6 packet with a SYN-ACK behind extension headers, each
// given without its first octet.
func extended(src, dst netip.AddrPort, kinds string, headers ...string) []byte {
	s := wire.Segment{SrcPort: src.Port(), DstPort: dst.Port(), Seq: 5000, Ack: 1001, Flags: wire.SYN | wire.ACK, Window: 65535}
	next := kinds + string(rune(wire.ProtocolTCP))
	var chain []byte
	for i, h := range headers {
		chain = append(append(chain, next[i+1]), h...)
	}
	h := wire.IPv6{HopLimit: 64, NextHeader: next[0], Src: src.Addr(), Dst: dst.Addr()}
	b := append(h.AppendTo(nil, len(chain)+s.HeaderLen()), chain...)
	return s.AppendTo(b, src.Addr(), dst.Addr())
}

// Extension headers, without their first octet.
const (
	padding    = "\x00\x01\x04\x00\x00\x00\x00"
	longer     = "\x01\x1e\x0c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	routeEnded = "\x00\x00\x00\x00\x00\x00\x00"
	whole      = "\x00\x00\x00\x00\x00\x00\x09" // a fragment that is all
)

// A peer, or somebody on the way, may put extension headers before the TCP
// header; the kernel passes over them, and would answer.
func TestNoGuardIsPassedByExtensionHeaders(t *testing.T) {
	for _, kind := range standing {
		t.Run(string(kind), func(t *testing.T) {
			p := netns.NewPair6(t)
			guarded, free := netip.AddrPortFrom(p.Client.Addr, 4000), netip.AddrPortFrom(p.Client.Addr, 4001)
			g := openRange(t, guard.RangeOptions{Kind: kind, Addrs: []netip.Addr{p.Client.Addr}, First: 4000, Last: 4000, Interface: clientDev})
			tap := p.Server.Tap(t)
			const n = 4
			for _, to := range []netip.AddrPort{guarded, free} {
				k := peer(t, p, to)
				for _, b := range [][]byte{
					extended(k.Flow.Local, to, "\x3c", padding),
					extended(k.Flow.Local, to, "\x00\x3c\x2b", longer, padding, routeEnded),
					extended(k.Flow.Local, to, "\x2c", whole),
					extended(k.Flow.Local, to, "\x00\x2b\x2c\x3c", padding, routeEnded, whole, longer),
				} {
					netns.Check(t, k.Link.Send(b))
				}
			}
			seen := tap.Collect(t)
			if got := netns.Resets(seen, guarded); got != 0 {
				t.Errorf("%d SYN-ACKs behind extension headers drew %d RSTs", n, got)
			}
			if got := netns.Resets(seen, free); got != n {
				t.Errorf("beside the guard, %d SYN-ACKs behind extension headers drew %d RSTs", n, got)
			}
			if got, known := g.Dropped(); !known || got != n {
				t.Errorf("Dropped says %d (known: %v), want %d", got, known, n)
			}
		})
	}
}
