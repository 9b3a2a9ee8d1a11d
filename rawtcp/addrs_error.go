// Why none of a name's addresses could be reached.

package rawtcp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// An Attempt is one address of a name, and why it could not be reached.
type Attempt struct {
	Remote netip.AddrPort
	Err    error
}

// An AddressesError says that no address of a name could be reached. It unwraps
// to the error of the last attempt that sent a SYN, which says most, or where none
// did, of the first. It is a net.Error.
type AddressesError struct {
	Host     string // empty: it is not said
	Attempts []Attempt
	telling  error
}

// Add adds an attempt, and reports whether its error is the one that tells most
// so far.
func (e *AddressesError) Add(remote netip.AddrPort, err error, sentSYN bool) (telling bool) {
	err = Cause(err)
	e.Attempts = append(e.Attempts, Attempt{remote, err})
	if telling = sentSYN || e.telling == nil; telling {
		e.telling = err
	}
	return telling
}

// Cause is an error without the operation and the addresses that a net.OpError
// names, for whoever names them beside it.
func Cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// Next says that the last address was in vain, and which is tried now.
func (e *AddressesError) Next(to netip.AddrPort) string {
	last := e.Attempts[len(e.Attempts)-1]
	return fmt.Sprintf("%v cannot be reached (%v): trying %v, the next address of %s", last.Remote.Addr(), last.Err, to.Addr(), e.host())
}

func (e *AddressesError) host() string {
	if e.Host == "" {
		return "the name"
	}
	return e.Host
}

// Error names the host, and each address that was tried with its error.
func (e *AddressesError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "none of the %d addresses of %s can be reached", len(e.Attempts), e.host())
	for _, a := range e.Attempts {
		fmt.Fprintf(&b, "; %v: %v", a.Remote.Addr(), a.Err)
	}
	return b.String()
}

// Unwrap returns the error of the address that tells most: the last one to which a SYN
// was sent, or else the first.
func (e *AddressesError) Unwrap() error { return e.telling }

// Timeout implements net.Error.
func (e *AddressesError) Timeout() bool { return errors.Is(e.telling, ErrTimeout) }

// Temporary implements net.Error, where it is deprecated.
func (e *AddressesError) Temporary() bool { return e.Timeout() }
