// A link with a long delay, over which latency shows as round trips.

package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
)

// wireDelay is how long the slow wire takes in one direction. A round trip
// over it outweighs everything else, so that a handshake's latency counts its
// round trips.
const wireDelay = 10 * time.Millisecond

// overSlowWire measures latency between two labs whose inner ends are joined
// by a slow wire: a client in the near node of one, the server in the far node
// of the other. Both labs have the same addresses, so neither notices.
func overSlowWire(ctx context.Context, p plan, t task, clientCPU, serverCPU int) (map[string]*report, error) {
	one, err := lab.New(ctx, lab.Isolated())
	if err != nil {
		return nil, err
	}
	defer one.Close()
	two, err := lab.New(ctx, lab.Isolated())
	if err != nil {
		return nil, err
	}
	defer two.Close()
	wire, err := joinSlowly(one.Far(), two.Near())
	if err != nil {
		return nil, err
	}
	defer wire.Close()
	if err := one.Near().AddAddress(ourSource); err != nil {
		return nil, err
	}
	if err := startServer(ctx, two.Far(), serverCPU, &t); err != nil {
		return nil, err
	}
	reports := make(map[string]*report)
	t.Handshakes, t.Warmup = p.slow, 1
	for _, role := range []string{roleTheirs, roleDialer, roleLoop} {
		t.entrant = entrant{role, 1}
		if reports[role], err = run(ctx, one.Near(), clientCPU, t); err != nil {
			return nil, err
		}
	}
	return reports, nil
}

// A slowWire carries frames between two interfaces, with a delay.
type slowWire struct {
	ends [2]*os.File
	wg   sync.WaitGroup
}

// joinSlowly keeps the two nodes' kernels from answering, and joins their
// interfaces.
func joinSlowly(a, b *lab.Node) (*slowWire, error) {
	w := &slowWire{}
	for i, n := range []*lab.Node{a, b} {
		err := n.Do(func() (err error) {
			w.ends[i], err = openEnd(n.Interface())
			return err
		})
		if err != nil {
			w.Close()
			return nil, fmt.Errorf("join %s: %w", n.Name(), err)
		}
	}
	w.wg.Go(func() { w.carry(w.ends[0], w.ends[1]) })
	w.wg.Go(func() { w.carry(w.ends[1], w.ends[0]) })
	return w, nil
}

// openEnd opens an interface for whole frames, with the header that tells
// which checksums and segments the sending kernel left to the hardware
// (PACKET_VNET_HDR): the receiving one is told the same.
func openEnd(name string) (*os.File, error) {
	dev, err := netlink.LinkByName(name)
	if err != nil {
		return nil, err
	}
	// An address would make this kernel answer for the host behind the wire.
	addrs, err := netlink.AddrList(dev, netlink.FAMILY_ALL)
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		if err := netlink.AddrDel(dev, &a); err != nil {
			return nil, err
		}
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	end := os.NewFile(uintptr(fd), name)
	for _, option := range []int{unix.PACKET_VNET_HDR, unix.PACKET_IGNORE_OUTGOING} {
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, option, 1); err != nil {
			end.Close()
			return nil, os.NewSyscallError("setsockopt", err)
		}
	}
	all := uint16(unix.ETH_P_ALL<<8 | unix.ETH_P_ALL>>8) // in network byte order, on any machine
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: dev.Attrs().Index}); err != nil {
		end.Close()
		return nil, os.NewSyscallError("bind", err)
	}
	return end, nil
}

// carry carries frames from one end to the other until the first is closed.
func (w *slowWire) carry(from, to *os.File) {
	buf := make([]byte, 1<<17) // a header and 64 KiB
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		frame := append([]byte(nil), buf[:n]...)
		// Frames sent at the same moment may overtake each other, which TCP
		// tolerates.
		time.AfterFunc(wireDelay, func() { to.Write(frame) })
	}
}

func (w *slowWire) Close() {
	for _, end := range w.ends {
		if end != nil {
			end.Close()
		}
	}
	w.wg.Wait()
}
