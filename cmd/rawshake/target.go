//go:build linux

// HOST[:PORT] as people type it, and the addresses that it stands for.

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/route"
)

const defaultPort = 443

// maxAddrs bounds how many addresses of a name are tried: each has a share of
// the time.
const maxAddrs = 6

// A target is what the person typed, and the address that it stands for.
type target struct {
	host string // name or address, without brackets
	port uint16
	addr netip.Addr

	others []netip.Addr // of a name with several, in the order to try them after addr
}

func (t target) addrPort() netip.AddrPort { return netip.AddrPortFrom(t.addr, t.port) }

func (t target) otherAddrPorts() (list []netip.AddrPort) {
	for _, a := range t.others {
		list = append(list, netip.AddrPortFrom(a, t.port))
	}
	return list
}

// hostHeader is the target as a Host header names it.
func (t target) hostHeader() string {
	host, _, _ := strings.Cut(t.host, "%") // a zone means nothing to others
	if t.port != defaultPort {
		return net.JoinHostPort(host, strconv.Itoa(int(t.port)))
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// parseTarget reads HOST[:PORT].
func parseTarget(s string) (target, error) {
	if strings.Contains(s, "/") {
		return target{}, usageError("%q: give HOST[:PORT], not a URL", s)
	}
	host, port := s, ""
	if strings.Contains(s, ":") {
		s := plainZone(s)
		var err error
		if host, port, err = net.SplitHostPort(s); err != nil {
			if a, perr := netip.ParseAddr(strings.Trim(s, "[]")); perr == nil {
				host, port = a.String(), ""
			} else {
				return target{}, usageError("%q is not HOST[:PORT]: %v", s, err)
			}
		}
	}
	t := target{host: host, port: defaultPort}
	if port != "" {
		p, err := parsePort(port)
		if err != nil {
			return target{}, usageError("%q: %v", s, err)
		}
		t.port = p
	}
	if err := checkHost(host); err != nil {
		return target{}, usageError("%q: %v", s, err)
	}
	return t, nil
}

// plainZone reads the zone of an address in brackets as a URL writes it, after
// %25 (RFC 6874, section 2). %25 alone means the interface with that index.
func plainZone(s string) string {
	before, zone, ok := strings.Cut(s, "%25")
	if !ok || !strings.HasPrefix(s, "[") || strings.HasPrefix(zone, "]") {
		return s
	}
	return before + "%" + zone
}

func parsePort(s string) (uint16, error) {
	p, err := strconv.ParseUint(s, 10, 16)
	if err != nil || p == 0 {
		return 0, fmt.Errorf("port %q is not a number from 1 to 65535", s)
	}
	return uint16(p), nil
}

// checkHost refuses text that can be neither an address nor a host name, so
// that it is not sent to a name server.
func checkHost(host string) error {
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	if host == "" || len(host) > 253 {
		return fmt.Errorf("the host name is empty or too long")
	}
	onlyDigits := true
	for _, r := range host {
		switch {
		case r >= '0' && r <= '9', r == '.':
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '-', r == '_':
			onlyDigits = false
		default:
			return fmt.Errorf("%q cannot stand in a host name", r)
		}
	}
	if onlyDigits {
		return fmt.Errorf("not an IPv4 address: four numbers from 0 to 255 with dots between them")
	}
	return nil
}

// A family says which IP versions the person allows.
type family string // as package net names it

const (
	anyFamily family = "ip"
	onlyIPv4  family = "ip4"
	onlyIPv6  family = "ip6"
)

func (f family) allows(a netip.Addr) bool {
	return f == anyFamily || a.Is4() == (f == onlyIPv4)
}

// name is the family in a sentence.
func (f family) name() string {
	switch f {
	case onlyIPv4:
		return "IPv4"
	case onlyIPv6:
		return "IPv6"
	}
	return "IP"
}

// lookup finds the target's address: as given, from --resolve, or by name.
func (t *target) lookup(ctx context.Context, overrides []string, f family, via route.Via) error {
	given := ""
	for _, o := range overrides {
		host, port, addr, err := parseResolve(o)
		if err != nil {
			return err
		}
		if given == "" && strings.EqualFold(host, t.host) && (port == 0 || port == t.port) {
			t.addr, given = addr, o
		}
	}
	if a, err := netip.ParseAddr(t.host); given == "" && err == nil {
		t.addr, given = a.Unmap(), t.host
	}
	if given != "" {
		if !f.allows(t.addr) {
			return usageError("%s is not an %s address, as -4, -6 or --source-ip ask for", given, f.name())
		}
		return nil
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, string(f), t.host)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return &goal.InterruptedError{Waiting: "the address of " + t.host}
	case err != nil && ctx.Err() != nil:
		return &goal.NameError{Name: t.host, Versions: f.name(), Err: ctx.Err()}
	case err != nil || len(addrs) == 0:
		return &goal.NameError{Name: t.host, Versions: f.name(), Err: err}
	}
	addrs = rawtcp.OrderAddrs(addrs, via)
	t.addr, t.others = addrs[0], addrs[1:min(len(addrs), maxAddrs)]
	return nil
}

// parseResolve reads HOST:ADDR, or HOST:PORT:ADDR as curl has it. An IPv6
// address may stand in brackets, and must where its beginning could be a port.
func parseResolve(s string) (host string, port uint16, addr netip.Addr, err error) {
	host, rest, ok := strings.Cut(s, ":")
	if !ok || host == "" {
		return "", 0, addr, usageError("--resolve %q is not HOST:ADDR or HOST:PORT:ADDR", s)
	}
	short, shortErr := parseBracketed(rest)
	first, after, _ := strings.Cut(rest, ":")
	port, portErr := parsePort(first)
	long, longErr := parseBracketed(after)
	switch {
	case portErr == nil && longErr == nil && shortErr == nil:
		return "", 0, addr, usageError("--resolve %q can be read in two ways: put the address in brackets, %s:[%s] or %s:%d:[%s]", s, host, short, host, port, long)
	case portErr == nil && longErr == nil:
		return host, port, long.Unmap(), nil
	case shortErr == nil:
		return host, 0, short.Unmap(), nil
	}
	return "", 0, addr, usageError("--resolve %q is not HOST:ADDR or HOST:PORT:ADDR", s)
}

// parseBracketed reads an address, which may stand in brackets if it is IPv6.
func parseBracketed(s string) (netip.Addr, error) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok && strings.Contains(inner, ":") {
			s = inner
		}
	}
	return netip.ParseAddr(s)
}
