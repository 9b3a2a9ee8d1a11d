package lab

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
	PKI   *pki.PKI // nil without TLS
	board switchboard
}

// A ServiceError is that of a service, or of an address for one, that is none.
type ServiceError struct{ Err error }

func (e *ServiceError) Error() string { return e.Err.Error() }
func (e *ServiceError) Unwrap() error { return e.Err }

// Serve starts a service at an address, "host:port". The certificate is for
// [ServerName], this machine's name, "localhost", and its addresses; the CA is new.
func Serve(ctx context.Context, s Service, address string) (*Standalone, error) {
	local, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, &ServiceError{fmt.Errorf("serve at %q: %w", address, err)}
	}
	s.Port = uint16(local.Port)
	if err := s.check(); err != nil {
		return nil, &ServiceError{err}
	}
	a := &Standalone{}
	lc := net.ListenConfig{Control: receiveBuffer(s.ReceiveBuffer)}
	t := talker(simple(hangup))
	switch s.Kind {
	case Silent:
		lc.Control = deaf
	case Closed, Unreachable, Command:
		return nil, &ServiceError{fmt.Errorf("kind %s is the network's or another program's: it cannot be served alone", s.Kind)}
	default:
		if t, err = newTalker(s, func() (*pki.PKI, error) { return a.certificates(s) }); err != nil {
			return nil, err
		}
	}
	ln, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		_ = t.Close()
		return nil, fmt.Errorf("serve at %s: %w", address, err)
	}
	a.board.add(nil, t)
	a.board.accept(ln, a.board.talk)
	return a, nil
}

func (a *Standalone) certificates(s Service) (*pki.PKI, error) {
	o := pki.Options{ServerKey: s.Key, ClientKey: s.Key, Fault: s.Fault, Local: true}
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

// Addr is where it listens.
func (a *Standalone) Addr() netip.AddrPort { return a.board.Addr() }

// Close ends the service and its connections.
func (a *Standalone) Close() error { return a.board.Close() }
