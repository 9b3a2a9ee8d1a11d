// A guarded TCP port with its link, for a loop of one's own.

package rawtcp

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"os"
	"time"

	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// A Port is a TCP port of this machine for a loop of one's own: guarded against
// the kernel's RSTs, with the link that carries its packets. It serves any
// number of connections of one [endpoint.Endpoint]. It is not safe for
// concurrent use.
type Port struct {
	Local netip.AddrPort // the port, and our address for the remote

	guard  guard.Guard
	link   link.Link
	opened time.Time
	buf    []byte
}

// OpenPort opens a port for connections to remote. Unless d.Link says otherwise
// it uses the raw link, and the port then serves every other host that the
// kernel reaches from the same address. It uses d's Interface, Source,
// SourcePort, Link and Guard.
//
// It fails with route.ErrNoRoute, link.ErrPermission, or the guard's error.
func (d *Dialer) OpenPort(ctx context.Context, remote netip.Addr) (*Port, error) {
	r, err := route.Find(remote, route.Via{Interface: d.Interface, Source: d.Source, LocalPort: d.SourcePort})
	if err != nil {
		return nil, err
	}
	raw := *d
	raw.Link = cmp.Or(d.Link, link.KindRaw)
	g, err := raw.openGuard(r, netip.AddrPortFrom(remote, 0), d.SourcePort)
	if err != nil {
		return nil, err
	}
	local := netip.AddrPortFrom(r.Source, g.Local().Port())
	l, err := link.Open(ctx, link.Options{Kind: raw.Link, Flow: link.Flow{Local: local}, Route: r})
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return &Port{Local: local, guard: g, link: l, opened: time.Now(), buf: make([]byte, link.MaxPacket)}, nil
}

// MTU returns the size of the largest IP packet that the port's link takes, in
// bytes.
func (p *Port) MTU() int { return p.link.MTU() }

// Now is the endpoint's clock: the time since the port was opened.
func (p *Port) Now() tcb.Instant { return tcb.Instant(time.Since(p.opened)) }

// Turn moves an endpoint once: it sends what is due, waits for packets until
// the endpoint's next deadline but no longer than wait, hands over what came,
// and tells the endpoint the time. Now is the endpoint's clock.
//
// It fails when the link does; the end of the wait is no failure.
func (p *Port) Turn(e *endpoint.Endpoint, wait time.Duration) error {
	for b := e.Next(p.Now(), nil); b != nil; b = e.Next(p.Now(), nil) {
		if err := p.link.Send(b); err != nil {
			return err
		}
	}
	if at, ok := e.Deadline(); ok {
		wait = min(wait, max(0, at.Sub(p.Now())))
	}
	if err := p.link.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	switch got, err := p.link.Receive(p.buf); {
	case err == nil && !got.KernelSent:
		e.Receive(p.Now(), got.Data, got.ChecksumPartial)
	case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
		return err
	}
	e.Advance(p.Now())
	return nil
}

// Close gives the port back. What arrives for it after that meets the kernel.
func (p *Port) Close() error { return errors.Join(p.link.Close(), p.guard.Close()) }
