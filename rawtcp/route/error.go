// Why there is no route, in words.

package route

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// ErrNoRoute says that this machine has no route to the remote.
var ErrNoRoute = errors.New("no route")

// refusals are the kernel's errors for the types of routes and rules that
// refuse packets, by their names in ip-route(8).
var refusals = map[unix.Errno]string{
	unix.EINVAL:       "a blackhole route or rule throws away what is sent there",
	unix.EACCES:       "a rule or route forbids it (prohibit)",
	unix.EHOSTUNREACH: "a rule or route forbids it (unreachable)",
}

// routeError says what is missing where the kernel refuses a route.
func routeError(remote netip.Addr, via Via, err error) error {
	if via.Source.IsValid() && !ownAddress(via.Source) {
		return fmt.Errorf("%w to %v from %v: that is not an address of this machine (ip addr lists them): %w", ErrNoRoute, remote, via.Source, err)
	}
	var errno unix.Errno
	errors.As(err, &errno)
	if why, ok := refusals[errno]; ok {
		return &refusedRoute{fmt.Sprintf("%v to %v: %s; see: ip rule; ip route get %v", ErrNoRoute, remote, why, remote), err}
	}
	return fmt.Errorf("%w to %v: %w; add one with: ip route add %v via GATEWAY", ErrNoRoute, remote, err, remote)
}

// A refusedRoute says in words what the kernel's error number means.
type refusedRoute struct {
	text string
	err  error
}

func (e *refusedRoute) Error() string   { return e.text }
func (e *refusedRoute) Unwrap() []error { return []error{ErrNoRoute, e.err} }
