package guard

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// listener is the guard that is a silent listening socket.
type listener struct {
	*port
	filtered bool // by a socket filter, not only by its least TTL
}

// openListener makes the held port's socket listen, and deaf before that.
func openListener(p *port) (Guard, error) {
	filterErr := dropAll(p.fd)
	level, option, name := p.leastTTL()
	ttlErr := unix.SetsockoptInt(p.fd, level, option, maxTTL)
	if filterErr != nil && ttlErr != nil {
		return nil, fmt.Errorf("the kernel refuses both a socket filter (%w) and %s (%w)", filterErr, name, ttlErr)
	}
	if err := unix.Listen(p.fd, 1); err != nil {
		if errors.Is(err, unix.EADDRINUSE) {
			return nil, fmt.Errorf("%w: another socket listens on %v", ErrPortInUse, p.local)
		}
		return nil, os.NewSyscallError("listen", err)
	}
	return &listener{port: p, filtered: filterErr == nil}, nil
}

// leastTTL is the socket option that has segments with a lower TTL, or hop
// limit, discarded.
func (p *port) leastTTL() (level, option int, name string) {
	if p.local.Addr().Is4() {
		return unix.SOL_IP, unix.IP_MINTTL, "IP_MINTTL"
	}
	return unix.SOL_IPV6, unix.IPV6_MINHOPCOUNT, "IPV6_MINHOPCOUNT"
}

// maxTTL is the largest TTL that an IP header can carry.
const maxTTL = 255

// dropAll attaches a filter that keeps no byte of any segment.
func dropAll(fd int) error {
	code, err := bpf.Assemble([]bpf.Instruction{bpf.RetConstant{Val: 0}})
	if err != nil {
		return err
	}
	ret := unix.SockFilter{Code: code[0].Op, K: code[0].K}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &ret})
}

func (g *listener) Kind() string { return KindListener }

func (g *listener) Describe() string {
	if g.filtered {
		return fmt.Sprintf("a listening socket of ours on %v, whose filter drops every segment before the kernel's TCP answers it", g.local)
	}
	_, _, name := g.leastTTL()
	return fmt.Sprintf("a listening socket of ours on %v with %s %d: a peer whose segments arrive with TTL %d still draws a RST", g.local, name, maxTTL, maxTTL)
}

// Dropped reads how many segments the socket has discarded.
func (g *listener) Dropped() (n uint64, known bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var info [skMeminfoVars]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(g.fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 || size < (skMeminfoDrops+1)*4 {
		return 0, false
	}
	return uint64(info[skMeminfoDrops]), true
}

// Places in what SO_MEMINFO returns (linux/sock_diag.h).
const (
	skMeminfoDrops = 8
	skMeminfoVars  = 9
)

func (g *listener) Close() error { return g.close() }
