package guard

import (
	"fmt"
	"net/netip"
	"strings"
)

// A scope is what a guard concerns: TCP from these ports of these addresses.
type scope struct {
	addrs       []netip.Addr // none: every address of this machine
	first, last uint16       // both included
}

func scopeOf(a netip.AddrPort) scope {
	return scope{addrs: []netip.Addr{a.Addr()}, first: a.Port(), last: a.Port()}
}

// String is the scope as a sentence names it.
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

// size is how many ports there are.
func (s scope) size() int { return int(s.last) - int(s.first) + 1 }

// bound are the addresses to bind: the wildcards of both families where all
// are meant.
func (s scope) bound() []netip.Addr {
	if len(s.addrs) == 0 {
		return []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	}
	return s.addrs
}

// name is the scope in a name: its port or ports.
func (s scope) name() string {
	if s.first == s.last {
		return fmt.Sprint(s.first)
	}
	return fmt.Sprintf("%d-%d", s.first, s.last)
}
