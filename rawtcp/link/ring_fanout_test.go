package link_test

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// What it costs to bring packets to the loop that they are for: the CPU time of
// one thread that sends them over a veth pair, takes them in on the other side,
// and reads the rings. With no ring at all it is what the way itself costs. Many
// short turns, one after the other, tell more than a long one.
//
//	for i in $(seq 40); do go test -run '^$' -bench Demultiplex -benchtime 50000x ./rawtcp/link; done
func BenchmarkDemultiplex(b *testing.B) {
	for _, way := range []struct {
		name string
		open func(*testing.B, route.Route) []link.Ring
	}{
		{"no ring", func(*testing.B, route.Route) []link.Ring { return nil }},
		{"1 ring", func(b *testing.B, r route.Route) []link.Ring { return openRings(b, r, 1, loops*loopPorts) }},
		{"4 rings with a filter each", func(b *testing.B, r route.Route) []link.Ring { return openRings(b, r, loops, loopPorts) }},
		{"4 rings in a group by port", openGroup},
	} {
		b.Run(way.name+"/ours", func(b *testing.B) { demultiplex(b, way.open, firstPort) })
		b.Run(way.name+"/others", func(b *testing.B) { demultiplex(b, way.open, firstPort+loops*loopPorts) })
	}
}

const (
	loops     = 4
	loopPorts = 256
	firstPort = 40000
)

// openRings opens so many rings, each for the next slice of ports.
func openRings(b *testing.B, r route.Route, n int, ports uint16) (list []link.Ring) {
	b.Helper()
	for i := range n {
		ring, err := link.OpenRing(link.RingOptions{Route: r, Local: r.Source, Port: firstPort + uint16(i)*ports, Ports: ports})
		netns.Check(b, err)
		b.Cleanup(func() { ring.Close() })
		list = append(list, ring)
	}
	return list
}

// openGroup opens rings that all take all ports, and has a program give each
// packet to one of them.
func openGroup(b *testing.B, r route.Route) (list []link.Ring) {
	b.Helper()
	for range loops {
		list = append(list, openRings(b, r, 1, loops*loopPorts)...)
	}
	for i, ring := range list {
		fd := link.RingDescriptor(ring)
		group := os.Getpid()&0xffff | (unix.PACKET_FANOUT_CBPF|unix.PACKET_FANOUT_FLAG_IGNORE_OUTGOING)<<16
		netns.Check(b, os.NewSyscallError("setsockopt PACKET_FANOUT", unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_FANOUT, group)))
		if i == 0 {
			netns.Check(b, os.NewSyscallError("setsockopt PACKET_FANOUT_DATA", byPort(fd)))
		}
	}
	return list
}

// byPort gives the group its program: the slice that a TCP segment's
// destination port lies in. It leaves out what a scanner would need besides:
// ICMP errors, whose quote has the port, and fragments.
func byPort(fd int) error {
	code, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 9, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: wire.ProtocolTCP, SkipTrue: 5},
		bpf.LoadMemShift{Off: 0},
		bpf.LoadIndirect{Off: 2, Size: 2},
		bpf.ALUOpConstant{Op: bpf.ALUOpSub, Val: firstPort},
		bpf.ALUOpConstant{Op: bpf.ALUOpDiv, Val: loopPorts},
		bpf.RetA{},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		return err
	}
	filter := make([]unix.SockFilter, len(code))
	for i, c := range code {
		filter[i] = unix.SockFilter{Code: c.Op, Jt: c.Jt, Jf: c.Jf, K: c.K}
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_PACKET, unix.PACKET_FANOUT_DATA, &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
}

// demultiplex sends b.N segments to the ports from first on, in turn.
func demultiplex(b *testing.B, open func(*testing.B, route.Route) []link.Ring, first uint16) {
	p := netns.NewPair(b)
	route, err := route.Find(p.Server.Addr, route.Via{Source: netip.MustParseAddr("198.18.0.77")}) // for which no kernel answers
	netns.Check(b, err)
	rings := open(b, route)
	sender, hop := openSender(b, p), link.HopTo(netns.Device(b, p.Client.Dev).Attrs().HardwareAddr)
	segments := make([][]byte, loops*loopPorts)
	for i := range segments {
		segments[i] = ipPacket(netip.AddrPortFrom(p.Server.Addr, 443), netip.AddrPortFrom(route.Source, first+uint16(i)), 0)
	}
	oneCPU(b)
	taken := make([]int, len(rings))
	drain := func(wait time.Duration) {
		for i, r := range rings {
			netns.Check(b, r.Receive(wait, func(link.Packet) { taken[i]++ }))
		}
	}
	b.ResetTimer()
	before := threadTime()
	for i := range b.N {
		netns.Check(b, sender.Queue(segments[i*loopPorts%len(segments)+i/loops%loopPorts], hop))
		if i%128 == 127 || i == b.N-1 {
			netns.Check(b, sender.Flush())
			drain(0)
		}
	}
	b.ReportMetric(float64(threadTime()-before)/float64(b.N), "cpu-ns/packet")
	b.StopTimer()
	for range 10 {
		drain(3 * time.Millisecond) // until the last blocks are handed over
	}
	expectEach(b, rings, taken, first == firstPort)
}

// expectEach holds what each ring has taken against its share. Packets are
// missing where the kernel had put them off to a thread of its own, which comes
// too late: then the turn has measured nothing.
func expectEach(b *testing.B, rings []link.Ring, taken []int, ours bool) {
	b.Helper()
	for i, r := range rings {
		share := 0
		if ours {
			share = (b.N + len(rings) - 1 - i) / len(rings)
		}
		if s := r.Stats(); s.Dropped > 0 || taken[i] != share {
			b.Errorf("ring %d has taken %d packets of %d, and dropped %d", i, taken[i], share, s.Dropped)
		}
	}
}

// openSender opens a ring on the server.
func openSender(b *testing.B, p *netns.Pair) (ring link.Ring) {
	b.Helper()
	p.Server.Do(b, func() error {
		route, err := route.Find(p.Client.Addr, route.Via{})
		if err == nil {
			ring, err = link.OpenRing(link.RingOptions{Route: route, Local: route.Source, Port: 443, Ports: 1})
		}
		return err
	})
	b.Cleanup(func() { ring.Close() })
	return ring
}

// oneCPU keeps the test's thread on the CPU that it runs on, so that the
// kernel's part of receiving is done in its time.
func oneCPU(b *testing.B) {
	b.Helper()
	var had, one unix.CPUSet
	netns.Check(b, unix.SchedGetaffinity(0, &had))
	var cpu uint32
	if _, _, errno := unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0); errno != 0 {
		b.Fatal(errno)
	}
	one.Set(int(cpu))
	netns.Check(b, unix.SchedSetaffinity(0, &one))
	b.Cleanup(func() { unix.SchedSetaffinity(0, &had) })
	runtime.GC()
}

// threadTime is the CPU time of the calling thread, in nanoseconds.
func threadTime() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		panic(fmt.Sprintf("the thread's clock: %v", err))
	}
	return ts.Nano()
}
