package lab

import (
	"context"
	"fmt"
	"strings"

	"github.com/rawshake/rawshake/internal/netem"
)

// The impairment of a link can be changed while the lab stands. A link without
// any is one veth pair, and gets its bridge when it is first impaired
// (splice); it keeps it when it is clear again.

// LinkName is what a link is called: its two nodes, "near-far".
func (c *LinkConfig) LinkName() string { return c.Ends[0].Node + "-" + c.Ends[1].Node }

// FindLink is the number of the link of a name; the nodes may be in either
// order.
func (t *Topology) FindLink(name string) (int, error) {
	found, names := -1, []string{}
	for i := range t.Links {
		c := &t.Links[i]
		names = append(names, c.LinkName())
		if name != c.LinkName() && name != c.Ends[1].Node+"-"+c.Ends[0].Node {
			continue
		}
		if found >= 0 {
			return -1, fmt.Errorf("%q names two links: give the nodes names without hyphens", name)
		}
		found = i
	}
	if found < 0 {
		return -1, fmt.Errorf("there is no link %q: there are %s", name, strings.Join(names, ", "))
	}
	return found, nil
}

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
