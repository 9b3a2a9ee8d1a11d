package lab

import (
	"net"
	"net/netip"
	"sync"

	"github.com/rawshake/rawshake/internal/lab/pki"
)

// An acceptor is what every server here begins with: a listener, if it has one
// of its own, and the connections that came by it.
type acceptor struct {
	ln    net.Listener
	conns connSet
	wg    sync.WaitGroup
}

// accept takes connections from a listener, which it owns from now on, and
// gives each to talk in a goroutine of its own.
func (a *acceptor) accept(ln net.Listener, talk func(net.Conn)) {
	a.ln = ln
	a.wg.Go(func() { serve(ln, &a.conns, talk) })
}

// Addr is where the server listens.
func (a *acceptor) Addr() netip.AddrPort { return addrPort(a.ln.Addr()) }

// stop ends the listener and the connections, and waits for the last.
func (a *acceptor) stop() error {
	var err error
	if a.ln != nil {
		err = a.ln.Close()
	}
	a.conns.closeAll()
	a.wg.Wait()
	return err
}

// certificates makes what a server shows at its listener's address and at
// these, unless it was given some.
func certificates(given *pki.PKI, o pki.Options, ln net.Listener, addresses []netip.Addr) (*pki.PKI, error) {
	if given != nil {
		return given, nil
	}
	o.Addresses = append(addresses, addrPort(ln.Addr()).Addr())
	return pki.New(o)
}
