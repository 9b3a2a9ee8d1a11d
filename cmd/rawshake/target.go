package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

const defaultPort = 443

// A target is what the person typed, and the address that it stands for.
type target struct {
	host string // name or address, without brackets
	port uint16
	addr netip.Addr
}

func (t target) addrPort() netip.AddrPort { return netip.AddrPortFrom(t.addr, t.port) }

// hostHeader is the target as a Host header names it.
func (t target) hostHeader() string {
	if t.port == defaultPort {
		return t.host
	}
	return net.JoinHostPort(t.host, strconv.Itoa(int(t.port)))
}

// parseTarget reads HOST[:PORT].
func parseTarget(s string) (target, error) {
	host, port := s, ""
	if strings.Contains(s, ":") {
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

func parsePort(s string) (uint16, error) {
	p, err := strconv.ParseUint(s, 10, 16)
	if err != nil || p == 0 {
		return 0, fmt.Errorf("port %q is not a number from 1 to 65535", s)
	}
	return uint16(p), nil
}

// checkHost refuses what can be neither an address nor a host name, so that it
// is not sent to a name server.
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

// lookup finds the target's IPv4 address: as given, from --resolve, or by name.
func (t *target) lookup(ctx context.Context, overrides []string) error {
	for _, o := range overrides {
		host, port, addr, err := parseResolve(o)
		if err != nil {
			return err
		}
		if strings.EqualFold(host, t.host) && (port == 0 || port == t.port) {
			t.addr = addr
			return requireIPv4(addr, o)
		}
	}
	if a, err := netip.ParseAddr(t.host); err == nil {
		t.addr = a.Unmap()
		return requireIPv4(t.addr, t.host)
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", t.host)
	if err != nil {
		return &statusError{exitUnreachable, fmt.Errorf("the name %s has no IPv4 address: %w. Give one with --resolve %s:ADDR", t.host, err, t.host)}
	}
	t.addr = addrs[0].Unmap()
	return nil
}

func requireIPv4(a netip.Addr, given string) error {
	if a.Is4() {
		return nil
	}
	return usageError("%s: IPv6 is not spoken yet; give an IPv4 address", given)
}

// parseResolve reads HOST:ADDR, or HOST:PORT:ADDR as curl has it.
func parseResolve(s string) (host string, port uint16, addr netip.Addr, err error) {
	host, rest, ok := strings.Cut(s, ":")
	bad := usageError("--resolve %q is not HOST:ADDR or HOST:PORT:ADDR", s)
	if !ok || host == "" {
		return "", 0, addr, bad
	}
	if p, after, has := strings.Cut(rest, ":"); has {
		if n, perr := parsePort(p); perr == nil {
			port, rest = n, after
		}
	}
	addr, perr := netip.ParseAddr(strings.Trim(rest, "[]"))
	if perr != nil {
		return "", 0, addr, bad
	}
	return host, port, addr.Unmap(), nil
}
