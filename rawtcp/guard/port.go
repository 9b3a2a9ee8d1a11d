// Which port a guard holds, and how: a bound socket.

package guard

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// A port is held by a bound socket that does not listen. To the kernel's TCP
// the port is closed; the socket only keeps others from binding it.
type port struct {
	local netip.AddrPort

	mu sync.Mutex
	fd int // -1 once closed
}

// Local returns the address and port that are held.
func (p *port) Local() netip.AddrPort { return p.local }

func (p *port) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fd < 0 {
		return os.ErrClosed
	}
	err := unix.Close(p.fd)
	p.fd = -1
	return os.NewSyscallError("close", err)
}

// attempts bounds the search for a free port. With every second port taken,
// one search in 10^19 fails.
const attempts = 64

// holdPort binds local, or a random free port of its address if its port is 0
// (RFC 6056, section 3.3.1: algorithm 1, but with a new random number for each
// attempt, and a bound).
func holdPort(local netip.AddrPort) (*port, error) {
	local = netip.AddrPortFrom(local.Addr().Unmap(), local.Port())
	if local.Port() != 0 {
		return bindPort(local)
	}
	for range attempts {
		n, err := randomPort()
		if err != nil {
			return nil, err
		}
		p, err := bindPort(netip.AddrPortFrom(local.Addr(), n))
		if err == nil || !errors.Is(err, ErrPortInUse) {
			return p, err
		}
	}
	low, high, _ := ephemeralRange()
	return nil, fmt.Errorf("%w: %d random ones of %d to %d on %v were; widen net.ipv4.ip_local_port_range or name a source port",
		ErrPortInUse, attempts, low, high, local.Addr())
}

// randomPort chooses a port from the kernel's ephemeral range.
func randomPort() (uint16, error) {
	low, high, err := ephemeralRange()
	if err != nil {
		return 0, err
	}
	n, err := rand.Int(rand.Reader, big.NewInt(int64(high-low)+1))
	if err != nil {
		return 0, err
	}
	return low + uint16(n.Int64()), nil
}

func bindPort(local netip.AddrPort) (*port, error) {
	domain, at, err := sockaddr(local)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if domain == unix.AF_INET6 { // "::" must leave IPv4 to others
		err = unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_V6ONLY, 1)
	}
	if err == nil {
		err = unix.Bind(fd, at)
	}
	if err != nil {
		unix.Close(fd)
		return nil, bindError(local, err)
	}
	return &port{fd: fd, local: local}, nil
}

// sockaddr returns an address as bind takes it, with its zone as a number.
func sockaddr(a netip.AddrPort) (domain int, at unix.Sockaddr, err error) {
	if a.Addr().Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}, nil
	}
	six := &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
	if zone := a.Addr().Zone(); zone != "" {
		dev, err := net.InterfaceByName(zone)
		if err != nil {
			return 0, nil, fmt.Errorf("hold %v: there is no interface %q (ip link lists them): %w", a, zone, err)
		}
		six.ZoneId = uint32(dev.Index)
	}
	return unix.AF_INET6, six, nil
}

func bindError(local netip.AddrPort, err error) error {
	switch err {
	case unix.EADDRINUSE:
		return fmt.Errorf("%w: %v (ss -tanp shows by whom); choose another source port, or none", ErrPortInUse, local)
	case unix.EADDRNOTAVAIL:
		return fmt.Errorf("hold %v: that is not an address of this machine (ip addr lists them): %w", local, err)
	case unix.EACCES:
		return fmt.Errorf("hold %v: %w", local, &PermissionError{"ports below net.ipv4.ip_unprivileged_port_start need the capability CAP_NET_BIND_SERVICE", err})
	}
	return fmt.Errorf("hold %v: %w", local, os.NewSyscallError("bind", err))
}

// portRange is where the kernel keeps its ephemeral range, for both IPv4 and
// IPv6.
const portRange = "/proc/sys/net/ipv4/ip_local_port_range"

// EphemeralPorts returns the first and last port that the kernel gives to its
// own connections.
func EphemeralPorts() (low, high uint16, err error) { return ephemeralRange() }

// ephemeralRange reads the range, or falls back on RFC 6335's dynamic ports
// (section 6) if /proc is missing.
func ephemeralRange() (low, high uint16, err error) {
	text, err := os.ReadFile(portRange)
	if err != nil {
		return 49152, 65535, nil
	}
	if _, err := fmt.Sscan(string(text), &low, &high); err != nil || low == 0 || low > high {
		return 0, 0, fmt.Errorf("%s: %q is not a range of ports", portRange, strings.TrimSpace(string(text)))
	}
	return low, high, nil
}
