// What precedes TLS on each connection: STARTTLS, a proxy, the PROXY protocol.

package audit

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/internal/starttls/stream"
)

// A Preamble is said on each connection before TLS.
type Preamble struct {
	Profile *starttls.Profile
	Host    string // whom a proxy is asked for
	Port    uint16
	Name    string // TLS's server name
}

// open says it on a connection, and returns the stream behind it.
func (p *Preamble) open(ctx context.Context, conn net.Conn, within time.Duration) (net.Conn, error) {
	id := starttls.Identity{ServerName: p.Name, Host: p.Host, Port: p.Port, Local: addrPort(conn.LocalAddr()), Remote: addrPort(conn.RemoteAddr())}
	m := starttls.NewMachine(p.Profile, id)
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	ahead, err := stream.Speak(conn, m)
	if err == nil {
		err = m.Err()
	}
	switch {
	case err == nil:
		_ = conn.SetDeadline(time.Time{})
		return &behind{conn, ahead}, nil
	case isTimeout(err) && !errors.Is(ctx.Err(), context.Canceled):
		return nil, &goal.TimeoutError{After: within, Waiting: m.Waiting(), Connected: true, Preceding: true}
	}
	return nil, err
}

// behind is a stream of which some octets were read already.
type behind struct {
	net.Conn
	ahead []byte
}

func (b *behind) Read(p []byte) (int, error) {
	if len(b.ahead) == 0 {
		return b.Conn.Read(p)
	}
	n := copy(p, b.ahead)
	b.ahead = b.ahead[n:]
	return n, nil
}

func addrPort(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		at := tcp.AddrPort()
		return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
	}
	return netip.AddrPort{}
}
