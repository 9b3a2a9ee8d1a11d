package guard

import (
	"errors"
	"fmt"
	"net/netip"
)

// A Kind of guard, as [Options.Kind] names it and [Guard.Kind] reports it.
type Kind string

// The kinds. An empty one stands for KindAuto.
const (
	KindAuto     Kind = "auto"     // the first that stands of listener, nftables and, where it can serve, tcx
	KindListener Kind = "listener" // a silent listening socket
	KindNFTables Kind = "nftables" // a rule that dies with us
	KindTCX      Kind = "tcx"      // a program before the kernel's IP that dies with us
	KindNone     Kind = "none"     // nothing: the kernel's RSTs go out
	KindUnneeded Kind = "unneeded" // only reported: the kernel would send none
)

var (
	// ErrPortInUse: another socket of this machine has the port.
	ErrPortInUse = errors.New("port in use")
	// ErrPermission: the process may not set up such a guard.
	ErrPermission = errors.New("not permitted")
	// ErrNoGuard: no guard of the kind asked for can be had here.
	ErrNoGuard = errors.New("there is no guard")
)

// A Shield is what every guard can say and do.
type Shield interface {
	// Kind is one of the constants above.
	Kind() Kind
	// Describe is one sentence about what stands, for a person, without a
	// final stop.
	Describe() string
	// Dropped is how often the guard has stepped in: inbound segments kept
	// from the kernel's TCP (listener, tcx), or RSTs dropped (nftables).
	Dropped() (n uint64, known bool)
	// Close takes the guard down and gives up what it holds.
	Close() error
}

// A Guard holds one port and keeps the kernel's RSTs back from it. It stands
// until it is closed, or its process ends.
type Guard interface {
	Shield
	// Local is the guarded address, with the port that was chosen if none was
	// asked for.
	Local() netip.AddrPort
}

// Options say what to guard.
type Options struct {
	Kind  Kind           // KindAuto if empty
	Local netip.AddrPort // our address; port 0 chooses a free one at random
	// Foreign says that Local is not an address of this machine. Its kernel
	// answers nothing that arrives there, so that any Kind comes to
	// KindUnneeded, which holds no port: nobody else knows of it either.
	Foreign bool
	// Interface and Beside are as in [RangeOptions].
	Interface string
	Beside    []string
}

// Open sets up a guard. When it returns, the guard stands.
//
// It fails with ErrPortInUse, with ErrPermission, or with the reasons why no
// guard of the kind asked for can be had.
func Open(o Options) (Guard, error) {
	if !o.Local.Addr().IsValid() {
		return nil, errors.New("a guard needs the local address")
	}
	kinds, err := kindsOf(o.Kind, o.Interface)
	if err != nil {
		return nil, err
	}
	if o.Foreign {
		return openUnneeded(o.Local)
	}
	p, err := holdPort(o.Local)
	if err != nil {
		return nil, err
	}
	var refusals []error
	for _, kind := range kinds {
		g, err := open(kind, p, o.taps())
		if err == nil {
			return g, nil
		}
		refusals = append(refusals, fmt.Errorf("%s guard: %w", kind, err))
	}
	p.close()
	return nil, fmt.Errorf("%w that keeps the kernel's RSTs from %v: %w", ErrNoGuard, p.local, errors.Join(refusals...))
}

// taps are the interfaces on which everything is received.
func (o Options) taps() []string { return append([]string{o.Interface}, o.Beside...) }

func open(kind Kind, p *port, taps []string) (Guard, error) {
	if kind == KindListener {
		l, err := openListener(p)
		if err != nil {
			return nil, err
		}
		return l, nil
	}
	g, err := openShield(kind, scopeOf(p.local), taps)
	if err != nil {
		return nil, err
	}
	return &onPort{Shield: g, port: p}, nil
}

// onPort is a guard, and the port that is held beside it.
type onPort struct {
	Shield
	port *port
}

func (g *onPort) Local() netip.AddrPort { return g.port.local }
func (g *onPort) Close() error {
	if err := g.port.close(); err != nil {
		return err
	}
	return g.Shield.Close()
}

// none lets the kernel speak.
type none struct{ scope scope }

func (none) Kind() Kind                      { return KindNone }
func (none) Dropped() (n uint64, known bool) { return 0, false }
func (none) Close() error                    { return nil }
func (g none) Describe() string {
	return fmt.Sprintf("no guard: the kernel answers what arrives at %v with RSTs", g.scope)
}

// unneeded is nothing but an address and port.
type unneeded struct{ local netip.AddrPort }

func openUnneeded(local netip.AddrPort) (Guard, error) {
	local = netip.AddrPortFrom(local.Addr().Unmap(), local.Port())
	if local.Port() == 0 {
		port, err := randomPort()
		if err != nil {
			return nil, err
		}
		local = netip.AddrPortFrom(local.Addr(), port)
	}
	return unneeded{local}, nil
}

func (unneeded) Kind() Kind                      { return KindUnneeded }
func (g unneeded) Local() netip.AddrPort         { return g.local }
func (unneeded) Dropped() (n uint64, known bool) { return 0, false }
func (unneeded) Close() error                    { return nil }
func (g unneeded) Describe() string {
	return fmt.Sprintf("no guard needed: %v is not an address of this machine, so its kernel answers nothing that arrives there", g.local.Addr())
}
