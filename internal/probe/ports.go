// The source ports of a loop, and the guard before them.

package probe

import (
	"sync"

	"github.com/rawshake/rawshake/rawtcp/guard"
)

// ports are those that a loop's packets leave from, kept from the kernel's RSTs.
type ports struct {
	first, count uint16
	guard        guard.Range
	better       guard.Range // added once the first has let a RST pass: see guardBetter
	tried        bool
}

// Ports are source ports that one scan after the other uses: taking them costs some tenths
// of a second of CPU.
type Ports struct {
	mu   sync.Mutex
	free []ports
}

// lend gives ports that no scan has, if there are any.
func (k *Ports) lend() (p ports, ok bool) {
	if k == nil {
		return p, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if n := len(k.free); n > 0 {
		p, k.free = k.free[n-1], k.free[:n-1]
		return p, true
	}
	return p, false
}

// Close gives up what no scan has.
func (k *Ports) Close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.free {
		k.free[i].close(nil)
	}
	k.free = nil
}

// take takes ports on every address of this machine: those that are kept from an earlier
// scan, as many as are asked for, or, if they are scarce, what there is. So none can be
// missing later, whichever address targets are reached from.
func (p *ports) take(kept *Ports) (err error) {
	if old, ok := kept.lend(); ok {
		*p = old
		return nil
	}
	if p.guard, err = guard.OpenRange(guard.RangeOptions{Count: int(p.count), Least: 1, Hold: true}); err != nil {
		return err
	}
	first, last := p.guard.Ports()
	p.first, p.count = first, last-first+1
	return nil
}

// guardBetter adds a guard that stops the kernel's RSTs whatever makes them, once the
// one that needs no privilege has let one pass: by a firewall's rule that could not be
// read, or came later. With [Options.Prepared] it stands from the beginning: what the
// scan sends itself does not come by its rules.
func (p *ports) guardBetter() {
	if p.better != nil || p.tried || p.guard != nil && p.guard.Kind() == guard.KindNFTables {
		return
	}
	p.tried = true
	g, err := guard.OpenRange(guard.RangeOptions{Kind: guard.KindNFTables, First: p.first, Last: p.first + p.count - 1})
	if err == nil {
		p.better = g
	}
}

// close gives them back to where they are kept, or up.
func (p *ports) close(kept *Ports) {
	if kept != nil && p.guard != nil {
		kept.mu.Lock()
		defer kept.mu.Unlock()
		kept.free = append(kept.free, *p)
		*p = ports{}
		return
	}
	for _, g := range []guard.Range{p.guard, p.better} {
		if g != nil {
			g.Close()
		}
	}
}
