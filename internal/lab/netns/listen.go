// Sockets of the standard library in a namespace.

package netns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Listen announces on an address of the namespace, which must be a literal one.
func (s *Space) Listen(c net.ListenConfig, network, address string) (ln net.Listener, err error) {
	err = s.Do(func() (err error) {
		ln, err = c.Listen(context.Background(), network, address)
		return err
	})
	return ln, err
}

// ListenPacket is [Space.Listen] for packet sockets.
func (s *Space) ListenPacket(network, address string) (c net.PacketConn, err error) {
	err = s.Do(func() (err error) {
		c, err = net.ListenPacket(network, address)
		return err
	})
	return c, err
}

// Dial connects from the namespace, through the kernel's TCP, to a literal
// address.
func (s *Space) Dial(ctx context.Context, network, address string) (c net.Conn, err error) {
	err = s.Do(func() (err error) {
		var d net.Dialer
		c, err = d.DialContext(ctx, network, address)
		return err
	})
	return c, err
}

// AwaitListener waits until something listens on a literal TCP address of the
// namespace, without connecting to it: an external server says "ready" in its
// own way, if at all. The port is taken as soon as the server holds it.
func (s *Space) AwaitListener(ctx context.Context, address string) error {
	want, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	for {
		listens := false
		if err := s.Do(func() (err error) {
			listens, err = listening(want)
			return err
		}); err != nil {
			return fmt.Errorf("lab: look for a listener on %s: %w", want, err)
		}
		if listens {
			return nil
		}
		select {
		case <-time.After(listenerPoll):
		case <-ctx.Done():
			return fmt.Errorf("lab: nobody listens on %s: %w", want, context.Cause(ctx))
		}
	}
}

const listenerPoll = 5 * time.Millisecond

// listening asks the kernel (sock_diag) for a listener in the calling thread's
// namespace, on the address or on all.
func listening(want netip.AddrPort) (bool, error) {
	const tcpListen = 10 // TCP_LISTEN, include/net/tcp_states.h
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		socks, err := netlink.SocketDiagTCP(family)
		if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) { // what it had is good
			return false, err
		}
		for _, s := range socks {
			at, _ := netip.AddrFromSlice(s.ID.Source)
			at = at.Unmap()
			if s.State == tcpListen && s.ID.SourcePort == want.Port() && (at == want.Addr() || at.IsUnspecified()) {
				return true, nil
			}
		}
	}
	return false, nil
}
