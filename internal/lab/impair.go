// The impairment of a link can be changed while the lab stands. A link without
// any is one veth pair, and gets its bridge when it is first impaired (splice.go);
// it keeps it when it is clear again.

package lab

import (
	"context"
	"fmt"

	"github.com/rawshake/rawshake/internal/netem"
)

// Impair makes a link of the topology another one for the packets to come:
// connections, addresses and routes stay. What is under way arrives as it would
// have.
func (l *Lab) Impair(ctx context.Context, link int, w netem.Impairment) error {
	l.changing.Lock()
	defer l.changing.Unlock()
	if link < 0 || link >= len(l.topology.Links) {
		return fmt.Errorf("lab: there is no link %d", link)
	}
	c := &l.topology.Links[link]
	if err := w.Check(); err != nil {
		return fmt.Errorf("link %s: %w", c.LinkName(), err)
	}
	l.mu.Lock()
	closed := l.closed
	l.mu.Unlock()
	switch b := l.bridges[link]; {
	case closed:
		return errClosed
	case b != nil:
		b.Change(w)
	case w.Clear():
	default:
		if err := l.kept(link).splice(ctx, w); err != nil {
			return fmt.Errorf("link %s cannot be impaired: %w: take the lab down and up again", c.LinkName(), err)
		}
	}
	l.mu.Lock()
	c.Impairment = w
	l.mu.Unlock()
	return nil
}

// kept is the end of a link that stays as it is when the link gets a bridge: of
// the node that comes first, where commands run.
func (l *Lab) kept(link int) *port {
	for _, n := range l.nodes {
		for _, p := range n.ports {
			if p.link == link {
				return p
			}
		}
	}
	return nil
}
