// News from the kernel that its routing has changed.

package route

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// A Watch notices that this machine's interfaces, addresses, routes or rules
// have changed. It says no more than that: call Find or ReadBorders again.
type Watch struct{ fd int }

// watched are the kernel's multicast groups (rtnetlink(7)).
var watched = []int{unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV4_RULE,
	unix.RTNLGRP_IPV6_IFADDR, unix.RTNLGRP_IPV6_ROUTE, unix.RTNLGRP_IPV6_RULE}

// OpenWatch begins to watch this network namespace. It needs no privilege.
func OpenWatch() (*Watch, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, os.NewSyscallError("watch this machine's routes: socket", err)
	}
	at := unix.SockaddrNetlink{Family: unix.AF_NETLINK}
	for _, group := range watched {
		at.Groups |= 1 << (group - 1)
	}
	if err := unix.Bind(fd, &at); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("watch this machine's routes: bind", err)
	}
	return &Watch{fd}, nil
}

// Changed reports whether something has changed since the last call, or since
// the watch was opened. It does not wait.
func (w *Watch) Changed() (changed bool) {
	var b [1]byte // the rest of each message is thrown away
	for {
		_, _, err := unix.Recvfrom(w.fd, b[:], 0)
		switch {
		case err == nil, errors.Is(err, unix.ENOBUFS): // more news than there was room for
			changed = true
		case !errors.Is(err, unix.EINTR):
			return changed
		}
	}
}

// Close ends the watch.
func (w *Watch) Close() error { return unix.Close(w.fd) }
