// Special-purpose addresses, which are excluded unless they are asked for.

package targets

import "net/netip"

// A Special is a block of a special-purpose registry.
type Special struct {
	Prefix netip.Prefix
	Name   string // the registry's
	never  bool   // no single host can have such an address
}

// specials are the blocks of IANA's IPv4 and IPv6 Special-Purpose Address
// Registries (RFC 6890) that are not globally reachable, and multicast (RFC
// 5771, RFC 4291).
var specials = []Special{
	{netip.MustParsePrefix("0.0.0.0/8"), `"This network"`, true},
	{netip.MustParsePrefix("10.0.0.0/8"), "Private-Use", false},
	{netip.MustParsePrefix("100.64.0.0/10"), "Shared Address Space", false},
	{netip.MustParsePrefix("127.0.0.0/8"), "Loopback", false},
	{netip.MustParsePrefix("169.254.0.0/16"), "Link Local", false},
	{netip.MustParsePrefix("172.16.0.0/12"), "Private-Use", false},
	{netip.MustParsePrefix("192.0.0.0/24"), "IETF Protocol Assignments", false},
	{netip.MustParsePrefix("192.0.2.0/24"), "Documentation (TEST-NET-1)", false},
	{netip.MustParsePrefix("192.88.99.0/24"), "Deprecated (6to4 Relay Anycast)", false},
	{netip.MustParsePrefix("192.168.0.0/16"), "Private-Use", false},
	{netip.MustParsePrefix("198.18.0.0/15"), "Benchmarking", false},
	{netip.MustParsePrefix("198.51.100.0/24"), "Documentation (TEST-NET-2)", false},
	{netip.MustParsePrefix("203.0.113.0/24"), "Documentation (TEST-NET-3)", false},
	{netip.MustParsePrefix("224.0.0.0/4"), "Multicast", true},
	{netip.MustParsePrefix("255.255.255.255/32"), "Limited Broadcast", true},
	{netip.MustParsePrefix("240.0.0.0/4"), "Reserved", false},
	{netip.MustParsePrefix("::/128"), "Unspecified Address", true},
	{netip.MustParsePrefix("::1/128"), "Loopback Address", false},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "IPv4-IPv6 Translation", false},
	{netip.MustParsePrefix("100::/64"), "Discard-Only Address Block", false},
	{netip.MustParsePrefix("100:0:0:1::/64"), "Dummy IPv6 Prefix", false},
	{netip.MustParsePrefix("2001::/23"), "IETF Protocol Assignments", false},
	{netip.MustParsePrefix("2001:db8::/32"), "Documentation", false},
	{netip.MustParsePrefix("2002::/16"), "6to4", false},
	{netip.MustParsePrefix("3fff::/20"), "Documentation", false},
	{netip.MustParsePrefix("5f00::/16"), "Segment Routing (SRv6) SIDs", false},
	{netip.MustParsePrefix("fc00::/7"), "Unique-Local", false},
	{netip.MustParsePrefix("fe80::/10"), "Link-Local Unicast", false},
	{netip.MustParsePrefix("ff00::/8"), "Multicast", true},
}

// set is the block's addresses.
func (s *Special) set() *Set {
	var set Set
	set.Add(rangeOf(s.Prefix))
	return &set
}
