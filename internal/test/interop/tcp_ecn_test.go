package interop

import (
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/test/badlink"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Options of the kernel's TCP_INFO (linux/tcp.h).
const (
	infoECN     = 8  // agreed on
	infoECNSeen = 16 // an ECN-capable packet has arrived
)

// The kernel agrees to classic ECN, whichever kind we ask for, and each side tells the
// other of the marks that a router between them sets, and slows down for them.
func TestTransfersOverARouterThatMarks(t *testing.T) {
	for _, mode := range []wire.ECNMode{wire.ECNClassic, wire.ECNAccurate} {
		for _, family := range families {
			for _, ours := range []string{"sends", "receives"} {
				t.Run(mode.String()+"/"+family.name+"/ours="+ours, func(t *testing.T) {
					together(t)
					overMarks(t, mode, family.name == "IPv6", ours == "sends")
				})
			}
		}
	}
}

func overMarks(t *testing.T, mode wire.ECNMode, six, oursSends bool) {
	l := newLab(t)
	offloadsOff(t, l.Near())
	offloadsOff(t, l.Far())
	sysctl(t, l.Far(), "net/ipv4/tcp_ecn", "1")
	sysctl(t, l.Far(), "net/ipv4/tcp_congestion_control", "reno")
	addr := l.Far().Addr()
	if six {
		addr = l.Far().Addr6()
	}
	p := passage{badlink.Impairment{Seed: 1, Delay: time.Millisecond, Mark: 0.02}, 1 << 20, 0, mode}
	ours, kernels, events := impairedPair(t, l, addr, p)
	from, to := ours, kernels
	if !oursSends {
		from, to = kernels, ours
	}
	sent := make(chan error, 1)
	go func() { sent <- send(from, p.size) }()
	if err := compare(to, p.size); err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err != nil {
		t.Errorf("sending: %v", err)
	}
	var agreed, marked, mangled int
	ours.(*rawtcp.Conn).Do(func(tcb.Instant) {
		agreed, marked, mangled = events.counts["ecn_agreed"], events.counts["congestion_marked"], events.counts["ecn_mangled"]
	})
	info := kernelInfo(t, kernels)
	if agreed != 1 || mangled != 0 || info.Options&infoECN == 0 {
		t.Errorf("%d times agreed, %d mangled, and the kernel's options are %#x", agreed, mangled, info.Options)
	}
	if oursSends && (info.Options&infoECNSeen == 0 || marked == 0) {
		t.Errorf("we were told of marks %d times; the kernel's options are %#x", marked, info.Options)
	}
	if !oursSends && info.Delivered_ce == 0 {
		t.Error("the kernel was told of no mark")
	}
}

func kernelInfo(t *testing.T, c net.Conn) (info *unix.TCPInfo) {
	t.Helper()
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.SOL_TCP, unix.TCP_INFO) })
	if err != nil {
		t.Fatal(err)
	}
	return info
}
