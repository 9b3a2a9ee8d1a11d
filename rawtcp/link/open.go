// Opening a link: its kinds, its options, its errors.

package link

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/rawshake/rawshake/rawtcp/route"
	"golang.org/x/sys/unix"
)

// A Kind names a kind of link, in [Options.Kind] and from [Link.Kind].
type Kind string

// The kinds of link. The empty string stands for KindAuto.
const (
	KindAuto   Kind = "auto" // raw where the remote is this machine or under an IPsec policy, else packet
	KindPacket Kind = "packet"
	KindRaw    Kind = "raw"
	KindXDP    Kind = "xdp"  // a Ring only
	KindTUN    Kind = "tun"  // only reported: see OpenTUN
	KindPipe   Kind = "pipe" // only reported: see Pipe
)

var (
	// ErrPermission: the process may not open such a socket. The text names
	// the capability; the error also wraps the system's. It is the same as
	// guard's and rawtcp's, and errors.Is finds os.ErrPermission in it.
	ErrPermission error = notPermitted{}
	// ErrNoNeighbour says that the next hop does not answer on its link.
	ErrNoNeighbour = errors.New("no answer from the next hop")
	// ErrFiltered says that this machine itself does not let a packet out.
	ErrFiltered = errors.New("refused by this machine itself")
)

// Options say which link to open.
type Options struct {
	Kind Kind // KindAuto if empty
	Flow Flow // what is ours; see Flow for the wildcards
	// Route is where packets for Flow.Remote go, from route.Find. The zero
	// Route is looked up.
	Route route.Route
}

// Open opens a link of the kind o.Kind, filtered for o.Flow: from its return
// on, every packet of the flow that arrives is kept for Receive. The context
// bounds the search for the next hop's link-layer address.
//
// It fails with ErrPermission, ErrNoRoute or ErrNoNeighbour.
func Open(ctx context.Context, o Options) (Link, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	switch o.Kind {
	case KindPacket:
		return OpenPacket(ctx, o)
	case KindRaw:
		return OpenRaw(ctx, o)
	}
	return nil, fmt.Errorf("unknown kind of link %q: there are %s, %s and %s", o.Kind, KindAuto, KindPacket, KindRaw)
}

// complete checks the options and fills in what they leave open.
func (o Options) complete() (Options, error) {
	f, err := o.Flow.check()
	if err != nil {
		return o, err
	}
	zone := o.Flow.Remote.Addr().Zone()
	o.Flow = f
	if o.Route == (route.Route{}) {
		r, err := route.Find(o.Flow.Remote.Addr().WithZone(zone), route.Via{Source: o.Flow.Local.Addr()})
		if err != nil {
			return o, err
		}
		o.Route = r
	}
	o.Kind = ChooseKind(o.Kind, o.Route, o.Flow.Remote)
	return o, nil
}

// ChooseKind returns the kind of link that auto means, for a remote and its
// route. Packets for this machine itself need the raw link, since only the
// kernel can carry them. So do packets that an IPsec policy encrypts or blocks,
// which must not bypass it.
func ChooseKind(kind Kind, r route.Route, remote netip.AddrPort) Kind {
	if kind != "" && kind != KindAuto {
		return kind
	}
	if r.Loopback {
		return KindRaw
	}
	if a := remote.Addr(); a.IsValid() && !r.Foreign {
		if _, ok := FindIPsecPolicy(r.Source, a, remote.Port()); ok {
			return KindRaw
		}
	}
	return KindPacket
}

// openError explains why a socket could not be opened.
func openError(what string, err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return fmt.Errorf("%s: %w: it needs the capability CAP_NET_RAW in the network namespace (%w)", what, ErrPermission, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// notPermitted is the one error for a privilege that is missing.
type notPermitted struct{}

func (notPermitted) Error() string        { return "not permitted" }
func (notPermitted) Is(target error) bool { return target == os.ErrPermission }
