package matrix

import (
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// machine is our client or our server.
type machine interface {
	worker.Machine
	Receive([]byte)
	TransportEOF()
	Next() []byte
	Write([]byte) int
	Peek() []byte
	Discard(int)
	EOF() bool
	CloseWrite()
	Stage() handshake.Stage
	State() handshake.State
	Err() error
}

// patience ends what hangs; nothing waits for it.
const patience = time.Minute

// drive moves a machine over a stream until step, called whenever nothing is
// left to send, says that it is done.
func drive(m machine, w *worker.Worker, stream net.Conn, step func() (done bool)) error {
	stream.SetDeadline(time.Now().Add(patience))
	buf := make([]byte, 32<<10)
	for {
		w.Finish(m)
		if out := m.Next(); len(out) > 0 {
			if _, err := stream.Write(out); err != nil && m.Err() == nil {
				return err
			}
			continue
		}
		if m.Err() != nil {
			return m.Err()
		}
		if step() {
			if out := m.Next(); len(out) > 0 { // a close_notify, which may come too late
				stream.Write(out)
			}
			return m.Err()
		}
		if out := m.Next(); len(out) > 0 {
			if _, err := stream.Write(out); err != nil {
				return err
			}
			continue
		}
		n, err := stream.Read(buf)
		m.Receive(buf[:n])
		if errors.Is(err, io.EOF) {
			m.TransportEOF()
		} else if err != nil {
			return err
		}
	}
}

// request is what our client says. Each peer answers it in its own way: by a
// page, or by the same again, or turned around.
const request = "GET / HTTP/1.0\r\n\r\n"

// visit has our client shake hands at an address, in full and then resuming,
// have something answered each time, and close.
func (a *authority) visit(addr string, c cell) error {
	cfg := handshake.Config{ServerName: serverName, CipherSuites: []tlsmsg.CipherSuite{c.suite.ID}, Legacy: true, SessionTicket: c.ticket}
	w := &worker.Worker{Roots: a.roots}
	if c.auth {
		id := a.byKind[c.kind]
		cfg.Credentials, w.Signers = []handshake.Credential{id.cred.Credential}, []crypto.Signer{id.key}
	}
	for _, resumed := range []bool{false, true} {
		rand.Read(cfg.Random[:])
		client := handshake.NewClient(cfg)
		if err := call(client, w, addr); err != nil {
			return fmt.Errorf("resuming=%v: %w", resumed, err)
		}
		s := client.State()
		if err := c.check(&s, resumed); err != nil {
			return err
		}
		switch {
		case !s.Verified() || s.Scheme != 0 != (c.suite.KeyExchange != tlsmsg.KeyExchangeRSA && !resumed):
			return fmt.Errorf("resumed=%v: verdict %v, scheme %v", resumed, s.Verdict, s.Scheme)
		case c.auth && !resumed && s.Credential != 0:
			return errors.New("no client certificate was asked for, or none fitted")
		case !c.auth && s.CertificateRequested:
			return errors.New("a client certificate was asked for")
		case s.Session == nil || len(s.Session.Ticket) > 0 != c.ticket:
			return fmt.Errorf("no session to resume by %s: %+v", c.way(), s.Session)
		}
		cfg.Session = s.Session
	}
	return nil
}

// call shakes hands, has a request answered, and closes.
func call(client *handshake.Client, w *worker.Worker, addr string) error {
	stream, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer stream.Close()
	client.Start()
	asked := false
	return drive(client, w, stream, func() bool {
		if client.Stage() == handshake.StageFinished && !asked {
			asked = true
			client.Write([]byte(request))
		}
		if len(client.Peek()) == 0 {
			return false
		}
		client.Discard(len(client.Peek()))
		client.CloseWrite()
		return true
	})
}

// check looks at what both of our sides know of a connection.
func (c cell) check(s *handshake.State, resumed bool) error {
	if s.CipherSuite != c.suite.ID || s.Version != tlsmsg.VersionTLS12 || s.Resumed != resumed {
		return fmt.Errorf("%v, %v, resumed=%v, expected %v, resumed=%v", s.CipherSuite, s.Version, s.Resumed, c.suite.ID, resumed)
	}
	return nil
}

// host is our server, for one cell after the other.
type host struct {
	*authority
	net.Addr
	mu     sync.Mutex
	cell   cell
	sess   *worker.Sessions
	visits []visitor
}

// visitor is what our server saw of one connection.
type visitor struct {
	state handshake.State
	heard int // bytes of application data
	err   error
}

func newHost(t *testing.T, a *authority) *host {
	h := &host{authority: a}
	h.Addr = listen(t, h.serve)
	return h
}

// listen serves one connection after the other on the loopback, until the test's
// end.
func listen(t *testing.T, serve func(net.Conn)) net.Addr {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			stream, err := l.Accept()
			if err != nil {
				return
			}
			serve(stream)
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr()
}

func (h *host) serve(stream net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer stream.Close()
	id := h.byKind[h.cell.kind]
	cfg := handshake.ServerConfig{CipherSuites: []tlsmsg.CipherSuite{h.cell.suite.ID}, Credentials: []handshake.ServerCredential{id.cred},
		Tickets: h.cell.ticket, SessionID: make([]byte, 32)}
	if h.cell.auth {
		cfg.ClientAuth = handshake.ClientAuthRequire
	}
	rand.Read(cfg.Random[:])
	rand.Read(cfg.SessionID)
	w := &worker.Worker{Roots: h.roots, Signers: []crypto.Signer{id.key}, Sessions: h.sess}
	s := handshake.NewServer(cfg)
	v := visitor{}
	v.err = drive(s, w, stream, func() bool {
		for n := len(s.Peek()); n > 0; n = len(s.Peek()) { // echo
			v.heard += n
			s.Write(s.Peek())
			s.Discard(n)
		}
		if !s.EOF() {
			return false
		}
		s.CloseWrite()
		return true
	})
	v.state = s.State()
	h.visits = append(h.visits, v)
}

// receive readies the host for a cell.
func (h *host) receive(c cell) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cell, h.visits, h.sess = c, nil, &worker.Sessions{Key: make([]byte, 32)}
}

// judge says what was wrong with the visits: one in full, and one that resumed.
func (h *host) judge() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.visits) != 2 {
		return fmt.Errorf("%d connections, expected 2: %+v", len(h.visits), h.visits)
	}
	for i, v := range h.visits {
		if v.err != nil {
			return fmt.Errorf("connection %d: %w", i+1, v.err)
		}
		if err := h.cell.check(&v.state, i == 1); err != nil {
			return err
		}
		if h.cell.auth != v.state.Verified() {
			return fmt.Errorf("connection %d: client verified: %v", i+1, v.state.Verified())
		}
	}
	if h.visits[1].heard == 0 {
		return errors.New("no application data came")
	}
	return nil
}
