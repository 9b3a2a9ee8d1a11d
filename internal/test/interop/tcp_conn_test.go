package interop

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
)

// listenOurs announces on a free port of a node with our TCP.
func listenOurs(t *testing.T, n *lab.Node, lc rawtcp.ListenConfig) net.Listener {
	t.Helper()
	ln, err := tryListen(n, lc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

func tryListen(n *lab.Node, lc rawtcp.ListenConfig) (ln net.Listener, err error) {
	err = n.Do(func() (err error) {
		ln, err = lc.Listen(context.Background(), "tcp", netip.AddrPortFrom(n.Addr(), 0).String())
		return err
	})
	return ln, err
}

// TestConnIsANetConnBesideTheKernel holds our end and the kernel's of a
// connection over a veth pair against net.Conn's contract, in both roles and
// over both links.
func TestConnIsANetConnBesideTheKernel(t *testing.T) {
	for _, kind := range []string{"packet", "raw"} {
		t.Run("client/"+kind, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				ln, err := l.Far().Listen("tcp", netip.AddrPortFrom(l.Far().Addr(), 0).String())
				if err != nil {
					return nil, nil, nil, err
				}
				return joined(ln, func() (net.Conn, error) {
					return dial(t, l, rawtcp.Dialer{Link: link.Kind(kind)}, ln.Addr().String(), 10*time.Second)
				})
			})
		})
		t.Run("listener/"+kind, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
				ln, err := tryListen(l.Near(), rawtcp.ListenConfig{Link: link.Kind(kind)})
				if err != nil {
					return nil, nil, nil, err
				}
				return joined(ln, func() (net.Conn, error) {
					ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
					defer cancel()
					return l.Far().Dial(ctx, "tcp", ln.Addr().String())
				})
			})
		})
	}
}

// joined makes one connection to a listener, which ends with it.
func joined(ln net.Listener, dial func() (net.Conn, error)) (c1, c2 net.Conn, stop func(), err error) {
	if c1, err = dial(); err != nil {
		ln.Close()
		return nil, nil, nil, err
	}
	if c2, err = ln.Accept(); err != nil {
		return nil, nil, nil, err
	}
	return c1, c2, func() {
		c1.Close()
		c2.Close()
		ln.Close()
	}, nil
}

// TestNoResetsFromAListenersPort counts them on the wire while many connect,
// talk and leave.
func TestNoResetsFromAListenersPort(t *testing.T) {
	for _, by := range []guard.Kind{guard.KindListener, guard.KindNFTables} {
		for _, kind := range []string{"packet", "raw"} {
			t.Run(string(by)+"/"+kind, func(t *testing.T) {
				t.Parallel()
				l := newLab(t)
				ln := listenOurs(t, l.Near(), rawtcp.ListenConfig{Link: link.Kind(kind), Guard: by})
				go func() {
					for {
						c, err := ln.Accept()
						if err != nil {
							return
						}
						go func() {
							defer c.Close()
							var b [1]byte
							for {
								if _, err := c.Read(b[:]); err != nil {
									return
								}
								c.Write(b[:])
							}
						}()
					}
				}()
				s := sniff(t, l.Far(), l.Far().Interface())
				for range 20 {
					ping(t, l.Far(), ln.Addr().String())
				}
				if n := len(resets(from(s.end(t), l.Near().Addr().String()))); n != 0 {
					t.Errorf("%d RSTs of ours on the wire", n)
				}
			})
		}
	}
}

// ping connects with the kernel's TCP, sends a byte, has it back, and leaves.
func ping(t *testing.T, n *lab.Node, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := n.Dial(ctx, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	b := []byte{42}
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(b); err != nil || b[0] != 42 {
		t.Fatalf("%v, %v came back", b, err)
	}
}
