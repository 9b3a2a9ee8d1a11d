// One service on this machine itself, for `lab serve`.

package service

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/rawshake/rawshake/internal/lab/pki"
)

// A Standalone is one service on this machine itself, outside any lab: for a
// container whose network somebody else makes.
type Standalone struct {
	PKI *pki.PKI // nil without TLS
	*Port
}

// An Error is that of a service, or of an address for one, that is none.
type Error struct{ Err error }

// Error says what is wrong.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap is what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// Serve starts a service at an address, "host:port". The certificate is for
// [pki.ServerName], this machine's name, "localhost", and its addresses; the CA is
// new. A service that is none is an [*Error].
func Serve(ctx context.Context, s Service, address string) (*Standalone, error) {
	local, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, &Error{fmt.Errorf("serve at %q: %w", address, err)}
	}
	s.Port = uint16(local.Port)
	if err := s.Check(); err != nil {
		return nil, &Error{err}
	}
	if s.Kind == Closed || s.Kind == Unreachable || s.Kind == Command {
		return nil, &Error{fmt.Errorf("kind %s is the network's or another program's: it cannot be served alone", s.Kind)}
	}
	a := &Standalone{}
	if a.Port, err = Start(func(c net.ListenConfig) (net.Listener, error) {
		ln, err := c.Listen(ctx, "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("serve at %s: %w", address, err)
		}
		return ln, nil
	}, []Service{s}, a.certificates); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Standalone) certificates(s Service) (*pki.PKI, error) {
	o := pki.Options{ServerKey: s.Key, ClientKey: s.Key, Fault: s.Fault, ECH: s.ECH, Local: true}
	if name, err := os.Hostname(); err == nil {
		o.Names = []string{name}
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	for _, n := range own {
		if ip, ok := n.(*net.IPNet); ok {
			if addr, ok := netip.AddrFromSlice(ip.IP); ok {
				o.Addresses = append(o.Addresses, addr.Unmap())
			}
		}
	}
	a.PKI, err = pki.New(o)
	return a.PKI, err
}
