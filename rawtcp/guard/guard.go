// The guard of one port: its kinds, its options, and opening one.

package guard

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/rawshake/rawshake/rawtcp/link"
)

// A Kind names a kind of guard, in [Options.Kind] and from [Shield.Kind].
type Kind string

// The kinds of guard. The empty string stands for KindAuto.
const (
	KindAuto     Kind = "auto"     // the first that works of listener, nftables and, where it can serve, tcx
	KindListener Kind = "listener" // a silent listening socket
	KindNFTables Kind = "nftables" // a rule that dies with us
	KindTCX      Kind = "tcx"      // a program before the kernel's IP that dies with us
	KindNone     Kind = "none"     // nothing: the kernel's RSTs go out
	KindUnneeded Kind = "unneeded" // only reported: the kernel would send none
)

var (
	// ErrPortInUse says that another socket of this machine has the port.
	ErrPortInUse = errors.New("port in use")
	// ErrPermission says that the process may not set up such a guard. It is the
	// same as link's and rawtcp's; the error is a *PermissionError.
	ErrPermission = link.ErrPermission
	// ErrNoGuard says that a guard of the requested kind is not possible here.
	ErrNoGuard = errors.New("there is no guard")
	// ErrNoProc says that /proc is missing, which loading BPF programs needs.
	ErrNoProc = link.ErrNoProc
)

// A Shield is what every guard has: a kind, a description, a counter and Close.
type Shield interface {
	// Kind returns one of the constants of type Kind.
	Kind() Kind
	// Describe returns one sentence about the guard for a person, without a
	// final full stop.
	Describe() string
	// Dropped returns how often the guard has acted, and whether that is known:
	// inbound segments kept from the kernel's TCP (listener, tcx), or RSTs
	// dropped (nftables).
	Dropped() (n uint64, known bool)
	// Close takes the guard down and frees what it holds.
	Close() error
}

// A Guard holds one port and keeps the kernel's RSTs away from it, until it is
// closed or its process ends.
type Guard interface {
	Shield
	// Local returns the guarded address, with the port that was chosen if none
	// was given.
	Local() netip.AddrPort
}

// Options say which port to guard, and how.
type Options struct {
	Kind  Kind           // KindAuto if empty
	Local netip.AddrPort // our address; port 0 chooses a free one at random
	// Foreign says that Local is not an address of this machine. The kernel
	// answers nothing that arrives for it, so that every Kind becomes
	// KindUnneeded, which holds no port: no socket of this machine can have it.
	Foreign bool
	// Interface and Beside are as in [RangeOptions].
	Interface string
	Beside    []string
}

// Open sets up a guard, which is in effect when Open returns.
//
// It fails with ErrPortInUse, ErrPermission or ErrNoGuard, and says why no
// guard of the requested kind is possible.
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

// taps returns the interfaces on which everything is received by AF_PACKET.
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

// onPort is a guard together with the port that it holds.
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

// none lets the kernel's RSTs pass.
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
