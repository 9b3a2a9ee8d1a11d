// Notices that a route in use has changed.

package routes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	lookEvery = 10 * time.Millisecond
	lookShare = 100         // looking takes one part in so many of the time
	inUse     = time.Minute // since a route was last taken: others may come and go
)

// ErrMoved says that the kernel uses another route than before.
var ErrMoved = errors.New("the route has changed")

// Changed reports whether an error of a table says that a route in use is gone.
func Changed(err error) bool {
	return errors.Is(err, ErrMoved) || errors.Is(err, route.ErrNoRoute) || errors.Is(err, link.ErrNoNeighbour)
}

// Look notices that this machine's routes, addresses or interfaces have changed, and
// fails if that concerns a route in use. It takes a while, and returns the time then.
func (t *Table) Look(now wire.Instant, instant func() wire.Instant) (wire.Instant, error) {
	if t.watch == nil || now.Before(t.lookAt) {
		return now, nil
	}
	begin := now
	t.lookAt = begin.Add(lookEvery)
	if !t.watch.Changed() {
		return now, nil
	}
	err := t.review(begin)
	now = instant()
	t.lookAt = now.Add(lookShare * now.Sub(begin))
	return now, err
}

// review asks the kernel again about the routes in use. If it says the same as before,
// all are dropped, and found again as needed.
func (t *Table) review(now wire.Instant) error {
	for r := range t.each {
		if r.Path == nil || now.Sub(r.used) >= inUse {
			continue
		}
		is, err := t.find(r.example)
		switch {
		case err != nil:
			return cmp.Or(r.kernel.Down(), err) // which is why
		case is != r.kernel:
			return fmt.Errorf("%w: %v is reached by %s, and was by %s", ErrMoved, r.example.To, inWords(is, r.example.To), inWords(r.kernel, r.example.To))
		}
	}
	return t.drop()
}

// drop makes all routes be found again. Borders are read now, since that can take
// long.
func (t *Table) drop() error {
	t.known, t.all, t.last = nil, nil, nil
	for i, was := range t.borders {
		if was == nil {
			continue
		}
		b, err := route.ReadBorders(i == 1)
		if err != nil {
			return err
		}
		t.borders[i] = b
	}
	return nil
}

// Examples are flows that stand for all routes in use.
func (t *Table) Examples(now wire.Instant) (list []Flow) {
	type by struct {
		path    *Path
		gateway netip.Addr
	}
	seen := make(map[by]bool)
	for r := range t.each {
		if key := (by{r.Path, r.Gateway}); r.Path != nil && now.Sub(r.used) < inUse && !seen[key] {
			seen[key] = true
			list = append(list, r.example)
		}
	}
	return list
}

// inWords describes a route of the kernel's to an address.
func inWords(r route.Route, to netip.Addr) string {
	through := ""
	if r.NextHop != to {
		through = fmt.Sprintf(" through %v", r.NextHop)
	}
	return fmt.Sprintf("%s from %v%s (MTU %d)", r.Interface, r.Source, through, r.MTU)
}

// Watch begins to listen to the kernel's news of routes.
func (t *Table) Watch() (err error) {
	t.watch, err = route.OpenWatch()
	return err
}

// Open opens the routes of these flows, and asks for their gateways. Each request
// waits for what paid says of the pace.
func (t *Table) Open(ctx context.Context, list []Flow, paid func(context.Context)) error {
	for _, f := range list {
		r := t.Of(f)
		if r.Err != nil {
			return r.Err
		}
		if err := r.askGateway(ctx, paid); err != nil {
			return err
		}
	}
	return nil
}

// Reopen closes all, and opens anew what leads to these flows.
func (t *Table) Reopen(ctx context.Context, list []Flow, paid func(context.Context)) error {
	t.closePaths()
	if err := t.drop(); err != nil {
		return err
	}
	return t.Open(ctx, list, paid)
}

// askGateway waits for the gateway's link-layer address, and before that for a
// place in the pace.
func (r *Route) askGateway(ctx context.Context, paid func(context.Context)) error {
	if r.Path.Neighbours == nil || !r.Gateway.IsValid() || r.fixed {
		return nil
	}
	paid(ctx)
	hop, err := link.AskHop(ctx, r.kernel)
	if err == nil {
		r.Path.Neighbours.Learn(r.Gateway, hop)
	}
	return err
}
