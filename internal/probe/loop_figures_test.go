package probe

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/probe/store"
	"github.com/rawshake/rawshake/internal/probe/syn"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// figures has TestFigures measure; see `make bench-probe`.
var figures = flag.Bool("figures", false, "measure, for a minute or two")

// cpu is the CPU time of a thread or a process so far, as who says.
func cpu(who int) time.Duration {
	var u unix.Rusage
	unix.Getrusage(who, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

const rusageThread = 1 // RUSAGE_THREAD

func TestFigures(t *testing.T) {
	if !*figures {
		t.Skip("no test, but a benchmark: make bench-probe")
	}
	t.Run("SYNs", figureSYNs)
	t.Run("memory", figureMemory)
	t.Run("growth", figureGrowth)
	t.Run("TLS 1.3", figureTLS13)
}

// figureSYNs sends SYNs to an interface that drops them, from one thread, and
// the same with nothing but sendmmsg.
func figureSYNs(t *testing.T) {
	l, err := lab.New(t.Context())
	check(t, err)
	defer l.Close()
	const n = 1 << 18
	check(t, l.Near().Do(func() error {
		if err := addSink(l); err != nil {
			return err
		}
		o := options(t, "1-8", "198.18.128.0/17")
		o.Goal, o.Retries, o.MaxInFlight, o.Timeout = GoalTCP, 0, 1<<22, time.Millisecond
		best, plain, bypass := 0.0, 0.0, 0.0
		for range 3 { // the best of three: others use the machine too
			s, err := Open(t.Context(), o, store.NewOutput(io.Discard))
			if err != nil {
				return err
			}
			// The records of silence are not part of what is sent: stop at the last SYN.
			lp := s.loops[0]
			lp.begun.window = touched(2 * n)
			go s.sink.Run()
			before := cpu(rusageThread)
			for !lp.admission.ended {
				lp.now = lp.instant()
				lp.egress.pace.Fill(lp.now)
				lp.admission.begin()
				if err := lp.egress.flush(lp.routes.Paths); err != nil {
					return err
				}
			}
			best = max(best, float64(lp.stats.SYNs)/(cpu(rusageThread)-before).Seconds())
			if lp.stats.SYNs != n {
				return fmt.Errorf("%d SYNs", lp.stats.SYNs)
			}
			s.sink.Close()
			s.Close()
			plain = max(plain, sendmmsgLoop(t, l, n, false))
			bypass = max(bypass, sendmmsgLoop(t, l, n, true))
		}
		fmt.Printf("SYNs into a sink, one thread, per CPU-second: %.0f; plain sendmmsg loop %.0f, ratio %.2f; with PACKET_QDISC_BYPASS as ours %.0f, ratio %.2f\n",
			best, plain, best/plain, bypass, best/bypass)
		return nil
	}))
}

// touched is a window whose memory was used before, as it was a few seconds into
// a scan. The system makes a page real when it is first written to, and on some
// virtual machines that is dear.
func touched(slots int) window {
	w := newWindow(0)
	w.slots = make([]slot, slots)
	for i := range w.slots {
		w.slots[i].state = slotDone
	}
	return w
}

// addSink routes 198.18.128.0/17 to the far host, which drops it: it forwards
// nothing.
func addSink(l *lab.Lab) error {
	dev, err := netlink.LinkByName(l.Near().Interface())
	if err != nil {
		return err
	}
	return netlink.RouteAdd(&netlink.Route{LinkIndex: dev.Attrs().Index, Gw: l.Far().Addr().AsSlice(),
		Dst: &net.IPNet{IP: net.IPv4(198, 18, 128, 0), Mask: net.CIDRMask(17, 32)}})
}

// sendmmsgLoop sends prebuilt frames and does nothing else.
func sendmmsgLoop(t *testing.T, l *lab.Lab, n int, bypass bool) float64 {
	dev, err := net.InterfaceByName(l.Near().Interface())
	check(t, err)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	check(t, err)
	defer unix.Close(fd)
	check(t, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: 0x0008, Ifindex: dev.Index}))
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 4<<20)
	if bypass {
		check(t, unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1))
	}
	type mmsghdr struct {
		hdr unix.Msghdr
		len uint32
	}
	const batch, frames = 128, 1 << 14
	p := syn.NewPackets(l.Near().Addr(), 1460, 0)
	ethernet := append(append([]byte(l.Far().HardwareAddr()), l.Near().HardwareAddr()...), 8, 0)
	// As many destinations as frames: the far host's half of the work, which is
	// done on this thread too, depends on them.
	msgs, iovs := make([]mmsghdr, frames), make([]unix.Iovec, frames)
	for i := range msgs {
		to := Target{Addr: netip.AddrFrom4([4]byte{198, 18, 128 + byte(i>>8), byte(i)}), Port: 1 + uint16(i%8)}
		f := append(append([]byte(nil), ethernet...), p.SYN(to.Addr, to.Port, 40000, uint32(i), 0)...)
		iovs[i].Base = &f[0]
		iovs[i].SetLen(len(f))
		msgs[i].hdr.Iov = &iovs[i]
		msgs[i].hdr.SetIovlen(1)
	}
	before := cpu(rusageThread)
	for sent := 0; sent < n; {
		k, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&msgs[sent%frames])), uintptr(min(batch, frames-sent%frames)), 0, 0, 0)
		if errno != 0 && errno != unix.ENOBUFS {
			t.Fatal(errno)
		}
		sent += int(k)
	}
	return float64(n) / (cpu(rusageThread) - before).Seconds()
}

// heap is what is in use once the garbage is gone.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// figureMemory holds targets at each stage, behind hosts that go no further.
func figureMemory(t *testing.T) {
	flight := serverFlight(t)
	defer func(n int) { maxWork = n }(maxWork)
	maxWork = 1 << 30
	for _, stage := range []struct {
		name string
		net  *fakeNet
		goal Goal
		n    int
	}{
		{"SYN sent", &fakeNet{deaf: true}, GoalCertificate, 100000},
		{"certificates held", &fakeNet{flight: flight}, GoalFinished, 20000},
	} {
		o := fakeOptions(t, stage.n)
		o.Goal, o.MaxInFlight = stage.goal, stage.n
		l := fakeLoop(t, o, stage.net)
		before := heap()
		for l.begun.window.len() < stage.n || stage.net.waiting() > 0 {
			l.now = l.instant()
			l.admission.begin()
			check(t, l.receive(0))
		}
		stage.net.ready = nil
		used := heap() - before
		fmt.Printf("memory of one target, %-17s %6.0f bytes (%d in flight, %.1f MB)\n", stage.name, float64(used)/float64(stage.n), stage.n, float64(used)/1e6)
		runtime.KeepAlive(l)
	}
	for _, version := range []tlsmsg.Version{tlsmsg.VersionTLS12, tlsmsg.VersionTLS13} {
		const n = 20000
		l, _, used := holding(t, n, version)
		fmt.Printf("memory of one target, ClientHello sent that offers up to %v: %.0f bytes\n", version, float64(used)/n)
		runtime.KeepAlive(l)
	}
	var c connection
	fmt.Printf("of which a connection's own state: %d bytes; TCP %d; a TLS client's: %d\n", unsafe.Sizeof(c), unsafe.Sizeof(c.tcp), unsafe.Sizeof(handshake.Client{}))
}

// figureGrowth is the CPU of a target up to its certificate, with more and more
// of them in flight, without a kernel.
func figureGrowth(t *testing.T) {
	flight := serverFlight(t)
	for _, inFlight := range []int{1000, 10000, 100000} {
		best := time.Hour
		for range 2 {
			o := fakeOptions(t, 120000)
			o.MaxInFlight = inFlight
			f := &fakeNet{flight: flight, hold: inFlight / 2}
			l := fakeLoop(t, o, f)
			runtime.LockOSThread()
			before := cpu(rusageThread)
			check(t, l.run(t.Context(), t.Context()))
			best = min(best, (cpu(rusageThread)-before)/time.Duration(l.stats.Results))
			runtime.UnlockOSThread()
		}
		fmt.Printf("CPU of one target up to its certificate, no kernel, %6d in flight: %v\n", inFlight, best)
	}
}

// figureTLS13 is the CPU of a target up to its certificate in TLS 1.3, without a kernel:
// by the group that the server takes, and whether the keys of the ClientHello are kept
// or made again.
func figureTLS13(t *testing.T) {
	defer func(n int) { fewConns = n }(fewConns)
	for _, group := range []tlsmsg.NamedGroup{tlsmsg.GroupX25519, tlsmsg.GroupX25519MLKEM768} {
		for _, alone := range []bool{true, false} { // whether it is the only one that is offered
			for _, few := range []int{1 << 20, 0} {
				fewConns = few
				best := time.Hour
				for range 3 {
					o := fakeOptions(t, 8192)
					o.Name, o.MaxInFlight, o.TLS.MinVersion, o.TLS.MaxVersion = "host.of-a-usual-length.test", 1000, tlsmsg.VersionTLS12, tlsmsg.VersionTLS13
					if alone {
						o.TLS.Groups = []tlsmsg.NamedGroup{group}
					}
					f := new(fakeNet)
					l := fakeLoop(t, o, f)
					f.flight = flightTo(t, sameHello(t, l), &tls.Config{MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.CurveID(group)}})
					runtime.LockOSThread()
					before := cpu(rusageThread)
					check(t, l.run(t.Context(), t.Context()))
					best = min(best, (cpu(rusageThread)-before)/time.Duration(l.stats.Results))
					runtime.UnlockOSThread()
					if l.stats.Outcomes[outcomeIndex("certificate")] != l.stats.Results {
						t.Fatalf("%+v", l.stats)
					}
				}
				fmt.Printf("CPU of one target up to its certificate in TLS 1.3, no kernel, %v (offered alone: %v, keys kept: %v): %v\n", group, alone, few > 0, best)
			}
		}
	}
}
