// Which flows the kernel sends by the same route.

package routes

import (
	"math"
	"net/netip"
	"slices"

	"github.com/rawshake/rawshake/rawtcp/route"
)

// A span is the flows that the kernel sends by the same route, both ends of each range
// included.
type span struct {
	from, to      netip.Addr // without a zone
	zone          string
	remote, local [2]uint16
}

func (s *span) holds(f Flow) bool {
	if f.To.Zone() != s.zone {
		return false
	}
	f.To = f.To.WithZone("")
	return !f.To.Less(s.from) && !s.to.Less(f.To) && within(s.remote, f.Remote) && within(s.local, f.Local)
}

func within(r [2]uint16, port uint16) bool { return r[0] <= port && port <= r[1] }

// spanOf is the flows that the kernel would send as it sends one.
func spanOf(b *route.Borders, f Flow) span {
	for _, p := range b.Multipath {
		if p.Contains(f.To.WithZone("")) {
			return onlyOf(f)
		}
	}
	to := f.To.WithZone("")
	at, found := slices.BinarySearchFunc(b.Addrs, to, netip.Addr.Compare)
	if !found {
		at-- // the lowest address is always a border
	}
	s := span{from: b.Addrs[at], to: highest(to.Is6()), zone: f.To.Zone(), remote: between(b.RemotePorts, f.Remote), local: between(b.LocalPorts, f.Local)}
	if at+1 < len(b.Addrs) {
		s.to = b.Addrs[at+1].Prev()
	}
	return s
}

// between are the ports from the border before one to the next.
func between(borders []uint16, port uint16) [2]uint16 {
	at, found := slices.BinarySearch(borders, port)
	if !found {
		at-- // 0 is always one
	}
	if at+1 < len(borders) {
		return [2]uint16{borders[at], borders[at+1] - 1}
	}
	return [2]uint16{borders[at], math.MaxUint16}
}

func onlyOf(f Flow) span {
	a := f.To.WithZone("")
	return span{a, a, f.To.Zone(), [2]uint16{f.Remote, f.Remote}, [2]uint16{f.Local, f.Local}}
}

// highest is an IP version's last address.
func highest(six bool) netip.Addr {
	if six {
		return netip.IPv6Unspecified().Prev()
	}
	return netip.AddrFrom4([4]byte{255, 255, 255, 255})
}
