// Addresses with a zone (RFC 4007, section 11): fe80::1%eth0. What follows the
// % may be any name of an interface, with dots, dashes and colons in it.

package targets

import (
	"fmt"
	"net/netip"
	"strings"
)

// urlZone takes a zone as a URL has it, behind %25 (RFC 6874, section 2). %25 alone
// is the interface of that number.
func urlZone(s string) string {
	before, zone, ok := strings.Cut(s, "%25")
	if !ok || zone == "" {
		return s
	}
	return before + "%" + zone
}

// parseZoned reads fe80::1%eth0, fe80::%eth0/120, fe80::1-fe80::9%eth0 and
// fe80::1%eth0-fe80::9%eth0.
func parseZoned(s string) (Range, error) {
	address, rest, _ := strings.Cut(s, "%")
	if zone, bits, ok := cutLast(rest, "/"); ok && zone != "" {
		r, err := ParseRange(address + "/" + bits)
		if err == nil && r.First.Is4() {
			err = fmt.Errorf("%q: an IPv4 address has no zone; name the interface with --interface", s)
		}
		return r.In(zone), err
	}
	for i := range s {
		if s[i] != '-' {
			continue
		}
		a, erra := netip.ParseAddr(s[:i])
		b, errb := netip.ParseAddr(s[i+1:])
		if erra == nil && errb == nil {
			return zonedRange(s, a, b)
		}
	}
	if a, err := netip.ParseAddr(address); err == nil && (a.Is4() || rest == "") {
		return Range{}, fmt.Errorf("%q: the %% stands between an IPv6 address and its interface, as in fe80::1%%eth0", s)
	}
	a, err := parseAddr(s)
	return Range{a, a}, err
}

// zonedRange is a range that names its zone once, or the same one twice.
func zonedRange(s string, a, b netip.Addr) (Range, error) {
	zone := a.Zone()
	switch {
	case zone == "":
		zone = b.Zone()
	case b.Zone() != "" && b.Zone() != zone:
		return Range{}, fmt.Errorf("%q: a range lies within one zone, and this one begins in %s and ends in %s", s, zone, b.Zone())
	}
	r, err := ParseRange(a.WithZone("").String() + "-" + b.WithZone("").String())
	if err == nil && r.First.Is4() {
		err = fmt.Errorf("%q: an IPv4 address has no zone; name the interface with --interface", s)
	}
	return r.In(zone), err
}

// cutLast cuts a string at the last occurrence of a separator.
func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
