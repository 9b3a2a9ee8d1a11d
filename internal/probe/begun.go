package probe

import "net/netip"

// begun has the targets that are begun and not done: which they are, and how it
// stands with each.
type begun struct {
	source source
	window window
}

// find is the number of the target that a packet on an interface is from, or about. Its
// address gets the zone that the target has.
func (b *begun) find(device string, a *netip.Addr, port, local uint16) (n uint64, ok bool) {
	if n, ok = b.source.find(*a, port, local); ok || !a.Is6() || !b.source.zoned() {
		return n, ok
	}
	there := a.WithZone(device)
	if n, ok = b.source.find(there, port, local); ok {
		*a = there
	}
	return n, ok
}

// done closes a target's slot: nothing more will be done about it.
func (b *begun) done(n uint64) {
	b.window.at(n).state = slotDone
	b.source.release(n)
}
