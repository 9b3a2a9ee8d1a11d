// The source ports of a loop, and the guard before them.

package probe

import "github.com/rawshake/rawshake/rawtcp/guard"

// ports are those that a loop's packets leave from, kept from the kernel's RSTs.
type ports struct {
	first, count uint16
	guard        guard.Range
	better       guard.Range // added once the first has let a RST pass: see guardBetter
	tried        bool
}

// take takes ports on every address of this machine: as many as are asked for, or, if
// they are scarce, what there is. So none can be missing later, whichever address
// targets are reached from.
func (p *ports) take() (err error) {
	if p.guard, err = guard.OpenRange(guard.RangeOptions{Count: int(p.count), Least: 1, Hold: true}); err != nil {
		return err
	}
	first, last := p.guard.Ports()
	p.first, p.count = first, last-first+1
	return nil
}

// guardBetter adds a guard that stops the kernel's RSTs whatever makes them, once the
// one that needs no privilege has let one pass: by a firewall's rule that could not be
// read, or came later.
func (p *ports) guardBetter() {
	if p.better != nil || p.tried {
		return
	}
	p.tried = true
	g, err := guard.OpenRange(guard.RangeOptions{Kind: guard.KindNFTables, First: p.first, Last: p.first + p.count - 1})
	if err == nil {
		p.better = g
	}
}

func (p *ports) close() {
	for _, g := range []guard.Range{p.guard, p.better} {
		if g != nil {
			g.Close()
		}
	}
}
