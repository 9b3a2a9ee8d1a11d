// What a guard covers: ports of addresses.

package guard

import (
	"fmt"
	"net/netip"
	"strings"
)

// A scope is what a guard covers: TCP from these ports of these addresses.
type scope struct {
	addrs       []netip.Addr // none: every address of this machine
	first, last uint16       // both included
}

func scopeOf(a netip.AddrPort) scope {
	return scope{addrs: []netip.Addr{a.Addr()}, first: a.Port(), last: a.Port()}
}

// String returns the scope as it appears in a sentence.
func (s scope) String() string {
	if s.first == s.last && len(s.addrs) == 1 {
		return netip.AddrPortFrom(s.addrs[0], s.first).String()
	}
	return fmt.Sprintf("%s of %s", s.portsText(), s.addrsText())
}

func (s scope) portsText() string {
	if s.first == s.last {
		return fmt.Sprintf("port %d", s.first)
	}
	return fmt.Sprintf("ports %d-%d", s.first, s.last)
}

func (s scope) addrsText() string {
	if len(s.addrs) == 0 {
		return "every address"
	}
	var names []string
	for _, a := range s.addrs {
		names = append(names, a.String())
	}
	return strings.Join(names, ", ")
}

// size returns the number of ports.
func (s scope) size() int { return int(s.last) - int(s.first) + 1 }

// bound returns the addresses to bind: both families' wildcards if every
// address is meant.
func (s scope) bound() []netip.Addr {
	if len(s.addrs) == 0 {
		return []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	}
	return s.addrs
}

// name returns the scope as part of a name: its port or ports.
func (s scope) name() string {
	if s.first == s.last {
		return fmt.Sprint(s.first)
	}
	return fmt.Sprintf("%d-%d", s.first, s.last)
}
