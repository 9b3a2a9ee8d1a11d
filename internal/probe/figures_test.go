package probe

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
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
	t.Run("handshakes", figureHandshakes)
	t.Run("memory", figureMemory)
	t.Run("growth", figureGrowth)
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
			s, err := Open(t.Context(), o, NewOutput(io.Discard))
			if err != nil {
				return err
			}
			// The records of silence are not part of what is sent: stop at the last SYN.
			lp := s.loops[0]
			lp.window = touched(2 * n)
			go s.sink.run()
			before := cpu(rusageThread)
			for !lp.ended {
				lp.now = lp.instant()
				lp.pace.fill(lp.now)
				lp.sendSYNs()
				if err := lp.flush(); err != nil {
					return err
				}
			}
			best = max(best, float64(lp.stats.SYNs)/(cpu(rusageThread)-before).Seconds())
			if lp.stats.SYNs != n {
				return fmt.Errorf("%d SYNs", lp.stats.SYNs)
			}
			s.sink.close()
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
	p := &path{local: l.Near().Addr(), mss: 1460}
	p.makeSYN()
	ethernet := append(append([]byte(l.Far().HardwareAddr()), l.Near().HardwareAddr()...), 8, 0)
	// As many destinations as frames: the far host's half of the work, which is
	// done on this thread too, depends on them.
	msgs, iovs := make([]mmsghdr, frames), make([]unix.Iovec, frames)
	for i := range msgs {
		to := Target{Addr: netip.AddrFrom4([4]byte{198, 18, 128 + byte(i>>8), byte(i)}), Port: 1 + uint16(i%8)}
		f := append(append([]byte(nil), ethernet...), p.aim(&to, 40000, uint32(i), 0)...)
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

// A figureTask is what a client process is to do.
type figureTask struct {
	Client string
	N      int
	CA     []byte
	Name   string
}

// figureClients are the contenders. Both sides verify each chain, until the last,
// which believes its own verdict on the same chain for a while, as probe does.
var figureClients = []string{"crypto/tls", "certificate", "finished", "finished" + chainsKnown}

const chainsKnown = ", chain met before"

const figureVar = "RAWSHAKE_FIGURE_TASK"

// figureHandshakes compares the CPU of client processes on the same server.
func figureHandshakes(t *testing.T) {
	cost := make(map[string]time.Duration)
	const turns, n = 3, 2048
	for range turns {
		for _, client := range figureClients {
			// A network for each: what the kernel leaves in TIME-WAIT holds ports.
			l, err := lab.New(t.Context(), lab.With(lab.Wide(lab.Service{Kind: lab.CryptoTLS})))
			check(t, err)
			task, _ := json.Marshal(figureTask{client, n, authority(t, l), lab.ServerName})
			cmd := l.Near().Command(os.Args[0], "-test.run", "^TestFigureClient$", "-test.v")
			cmd.Env = append(os.Environ(), figureVar+"="+string(task))
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s: %v\n%s", client, err, out)
			}
			l.Close()
			var each time.Duration
			for line := range splitLines(out) {
				if k, err := strconv.ParseInt(line, 10, 64); err == nil {
					each = time.Duration(k)
				}
			}
			if d, ok := cost[client]; !ok || each < d {
				cost[client] = each
			}
		}
	}
	theirs := cost["crypto/tls"]
	for _, c := range figureClients {
		fmt.Printf("client CPU per target, %-30s %8v, %.2f of net + crypto/tls in full; %.0f records per CPU-second\n",
			c, cost[c].Round(100*time.Nanosecond), float64(cost[c])/float64(theirs), 1/cost[c].Seconds())
	}
}

func splitLines(b []byte) func(func(string) bool) {
	return func(yield func(string) bool) {
		for len(b) > 0 {
			i := 0
			for i < len(b) && b[i] != '\n' {
				i++
			}
			if !yield(string(b[:i])) {
				return
			}
			b = b[min(i+1, len(b)):]
		}
	}
}

// authority is the CA that issued the servers' certificates, to be trusted.
// (The certificate itself would not do: what is trusted is not verified.)
func authority(t *testing.T, l *lab.Lab) []byte {
	papers, err := l.Papers()
	check(t, err)
	return papers.PKI.CA.Cert.Raw
}

func TestFigureClient(t *testing.T) {
	var task figureTask
	if text := os.Getenv(figureVar); text == "" || json.Unmarshal([]byte(text), &task) != nil {
		t.Skip("this is the client process of TestFigures")
	}
	roots := x509.NewCertPool()
	if c, err := x509.ParseCertificate(task.CA); err == nil {
		roots.AddCert(c)
	}
	if task.Client == "crypto/tls" {
		theirFigure(t, &task, roots)
		return
	}
	o := options(t, "443", "198.18.0.0/21")
	goal, known := strings.CutSuffix(task.Client, chainsKnown)
	o.Goal, _ = ParseGoal(goal)
	o.Name, o.MaxInFlight, o.Timeout = task.Name, 512, time.Minute
	o.Worker = &worker.Worker{Roots: roots, Parsed: new(worker.Parsed)}
	if known {
		o.Worker.Verdicts = new(worker.Verdicts)
	}
	o.TLS.CipherSuites = []tlsmsg.CipherSuite{tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	o.TLS.Groups = []tlsmsg.NamedGroup{tlsmsg.GroupSecp256r1}
	s, err := Open(t.Context(), o, NewOutput(io.Discard))
	check(t, err)
	before := cpu(unix.RUSAGE_SELF)
	stats, err := s.Run(t.Context(), t.Context())
	spent := cpu(unix.RUSAGE_SELF) - before
	check(t, err)
	if n := stats.Outcomes[outcomeIndex(goal)]; n != uint64(task.N) {
		t.Fatalf("%d of %d: %+v", n, task.N, stats)
	}
	fmt.Println(int64(spent) / int64(task.N))
}

func theirFigure(t *testing.T, task *figureTask, roots *x509.CertPool) {
	cfg := &tls.Config{RootCAs: roots, ServerName: task.Name, MaxVersion: tls.VersionTLS12, CurvePreferences: []tls.CurveID{tls.CurveP256},
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
	before := cpu(unix.RUSAGE_SELF)
	var wait sync.WaitGroup
	next := make(chan int)
	for range 32 {
		wait.Go(func() {
			for i := range next {
				c, err := tls.Dial("tcp", fmt.Sprintf("198.18.%d.%d:443", i>>8, i&255), cfg)
				if err != nil {
					t.Error(err)
					continue
				}
				c.Close()
			}
		})
	}
	for i := range task.N {
		next <- i
	}
	close(next)
	wait.Wait()
	fmt.Println(int64(cpu(unix.RUSAGE_SELF)-before) / int64(task.N))
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
		{"ClientHello sent", &fakeNet{}, GoalCertificate, 20000},
		{"certificates held", &fakeNet{flight: flight}, GoalFinished, 20000},
	} {
		o := fakeOptions(t, stage.n)
		o.Goal, o.MaxInFlight = stage.goal, stage.n
		l := fakeLoop(t, o, stage.net)
		before := heap()
		for l.window.len() < stage.n || stage.net.waiting() > 0 {
			l.now = l.instant()
			l.sendSYNs()
			check(t, l.receive(0))
		}
		stage.net.ready = nil
		used := heap() - before
		fmt.Printf("memory of one target, %-17s %6.0f bytes (%d in flight, %.1f MB)\n", stage.name, float64(used)/float64(stage.n), stage.n, float64(used)/1e6)
		runtime.KeepAlive(l)
	}
	var c conn
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
			best = min(best, (cpu(rusageThread)-before)/time.Duration(l.stats.Records))
			runtime.UnlockOSThread()
		}
		fmt.Printf("CPU of one target up to its certificate, no kernel, %6d in flight: %v\n", inFlight, best)
	}
}
