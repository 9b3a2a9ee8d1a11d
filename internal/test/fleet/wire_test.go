//go:build linux

package fleet

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A wire is what workers sent to the network that answers: when, by the kernel's clock,
// and from whom.
type wire struct {
	stop chan struct{}
	wait sync.WaitGroup
	mu   sync.Mutex
	sent []packet
}

type packet struct {
	at   time.Time
	from netip.Addr
}

// watch sees what reaches far from now on.
func (g *ground) watch(workers int) *wire {
	g.t.Helper()
	w := &wire{stop: make(chan struct{})}
	check(g.t, g.lab.Node("far").Do(func() error {
		for i := range workers {
			fd, err := tap(worker(i))
			if err != nil {
				return err
			}
			w.wait.Go(func() { w.read(fd) })
		}
		return nil
	}))
	g.t.Cleanup(func() {
		close(w.stop)
		w.wait.Wait()
	})
	return w
}

// tap is a socket that sees what an interface receives. The kernel stamps a packet as it
// takes it from the sender, however late it is read.
func tap(device string) (int, error) {
	dev, err := net.InterfaceByName(device)
	if err != nil {
		return -1, err
	}
	const ip = unix.ETH_P_IP>>8 | unix.ETH_P_IP&0xff<<8 // big endian, on a little-endian machine
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, ip)
	if err != nil {
		return -1, err
	}
	for _, err := range []error{
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 32<<20),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: ip, Ifindex: dev.Index}),
	} {
		if err != nil {
			unix.Close(fd)
			return -1, err
		}
	}
	return fd, nil
}

func (w *wire) read(fd int) {
	defer unix.Close(fd)
	b, oob := make([]byte, 2048), make([]byte, 256)
	for {
		n, control, _, _, err := unix.Recvmsg(fd, b, oob, 0)
		select {
		case <-w.stop:
			return
		default:
		}
		if err != nil { // nothing for a while
			continue
		}
		w.note(b[:n], oob[:control])
	}
}

// note takes a frame that holds TCP to the network that answers.
func (w *wire) note(b, control []byte) {
	if len(b) < 34 || binary.BigEndian.Uint16(b[12:]) != unix.ETH_P_IP || b[23] != unix.IPPROTO_TCP {
		return
	}
	from, _ := netip.AddrFromSlice(b[26:30])
	to, _ := netip.AddrFromSlice(b[30:34])
	if !netip.MustParsePrefix("198.18.0.0/16").Contains(to) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, packet{stamp(control), from})
}

// stamp is the time in a control message, or now.
func stamp(control []byte) time.Time {
	list, err := unix.ParseSocketControlMessage(control)
	for i := range list {
		if m := &list[i]; err == nil && m.Header.Type == unix.SO_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(unix.Timespec{})) {
			ts := (*unix.Timespec)(unsafe.Pointer(&m.Data[0]))
			return time.Unix(ts.Unix())
		}
	}
	return time.Now()
}

// all are the packets so far, by time.
func (w *wire) all() []packet {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := slices.Clone(w.sent)
	slices.SortFunc(list, func(a, b packet) int { return a.at.Compare(b.at) })
	return list
}

// most is the largest number of packets in any second.
func most(list []packet) (n int) {
	from := 0
	for i := range list {
		for list[i].at.Sub(list[from].at) >= time.Second {
			from++
		}
		n = max(n, i-from+1)
	}
	return n
}

// lastOf is when a worker's last packet was seen.
func lastOf(list []packet, from netip.Addr) (at time.Time) {
	for _, p := range list {
		if p.from == from {
			at = p.at
		}
	}
	return at
}

func TestMostCountsASecondAtAnyOffset(t *testing.T) {
	begin := time.Now()
	var list []packet
	for i := range 40 { // 10 a second, and 20 around the border of one
		list = append(list, packet{at: begin.Add(time.Duration(i) * 100 * time.Millisecond)})
	}
	if n := most(list); n != 10 {
		t.Errorf("%d", n)
	}
	for range 5 {
		list = append(list, packet{at: begin.Add(1950 * time.Millisecond)})
	}
	slices.SortFunc(list, func(a, b packet) int { return a.at.Compare(b.at) })
	if n := most(list); n != 15 {
		t.Errorf("%d", n)
	}
}
