// Opening a Conn: client, server, dialer and listener.

package tlsconn

import (
	"cmp"
	"context"
	"crypto/rand"
	"io"
	"net"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// Client returns the client's side of TLS over a stream, which it owns from now
// on. Of the Config only ServerName is needed; a Random that is zero is drawn
// anew. The worker has the roots, the clock and the keys of cfg.Credentials;
// nil means the system's roots and clock, and no keys.
//
// The handshake begins with the first call of Handshake, Read or Write.
func Client(stream net.Conn, cfg handshake.Config, w *worker.Worker) *Conn {
	w = cmp.Or(w, &worker.Worker{})
	draw(&cfg.Random, w)
	c := New(stream, handshake.NewClient(cfg), w)
	c.strict = !cfg.AllowUnverified
	return c
}

// A Dialer opens a stream and performs the client's handshake over it. Its
// DialContext fits http.Transport.DialTLSContext.
type Dialer struct {
	// Dial opens the stream, such as rawtcp.Dialer.DialContext; nil: the kernel's TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Config is used for every connection. Without a ServerName the host of the
	// address is taken. Its Random stays zero, so that each connection draws
	// one.
	Config handshake.Config
	Worker *worker.Worker // see Client; nil: the system's roots
}

// DialContext connects to address, "host:port", and returns once the handshake
// is complete: the connection is a *Conn. It fails as the stream's dialer or
// [Conn.Handshake] does, and then leaves nothing open.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	dial := d.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	stream, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	cfg := d.Config
	cfg.ServerName = cmp.Or(cfg.ServerName, host)
	c := Client(stream, cfg, d.Worker)
	if err := c.Handshake(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Server returns the server's side of TLS over a stream, which it owns from now
// on. Of the ServerConfig only Credentials is needed, whose private keys are at
// the same positions in the worker's Signers; a Random that is zero is drawn
// anew. Sessions are kept if the worker has Sessions: in tickets if cfg.Tickets
// says so, else by ID.
func Server(stream net.Conn, cfg handshake.ServerConfig, w *worker.Worker) *Conn {
	w = cmp.Or(w, &worker.Worker{})
	draw(&cfg.Random, w)
	if w.Sessions != nil && !cfg.Tickets && len(cfg.SessionID) == 0 {
		var id [32]byte
		draw(&id, w)
		cfg.SessionID = id[:]
	}
	return New(stream, handshake.NewServer(cfg), w)
}

// NewListener returns a listener whose connections are those of inner with TLS
// above them, see [Server]. Accept does not wait for their handshakes.
func NewListener(inner net.Listener, cfg handshake.ServerConfig, w *worker.Worker) net.Listener {
	return &listener{inner, cfg, w}
}

type listener struct {
	net.Listener
	cfg    handshake.ServerConfig
	worker *worker.Worker
}

// Accept waits for the next connection. It is a *Conn.
func (l *listener) Accept() (net.Conn, error) {
	stream, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return Server(stream, l.cfg, l.worker), nil
}

// draw fills what is zero with randomness.
func draw(b *[32]byte, w *worker.Worker) {
	if *b != [32]byte{} {
		return
	}
	if w.Rand == nil {
		rand.Read(b[:]) // never fails
		return
	}
	if _, err := io.ReadFull(w.Rand, b[:]); err != nil {
		*b = [32]byte{} // the machine refuses it by name
	}
}
