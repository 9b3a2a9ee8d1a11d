//go:build linux

// HOST[:PORT] as people type it, and the addresses that it stands for.

package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"

	"github.com/rawshake/rawshake/internal/conn/http1"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/probe/targets"
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
func (t target) hostHeader() string { return http1.Host(t.host, t.port) }

// parseTarget reads HOST[:PORT], with a port for where there is none.
func parseTarget(s string, port uint16) (target, error) {
	if strings.Contains(s, "/") {
		return target{}, usageError("%q: give HOST[:PORT], not a URL", s)
	}
	spec, err := targets.ParseSpec(s)
	switch {
	case err != nil:
		return target{}, usageError("%q is not HOST[:PORT]: %v", s, err)
	case len(spec.Ports) > 1, spec.Host == "" && spec.Range.First != spec.Range.Last:
		return target{}, usageError("%q: give one host and one port", s)
	}
	t := target{host: spec.Host, port: port}
	if t.host == "" {
		t.host = spec.Range.First.String()
	}
	if len(spec.Ports) == 1 {
		t.port = spec.Ports[0]
	}
	return t, nil
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
	port, portErr := targets.ParsePort(first)
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
