// A name may have several addresses, of which one may be down, or of an IP
// version that this machine has no route for: each is tried in turn (RFC 1123,
// section 2.3).

package rawtcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/rawtcp/route"
)

// dialEach opens a connection to the first address that answers. Attempt opens
// one to a single address, within its context's time.
func (d *Dialer) dialEach(ctx context.Context, network, host string, list []netip.AddrPort, attempt func(context.Context, netip.AddrPort) (*Conn, error)) (*Conn, error) {
	failed := &AddressesError{Host: host}
	for i, remote := range list {
		c, err := inShare(ctx, remote, len(list)-i, attempt)
		if err == nil {
			return c, nil
		}
		failed.Add(remote, err, !errors.Is(err, route.ErrNoRoute))
		if len(list) == 1 || ctx.Err() != nil || !unreached(err) {
			return nil, err
		}
		if i+1 < len(list) {
			d.note("link", "next_address", failed.Next(list[i+1]))
		}
	}
	return nil, &net.OpError{Op: "dial", Net: network, Err: failed}
}

// attemptTimeout is for each address but the last, where the context has no
// deadline.
const attemptTimeout = 10 * time.Second

// inShare makes one attempt in its share of the time that is left for that
// many.
func inShare(ctx context.Context, remote netip.AddrPort, of int, attempt func(context.Context, netip.AddrPort) (*Conn, error)) (*Conn, error) {
	whole, within := ctx, attemptTimeout
	if of > 1 {
		if end, ok := ctx.Deadline(); ok {
			within = time.Until(end) / time.Duration(of)
		}
		part, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		ctx = part
	}
	c, err := attempt(ctx, remote)
	if err != nil && ctx.Err() != nil && whole.Err() == nil {
		err = &net.OpError{Op: "dial", Net: "tcp", Addr: tcpAddr(remote), Err: classify(fmt.Errorf("%w: no SYN-ACK came in %v", ErrTimeout, within.Round(time.Millisecond)))}
	}
	return c, err
}

// dialOne opens a connection to one address and waits until it is established.
func (d *Dialer) dialOne(ctx context.Context, remote netip.AddrPort) (*Conn, error) {
	c, err := d.Open(ctx, remote)
	if err != nil {
		return nil, err
	}
	if err := c.Handshake(ctx); err != nil {
		c.Abort()
		return nil, err
	}
	return c, nil
}

// unreached reports whether an error says that an address cannot be reached,
// rather than that this machine forbids something.
func unreached(err error) bool {
	return errors.Is(err, ErrRefused) || errors.Is(err, ErrTimeout) || errors.Is(err, ErrUnreachable)
}

// families are the networks that resolve knows, and what to look up for each.
var families = map[string]string{"tcp": "ip", "tcp4": "ip4", "tcp6": "ip6"}

// maxAddrs bounds how many addresses of a name are tried, since they share the
// time.
const maxAddrs = 6

// resolve finds the addresses of host:port, in the order to try them: see
// [OrderAddrs].
func (d *Dialer) resolve(ctx context.Context, op, network, address string) (host string, list []netip.AddrPort, err error) {
	fail := func(err error) (string, []netip.AddrPort, error) {
		return host, nil, &net.OpError{Op: op, Net: network, Err: err}
	}
	family, ok := families[network]
	if !ok {
		return fail(net.UnknownNetworkError(network))
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return fail(err)
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", service)
	if err != nil {
		return fail(err)
	}
	lookup := d.Lookup
	if lookup == nil {
		lookup = net.DefaultResolver.LookupNetIP
	}
	addrs, err := lookup(ctx, family, host)
	if err == nil && len(addrs) == 0 {
		err = &net.DNSError{Err: "no such address", Name: host, IsNotFound: true}
	}
	if err != nil {
		return fail(err)
	}
	addrs = OrderAddrs(addrs, route.Via{Interface: d.Interface, Source: d.Source})
	for _, a := range addrs[:min(len(addrs), maxAddrs)] {
		list = append(list, netip.AddrPortFrom(a, uint16(port)))
	}
	return host, list, nil
}
