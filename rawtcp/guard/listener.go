// The guard that is a silent listening socket.

package guard

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// listener guards one port.
type listener struct {
	*port
	filtered bool // by a socket filter, not only by its minimum TTL
}

// openListener makes the held port's socket drop everything, and then listen.
func openListener(p *port) (*listener, error) {
	filterErr := dropAll(p.fd)
	level, option, name := minTTL(p.local.Addr())
	ttlErr := unix.SetsockoptInt(p.fd, level, option, maxTTL)
	if filterErr != nil && ttlErr != nil {
		return nil, fmt.Errorf("the kernel refuses both a socket filter (%w) and %s (%w)", filterErr, name, ttlErr)
	}
	if err := unix.Listen(p.fd, listenQueue); err != nil {
		if errors.Is(err, unix.EADDRINUSE) {
			return nil, fmt.Errorf("%w: another socket listens on %v", ErrPortInUse, p.local)
		}
		return nil, os.NewSyscallError("listen", err)
	}
	return &listener{port: p, filtered: filterErr == nil}, nil
}

// minTTL returns the socket option that discards segments with a lower TTL, or
// hop limit.
func minTTL(a netip.Addr) (level, option int, name string) {
	if a.Is4() {
		return unix.SOL_IP, unix.IP_MINTTL, "IP_MINTTL"
	}
	return unix.SOL_IPV6, unix.IPV6_MINHOPCOUNT, "IPV6_MINHOPCOUNT"
}

// listenQueue is how many connections may wait; none ever gets that far. So
// short a queue is rare, and [Find] recognizes the guard by it.
const listenQueue = 1

// maxTTL is the largest TTL that an IP header can carry.
const maxTTL = 255

// dropAll attaches a filter that drops every segment.
func dropAll(fd int) error {
	code, err := bpf.Assemble([]bpf.Instruction{bpf.RetConstant{Val: 0}})
	if err != nil {
		return err
	}
	ret := unix.SockFilter{Code: code[0].Op, K: code[0].K}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &ret})
}

func (g *listener) Kind() Kind { return KindListener }

func (g *listener) Describe() string {
	if g.filtered {
		return fmt.Sprintf("a listening socket of ours on %v, whose filter drops every segment before the kernel's TCP answers it", g.local)
	}
	_, _, name := minTTL(g.local.Addr())
	return fmt.Sprintf("a listening socket of ours on %v with %s %d: a peer whose segments arrive with TTL %d still draws a RST", g.local, name, maxTTL, maxTTL)
}

// Dropped reads how many segments the socket has discarded.
func (g *listener) Dropped() (n uint64, known bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return socketDrops(g.fd)
}

func socketDrops(fd int) (n uint64, known bool) {
	var info [skMeminfoVars]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 || size < (skMeminfoDrops+1)*4 {
		return 0, false
	}
	return uint64(info[skMeminfoDrops]), true
}

// Indices into what SO_MEMINFO returns (linux/sock_diag.h).
const (
	skMeminfoDrops = 8
	skMeminfoVars  = 9
)

func (g *listener) Close() error { return g.close() }

// listeners guards a range, with a silent socket for each port.
type listeners struct {
	scope scope
	each  []*listener
}

func openListeners(s scope) (Range, error) {
	held, err := holdAll(s)
	if err != nil {
		return nil, err
	}
	g := &listeners{scope: s}
	for _, p := range held {
		l, err := openListener(p)
		if err != nil {
			return nil, errors.Join(err, held.close())
		}
		g.each = append(g.each, l)
	}
	return g, nil
}

func (g *listeners) Kind() Kind                  { return KindListener }
func (g *listeners) Ports() (first, last uint16) { return g.scope.first, g.scope.last }

func (g *listeners) Describe() string {
	l := g.each[0]
	if l.filtered {
		return fmt.Sprintf("%d listening sockets of ours on %v, whose filters drop every segment before the kernel's TCP answers it", len(g.each), g.scope)
	}
	return fmt.Sprintf("%d listening sockets of ours on %v that take a TTL of %d only: a peer whose segments arrive with that still draws a RST", len(g.each), g.scope, maxTTL)
}

func (g *listeners) Dropped() (n uint64, known bool) {
	for _, l := range g.each {
		one, ok := l.Dropped()
		if !ok {
			return 0, false
		}
		n += one
	}
	return n, true
}

func (g *listeners) Close() error {
	var errs []error
	for _, l := range g.each {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}
