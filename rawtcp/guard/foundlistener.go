// Listener guards of other processes, found by their short queue and their
// minimum TTL.

package guard

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Anybody can see the queue, by sock_diag; for the minimum TTL the socket
// itself is needed, borrowed from its process.

func findListeners() ([]Found, error) {
	candidates := make(map[uint32]netip.AddrPort) // by inode
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		socks, err := netlink.SocketDiagTCP(family)
		if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
			return nil, fmt.Errorf("list listening sockets: %w", err)
		}
		for _, s := range socks {
			a, ok := netip.AddrFromSlice(s.ID.Source)
			if ok && s.State == tcpListen && s.WQueue == listenQueue {
				candidates[s.INode] = netip.AddrPortFrom(a.Unmap(), s.ID.SourcePort)
			}
		}
	}
	if len(candidates) == 0 {
		return nil, nil
	}
	return merge(examine(candidates)), nil
}

const tcpListen = 10 // TCP_LISTEN, include/net/tcp_states.h

// examine looks for the candidates among all processes' descriptors.
func examine(candidates map[uint32]netip.AddrPort) (list []Found) {
	eachDescriptor(func(pid, fd int, target string) {
		at, ok := candidates[socketInode(target)]
		if !ok {
			return
		}
		if dropped, isGuard := borrow(pid, fd, at.Addr()); isGuard {
			list = append(list, Found{Kind: KindListener, Addrs: specific(at.Addr()), First: at.Port(), Last: at.Port(),
				PID: pid, Owner: commandOf(pid), Dropped: dropped, Known: true})
		}
	})
	return list
}

// eachDescriptor calls f for each descriptor of all processes that we may look
// at, with the target of its link.
func eachDescriptor(f func(pid, fd int, target string)) {
	dirs, _ := filepath.Glob("/proc/[0-9]*/fd")
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // gone, or another user's
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		for _, e := range entries {
			target, err := os.Readlink(filepath.Join(dir, e.Name()))
			if err != nil {
				continue
			}
			fd, _ := strconv.Atoi(e.Name())
			f(pid, fd, target)
		}
	}
}

// specific returns an address as a scope has it: none for the wildcard.
func specific(a netip.Addr) []netip.Addr {
	if a.IsUnspecified() {
		return nil
	}
	return []netip.Addr{a}
}

// socketInode returns the inode of a descriptor that is a socket, else 0.
func socketInode(target string) uint32 {
	text, ok := strings.CutPrefix(target, "socket:[")
	if !ok {
		return 0
	}
	n, _ := strconv.ParseUint(strings.TrimSuffix(text, "]"), 10, 32)
	return uint32(n)
}

// borrow finds out whether a socket of another process is a guard, and what it
// has dropped.
func borrow(pid, fd int, a netip.Addr) (dropped uint64, isGuard bool) {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return 0, false
	}
	defer unix.Close(pidfd)
	sock, err := unix.PidfdGetfd(pidfd, fd, 0)
	if err != nil {
		return 0, false
	}
	defer unix.Close(sock)
	level, option, _ := minTTL(a)
	if ttl, err := unix.GetsockoptInt(sock, level, option); err != nil || ttl != maxTTL {
		return 0, false
	}
	dropped, _ = socketDrops(sock)
	return dropped, true
}

// merge joins the sockets of one process on adjacent ports into one Found.
func merge(list []Found) (merged []Found) {
	slices.SortFunc(list, func(a, b Found) int {
		if a.PID != b.PID {
			return a.PID - b.PID
		}
		if c := slices.CompareFunc(a.Addrs, b.Addrs, netip.Addr.Compare); c != 0 {
			return c
		}
		return int(a.First) - int(b.First)
	})
	for _, f := range list {
		if n := len(merged) - 1; n >= 0 {
			m := &merged[n]
			if m.PID == f.PID && slices.Equal(m.Addrs, f.Addrs) && f.First <= m.Last+1 {
				if f.First > m.Last { // else it is the wildcard of the other family
					m.Last = f.First
				}
				m.Dropped += f.Dropped
				continue
			}
		}
		merged = append(merged, f)
	}
	return merged
}
