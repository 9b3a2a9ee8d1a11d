package guard_test

import (
	"bufio"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/internal/nstest"
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
		t.Run(kind, func(t *testing.T) {
			p := nstest.NewPair6(t)
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
					nstest.Check(t, k.Link.Send(b))
				}
			}
			seen := tap.Collect(t)
			if got := nstest.Resets(seen, guarded); got != 0 {
				t.Errorf("%d SYN-ACKs behind extension headers drew %d RSTs", n, got)
			}
			if got := nstest.Resets(seen, free); got != n {
				t.Errorf("beside the guard, %d SYN-ACKs behind extension headers drew %d RSTs", n, got)
			}
			if got, known := g.Dropped(); !known || got != n {
				t.Errorf("Dropped says %d (known: %v), want %d", got, known, n)
			}
		})
	}
}

// BPF programs have no owner in the kernel's eyes: it is who holds the link.
func TestATCXGuardOfAnotherProcessIsFound(t *testing.T) {
	p := nstest.NewPair(t)
	cmd := exec.Command("/proc/self/exe", p.Client.Addr.String())
	cmd.Env = append(os.Environ(), holdKind+"="+guard.KindTCX)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	nstest.Check(t, err)
	nstest.Check(t, cmd.Start()) // on this thread, so in the client's namespace
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	line, _ := bufio.NewReader(out).ReadString('\n')
	local, err := netip.ParseAddrPort(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the helper says %q", line)
	}
	shower(t, p, local, wire.SYN|wire.ACK, 64, 3)
	found := find(t)
	if len(found) != 1 {
		t.Fatalf("found %+v", found)
	}
	f := found[0]
	if f.Kind != guard.KindTCX || f.PID != cmd.Process.Pid || f.Interface != clientDev || f.First != local.Port() || f.Last != local.Port() ||
		!slices.Equal(f.Addrs, []netip.Addr{p.Client.Addr}) || f.Dropped != 3 || !f.Known || f.Lasting || !strings.Contains(f.Owner, p.Client.Addr.String()) {
		t.Errorf("found %+v", f)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if found := find(t); len(found) != 0 {
		t.Errorf("after its process, found %+v", found)
	}
}
