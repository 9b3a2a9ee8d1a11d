package rawtcp_test

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/rawshake/rawshake/internal/test/badlink"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

var (
	clientAddr = netip.MustParseAddrPort("198.18.0.1:40000")
	serverAddr = netip.MustParseAddrPort("198.18.0.2:80")
)

func plain(cfg tcb.Config) endpoint.Machine { return tcb.New(cfg) }

// pair joins two stacks by a pipe, and opens a connection from one to the other.
func pair(t testing.TB, a, b link.Link, cfg rawtcp.StackConfig) (client, server net.Conn, stop func(), err error) {
	cfg.Linger = cmp.Or(cfg.Linger, time.Minute)
	near, far := rawtcp.NewStack(a, cfg), rawtcp.NewStack(b, cfg)
	stop = func() {
		near.Close()
		far.Close()
	}
	ln, err := far.Listen(serverAddr)
	if err != nil {
		return nil, nil, stop, err
	}
	c, err := near.Open(clientAddr, serverAddr, plain)
	if err != nil {
		return nil, nil, stop, err
	}
	if server, err = ln.Accept(); err != nil {
		return nil, nil, stop, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return c, server, stop, c.Handshake(ctx)
}

// TestConnIsANetConn holds two stacks on a pipe against net.Conn's contract.
func TestConnIsANetConn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		a, b := link.Pipe()
		return pair(t, a, b, rawtcp.StackConfig{})
	})
}

// TestConnIsANetConnInBadWeather does so where packets are lost, copied,
// overtaken and late. The suite gives a thousand exchanges a minute: each loss
// must not cost RFC 6298's whole second.
func TestConnIsANetConnInBadWeather(t *testing.T) {
	patience := rawtcp.StackConfig{Configure: func(c *tcb.Config) { c.MinRTO = 50 * time.Millisecond }}
	var seed uint64
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		a, b := link.Pipe()
		seed++
		impairment := badlink.Impairment{Seed: seed, Loss: 0.02, Duplicate: 0.02, Reorder: 0.05, Delay: 500 * time.Microsecond}
		return pair(t, badlink.Wrap(a, impairment), b, patience)
	})
}
