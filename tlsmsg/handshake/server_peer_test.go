package handshake_test

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// either is a Client or a Server.
type either interface {
	worker.Machine
	Receive([]byte)
	TransportEOF()
	Next() []byte
	Write([]byte) int
	Peek() []byte
	Discard(int)
	EOF() bool
	CloseWrite()
	CanWrite() bool
	Stage() handshake.Stage
	State() handshake.State
	Err() error
}

var _, _ either = (*handshake.Client)(nil), (*handshake.Server)(nil)

// serverConfig is that of a server with a certificate of each kind.
func (a *authority) serverConfig(t testing.TB, kinds ...string) (handshake.ServerConfig, *worker.Worker) {
	t.Helper()
	cfg, w := handshake.ServerConfig{Random: randomBytes()}, a.worker()
	for _, kind := range kinds {
		cert := a.cert(kind)
		key := cert.PrivateKey.(crypto.Signer)
		cred, err := worker.NewServerCredential(cert.Certificate, key)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Credentials = append(cfg.Credentials, cred)
		w.Signers = append(w.Signers, key)
	}
	return cfg, w
}

// public returns the public key of a kind.
func (a *authority) public(kind string) crypto.PublicKey {
	return a.cert(kind).PrivateKey.(crypto.Signer).Public()
}

// client returns the config of a client that trusts the authority.
func (a *authority) client(t testing.TB, credential string) (handshake.Config, *worker.Worker) {
	t.Helper()
	cfg, w := handshake.Config{Random: randomBytes(), ServerName: serverName}, a.worker()
	if credential != "" {
		cred, key := a.credential(t, credential)
		cfg.Credentials, w.Signers = []handshake.Credential{cred}, []crypto.Signer{key}
	}
	return cfg, w
}

// pair is a client and a server in memory.
type pair struct {
	c      *handshake.Client
	s      *handshake.Server
	cw, sw *worker.Worker
	chunk  int // bytes handed over at once; 0: all
	filter func(fromClient bool, wire []byte) []byte
}

// run hands bytes to and fro until neither side has any, and reports whether
// any moved.
func (p *pair) run() (moved bool) {
	for range 1000 {
		p.cw.Finish(p.c)
		p.sw.Finish(p.s)
		toServer := p.move(p.c, p.s, p.sw, true)
		toClient := p.move(p.s, p.c, p.cw, false)
		if !toServer && !toClient {
			return moved
		}
		moved = true
	}
	panic("two sides that never come to rest")
}

func (p *pair) move(from, to either, w *worker.Worker, fromClient bool) bool {
	wire := bytes.Clone(from.Next())
	if wire == nil {
		return false
	}
	if p.filter != nil {
		wire = p.filter(fromClient, wire)
	}
	for len(wire) > 0 {
		n := len(wire)
		if p.chunk > 0 {
			n = min(n, p.chunk)
		}
		to.Receive(wire[:n])
		w.Finish(to)
		wire = wire[n:]
	}
	return true
}

// shake does the handshake and tells how it ended on both sides.
func (p *pair) shake() error {
	p.c.Start()
	p.run()
	if p.c.Err() != nil || p.s.Err() != nil {
		return fmt.Errorf("client: %w; server: %w", orNil(p.c.Err()), orNil(p.s.Err()))
	}
	if p.c.Stage() != handshake.StageFinished || p.s.Stage() != handshake.StageFinished {
		return fmt.Errorf("client at %v, server at %v", p.c.Stage(), p.s.Stage())
	}
	return nil
}

var errNone = errors.New("no error")

func orNil(err error) error {
	if err == nil {
		return errNone
	}
	return err
}

// say sends data from one side and returns what the other reads.
func (p *pair) say(from, to either, data []byte) (got []byte) {
	for {
		n := from.Write(data)
		data = data[n:]
		p.run()
		for len(to.Peek()) > 0 {
			got = append(got, to.Peek()...)
			to.Discard(len(to.Peek()))
		}
		if len(data) == 0 || n == 0 {
			return got
		}
	}
}

// echo moves a server over a stream: it shakes hands, sends back what it
// reads, and closes when the client does.
func echo(s *handshake.Server, w *worker.Worker, stream net.Conn) error {
	return echoBy(s, w, stream, func() {})
}

// echoBy is echo with something to do in each round.
func echoBy(s *handshake.Server, w *worker.Worker, stream net.Conn, also func()) error {
	stream.SetDeadline(time.Now().Add(time.Minute)) // nothing waits for it: it ends a test that hangs
	buf := make([]byte, 32<<10)
	for {
		w.Finish(s)
		also()
		for len(s.Peek()) > 0 {
			n := s.Write(s.Peek())
			s.Discard(n)
			if n == 0 {
				break
			}
		}
		if s.EOF() {
			s.CloseWrite()
		}
		if out := s.Next(); len(out) > 0 {
			if _, err := stream.Write(out); err != nil && s.Err() == nil {
				return err
			}
			continue
		}
		if s.Err() != nil || s.EOF() {
			return s.Err()
		}
		n, err := stream.Read(buf)
		s.Receive(buf[:n])
		if errors.Is(err, io.EOF) {
			s.TransportEOF()
		} else if err != nil {
			return err
		}
	}
}
