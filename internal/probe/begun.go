// The targets that are begun and not done.

package probe

import (
	"net/netip"

	"github.com/rawshake/rawshake/internal/probe/supply"
)

// A Target is one host and port to be probed.
type Target = supply.Target

// begun holds the targets that are begun and not done, and the state of each.
type begun struct {
	source supply.Source
	window window
}

// find is the number of the target that a packet on an interface is from, or about. Its
// address gets the zone that the target has.
func (b *begun) find(device string, a *netip.Addr, port, local uint16) (n uint64, ok bool) {
	if n, ok = b.source.Find(*a, port, local); ok || !a.Is6() || !b.source.Zoned() {
		return n, ok
	}
	there := a.WithZone(device)
	if n, ok = b.source.Find(there, port, local); ok {
		*a = there
	}
	return n, ok
}

// done closes a target's slot: nothing more will be done about it.
func (b *begun) done(n uint64) {
	b.window.at(n).state = slotDone
	b.source.Release(n)
}
