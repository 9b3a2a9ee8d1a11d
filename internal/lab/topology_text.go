// What no kernel would take of a topology, or nobody could read.

package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode"
)

// maxOwns bounds the networks that a node owns, and the addresses of an end:
// each costs a call of the kernel.
const (
	maxOwns      = 256
	maxAddresses = 64
	maxName      = 64
	maxAbout     = 200
)

// checkTexts says what is wrong with what is shown to people, and handed to
// commands in their environment.
func (t *Topology) checkTexts() (errs []error) {
	for _, x := range []struct {
		word, text string
		most       int
	}{{"name", t.Name, maxName}, {"about", t.About, maxAbout}} {
		switch {
		case len(x.text) > x.most:
			errs = append(errs, fmt.Errorf("%s: %d bytes, at most %d", x.word, len(x.text), x.most))
		case strings.ContainsFunc(x.text, func(r rune) bool { return !unicode.IsPrint(r) }):
			errs = append(errs, fmt.Errorf("%s: %q has characters that cannot be shown", x.word, x.text))
		}
	}
	return errs
}

// checkAddresses says which addresses of a link no kernel would take, or could
// not be reached from the other end.
func (t *Topology) checkAddresses(i int) (errs []error) {
	for j, e := range t.Links[i].Ends {
		if len(e.Addresses) > maxAddresses {
			return []error{fmt.Errorf("links[%d].ends[%d].addresses: %d, at most %d", i, j, len(e.Addresses), maxAddresses)}
		}
		for k, p := range e.Addresses {
			if err := checkHost(p); err != nil {
				errs = append(errs, fmt.Errorf("links[%d].ends[%d].addresses[%d]: %w", i, j, k, err))
			}
		}
	}
	if len(errs) > 0 {
		return errs
	}
	a, b := t.Links[i].Ends[0].Addresses, t.Links[i].Ends[1].Addresses
	for _, v4 := range []bool{true, false} {
		x, y := firstOf(a, v4), firstOf(b, v4)
		if x.IsValid() && y.IsValid() && !(within(a, y.Addr()) && within(b, x.Addr())) {
			errs = append(errs, fmt.Errorf("links[%d].ends: %v and %v are not in one network, and could not reach each other", i, x, y))
		}
	}
	return errs
}

// firstOf is the first address of an IP version.
func firstOf(list []netip.Prefix, v4 bool) netip.Prefix {
	for _, p := range list {
		if p.Addr().Is4() == v4 {
			return p
		}
	}
	return netip.Prefix{}
}

func within(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// checkHost says what keeps an address, with the length of its network, from
// being a host's.
func checkHost(p netip.Prefix) error {
	a := p.Addr()
	switch {
	case !p.IsValid():
		return errors.New("it is empty: an address and the length of its network are wanted, such as 198.18.0.1/24")
	case a.Is4In6():
		return fmt.Errorf("%v is an IPv4 address in IPv6's form: write it as %v", a, a.Unmap())
	case a.IsUnspecified(), a.IsMulticast(), a.IsLoopback():
		return fmt.Errorf("%v is no address of a host on a link", a)
	case a.Is4() && p.Bits() < 31 && (a == p.Masked().Addr() || a == broadcast(p)):
		return fmt.Errorf("%v is the network %v itself, or everybody in it, and no host's address", a, p.Masked())
	}
	return nil
}

// broadcast is the last address of an IPv4 network.
func broadcast(p netip.Prefix) netip.Addr {
	b := p.Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(b)
}

// checkNetworks says which of the networks that a node owns are none.
func (t *Topology) checkNetworks(i int) (errs []error) {
	owns := t.Nodes[i].Owns
	if len(owns) > maxOwns {
		return []error{fmt.Errorf("nodes[%d].owns: %d networks, at most %d", i, len(owns), maxOwns)}
	}
	for j, p := range owns {
		switch a := p.Addr(); {
		case !p.IsValid():
			errs = append(errs, fmt.Errorf("nodes[%d].owns[%d]: it is empty: a network is wanted, such as 198.19.0.0/16", i, j))
		case a.Is4In6(), a.IsMulticast(), a.IsLoopback():
			errs = append(errs, fmt.Errorf("nodes[%d].owns[%d]: %v is no network of hosts", i, j, p))
		}
	}
	return errs
}
