// Targets as people write them: addresses, blocks, ranges, names, URLs.

package targets

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// A Range is a run of addresses of one IP version, both ends included. Where it has
// a zone, it is that of both.
type Range struct{ First, Last netip.Addr }

// Zone is the interface that the addresses are on, empty where none is said.
func (r Range) Zone() string { return r.First.Zone() }

// In is the range with another zone.
func (r Range) In(zone string) Range { return Range{inZone(r.First, zone), inZone(r.Last, zone)} }

func inZone(a netip.Addr, zone string) netip.Addr {
	if a.Is4() {
		return a
	}
	return a.WithZone(zone)
}

func (r Range) interval() interval { return interval{numberOf(r.First), numberOf(r.Last)} }

// At is an address by its place in the range, from 0.
func (r Range) At(i uint64) netip.Addr {
	return inZone(numberOf(r.First).plus(i).addr(), r.Zone())
}

// Prefixes are the fewest blocks that the range consists of, in order.
func (r Range) Prefixes() (list []netip.Prefix) {
	for a := r.First; ; {
		p := netip.PrefixFrom(a, a.BitLen())
		for p.Bits() > 0 {
			wider := netip.PrefixFrom(a, p.Bits()-1)
			if wider.Masked().Addr() != a || r.Last.Less(rangeOf(wider).Last) {
				break
			}
			p = wider
		}
		list = append(list, p)
		last := rangeOf(p).Last
		if !last.Less(r.Last) {
			return list
		}
		a = last.Next()
	}
}

func rangeOf(p netip.Prefix) Range {
	p = p.Masked()
	first := numberOf(p.Addr())
	host := uint(128 - p.Bits())
	if p.Addr().Is4() {
		host = uint(32 - p.Bits())
	}
	last := first
	if host >= 64 {
		last.lo, last.hi = ^uint64(0), last.hi|(1<<(host-64)-1)
	} else {
		last.lo |= 1<<host - 1
	}
	return Range{first.addr(), last.addr()}
}

// A Spec is what one word of the user's stands for: a range of addresses, or a
// host's name, and the ports where it says any.
type Spec struct {
	Range Range
	Host  string // set where it is a name
	Ports []uint16
}

// ParseSpec reads an address, a CIDR block, a range FIRST-LAST, or a host name,
// each with :PORTS behind it or not; IPv6 with ports stands in brackets. Of a URL
// it takes the host and the port.
func ParseSpec(s string) (Spec, error) {
	given := s
	s, isURL, err := fromURL(s)
	if err != nil {
		return Spec{}, err
	}
	spec, err := parseSpec(s)
	if err == nil && isURL && (spec.Host == "" && spec.Range.First != spec.Range.Last || len(spec.Ports) > 1) {
		err = errors.New("a URL names one host and one port")
	}
	if err != nil && isURL {
		return Spec{}, fmt.Errorf("%q: %w", given, err)
	}
	return spec, err
}

func parseSpec(s string) (Spec, error) {
	text, ports := s, ""
	switch {
	case strings.HasPrefix(s, "["):
		inside, after, ok := strings.Cut(s[1:], "]")
		if !ok || after != "" && after[0] != ':' {
			return Spec{}, fmt.Errorf("%q: a bracket must close, with nothing or :PORTS behind it", s)
		}
		text, ports = urlZone(inside), strings.TrimPrefix(after, ":")
	case strings.Count(s, ":") == 1:
		text, ports, _ = strings.Cut(s, ":")
	}
	var spec Spec
	var err error
	if ports != "" {
		if spec.Ports, err = ParsePorts(ports); err != nil {
			return Spec{}, fmt.Errorf("%q: %w", s, err)
		}
	}
	if spec.Range, err = ParseRange(text); err == nil {
		return spec, nil
	}
	if looksNumeric(text) {
		return Spec{}, err
	}
	if err := CheckHost(text); err != nil {
		return Spec{}, fmt.Errorf("%q: %w", s, err)
	}
	spec.Host = text
	return spec, nil
}

// looksNumeric tells what is meant as addresses from names.
func looksNumeric(s string) bool {
	return strings.ContainsAny(s, "/:%") || strings.Trim(s, "0123456789.-") == ""
}

// ParseRange reads an address, a CIDR block, or FIRST-LAST.
func ParseRange(s string) (Range, error) {
	if strings.Contains(s, "%") {
		return parseZoned(s)
	}
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return Range{}, fmt.Errorf("%q is not a CIDR block, as 198.18.0.0/16 is", s)
		}
		if p.Addr().Is4In6() {
			return Range{}, fmt.Errorf("%q: write IPv4 addresses as IPv4", s)
		}
		return rangeOf(p), nil
	}
	first, last, two := strings.Cut(s, "-")
	if !two {
		last = first
	}
	a, err := parseAddr(first)
	if err != nil {
		return Range{}, err
	}
	b, err := parseAddr(last)
	if err != nil {
		return Range{}, err
	}
	if a.Is4() != b.Is4() || b.Less(a) {
		return Range{}, fmt.Errorf("%q: a range goes upwards within one IP version", s)
	}
	return Range{a, b}, nil
}

func parseAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return a, fmt.Errorf("%q is not an IP address", s)
	}
	if a.Is4In6() && a.Zone() != "" {
		return a, fmt.Errorf("%q: an IPv4 address has no zone; name the interface with --interface", s)
	}
	return a.Unmap(), nil
}

// ParsePorts reads a list of ports and ranges of them: "443,8443,9000-9010".
// Each port is there once, in the order given.
func ParsePorts(s string) ([]uint16, error) {
	var ports []uint16
	seen := make(map[uint16]bool)
	for _, part := range strings.Split(s, ",") {
		first, last, two := strings.Cut(strings.TrimSpace(part), "-")
		if !two {
			last = first
		}
		a, err := ParsePort(first)
		if err != nil {
			return nil, err
		}
		b, err := ParsePort(last)
		if err != nil {
			return nil, err
		}
		if b < a {
			return nil, fmt.Errorf("ports %q: a range goes upwards", part)
		}
		for p := int(a); p <= int(b); p++ {
			if !seen[uint16(p)] {
				seen[uint16(p)] = true
				ports = append(ports, uint16(p))
			}
		}
	}
	return ports, nil
}

// ParsePort reads the number of a port.
func ParsePort(s string) (uint16, error) {
	p, err := strconv.ParseUint(s, 10, 16)
	if err != nil || p == 0 {
		return 0, fmt.Errorf("port %q is not a number from 1 to 65535", s)
	}
	return uint16(p), nil
}

// CheckHost refuses what cannot be a host's name, so that it reaches neither a
// name server nor a ClientHello.
func CheckHost(s string) error {
	if s == "" || len(s) > 253 {
		return fmt.Errorf("the host name is empty or too long")
	}
	for _, label := range strings.Split(strings.TrimSuffix(s, "."), ".") {
		if label == "" || len(label) > 63 {
			return fmt.Errorf("a part of the host name is empty or longer than 63 characters")
		}
	}
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '-', r == '_', r == '.':
		default:
			return fmt.Errorf("%q cannot stand in a host name", r)
		}
	}
	return nil
}
