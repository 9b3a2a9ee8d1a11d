package matrix

import (
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// counted counts the messages of a connection that say what happened in it.
type counted struct{ hellos, updates int }

// counts counts ClientHellos, and KeyUpdates that came.
func (n *counted) counts(e handshake.Event) {
	m, ok := e.(handshake.MessageEvent)
	switch {
	case !ok || m.Content != tlsmsg.ContentHandshake:
	case m.Type == tlsmsg.TypeClientHello:
		n.hellos++
	case m.Type == tlsmsg.TypeKeyUpdate && m.Dir == handshake.In:
		n.updates++
	}
}

// visit13 has our client shake hands at an address, in full and then resuming,
// update keys or not, have something answered each time, and close.
func (a *authority) visit13(addr string, c cell13, update bool) error {
	var n counted
	cfg := handshake.Config{ServerName: serverName, MinVersion: tlsmsg.VersionTLS13, MaxVersion: tlsmsg.VersionTLS13,
		CipherSuites: []tlsmsg.CipherSuite{c.suite.ID}, Groups: []tlsmsg.NamedGroup{c.group}, Events: n.counts}
	w := &worker.Worker{Roots: a.roots}
	if c.auth {
		id := a.byKind[c.kind]
		cfg.Credentials, w.Signers = []handshake.Credential{id.cred.Credential}, []crypto.Signer{id.key}
	}
	for _, resumed := range []bool{false, true} {
		n = counted{}
		cfg.KeyShares = []tlsmsg.NamedGroup{c.group}
		if c.retry() && !resumed {
			cfg.KeyShares = []tlsmsg.NamedGroup{} // no guess at all
		}
		rand.Read(cfg.Random[:])
		client := handshake.NewClient(cfg)
		if err := call13(client, w, addr, update); err != nil {
			return fmt.Errorf("resuming=%v: %w", resumed, err)
		}
		s := client.State()
		if err := c.check(&s, resumed); err != nil {
			return err
		}
		switch {
		case (n.hellos == 2) != (c.retry() && !resumed):
			return fmt.Errorf("resumed=%v: %d ClientHellos", resumed, n.hellos)
		case update && n.updates == 0:
			return fmt.Errorf("resumed=%v: the peer does not update its keys", resumed)
		case !s.Verified():
			return fmt.Errorf("resumed=%v: verdict %v", resumed, s.Verdict)
		case c.auth && !resumed && s.Credential != 0:
			return errors.New("no client certificate was asked for, or none fitted")
		case s.Session == nil:
			return errors.New("no session to resume")
		}
		cfg.Session = s.Session
	}
	return nil
}

// call13 shakes hands, may update the keys of both sides, has a request answered,
// and closes.
func call13(client *handshake.Client, w *worker.Worker, addr string, update bool) error {
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
			if update {
				client.UpdateKeys(true)
			}
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
func (c cell13) check(s *handshake.State, resumed bool) error {
	if s.CipherSuite != c.suite.ID || s.Version != tlsmsg.VersionTLS13 || s.Resumed != resumed || s.Group != c.group {
		return fmt.Errorf("%v, %v, %v, resumed=%v, expected %v, %v, resumed=%v", s.Version, s.CipherSuite, s.Group, s.Resumed, c.suite.ID, c.group, resumed)
	}
	return nil
}

// host13 is our server, for one cell after the other.
type host13 struct {
	*authority
	net.Addr
	mu     sync.Mutex
	cell   cell13
	sess   *worker.Sessions
	visits []visitor13
	abrupt bool // a client may close without close_notify once it has heard everything and ours
}

// visitor13 is what our server saw of one connection.
type visitor13 struct {
	visitor
	hellos int
}

func newHost13(t *testing.T, a *authority) *host13 {
	h := &host13{authority: a}
	h.Addr = listen(t, h.serve)
	return h
}

// serve updates keys, echoes what is said, and closes.
func (h *host13) serve(stream net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer stream.Close()
	var n counted
	id := h.byKind[h.cell.kind]
	cfg := handshake.ServerConfig{MinVersion: tlsmsg.VersionTLS13, MaxVersion: tlsmsg.VersionTLS13,
		CipherSuites: []tlsmsg.CipherSuite{h.cell.suite.ID}, Groups: []tlsmsg.NamedGroup{h.cell.group},
		Credentials: []handshake.ServerCredential{id.cred}, Tickets: true, Events: n.counts}
	if h.cell.auth {
		cfg.ClientAuth = handshake.ClientAuthRequire
	}
	rand.Read(cfg.Random[:])
	w := &worker.Worker{Roots: h.roots, Signers: []crypto.Signer{id.key}, Sessions: h.sess}
	s := handshake.NewServer(cfg)
	v := visitor13{}
	v.err = drive(s, w, stream, func() bool {
		if heard := len(s.Peek()); heard > 0 {
			v.heard += heard
			s.UpdateKeys(true)
			s.Write(s.Peek())
			s.Discard(heard)
			s.CloseWrite()
		}
		if !s.EOF() {
			return false
		}
		s.CloseWrite()
		return true
	})
	v.state, v.hellos = s.State(), n.hellos
	h.visits = append(h.visits, v)
}

// receive readies the host for a cell.
func (h *host13) receive(c cell13) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cell, h.visits, h.sess = c, nil, &worker.Sessions{Key: make([]byte, 32)}
}

// judge says what was wrong with the visits: one in full, and one that resumed.
func (h *host13) judge(retried bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.visits) != 2 {
		return fmt.Errorf("%d connections, expected 2: %+v", len(h.visits), h.visits)
	}
	for i, v := range h.visits {
		if v.err != nil && !(h.abrupt && v.heard > 0 && errors.Is(v.err, handshake.ErrTruncated)) {
			return fmt.Errorf("connection %d: %w", i+1, v.err)
		}
		if err := h.cell.check(&v.state, i == 1); err != nil {
			return err
		}
		if h.cell.auth != v.state.Verified() {
			return fmt.Errorf("connection %d: client verified: %v", i+1, v.state.Verified())
		}
		if i == 0 && (v.hellos == 2) != retried {
			return fmt.Errorf("connection %d: %d ClientHellos", i+1, v.hellos)
		}
	}
	if h.visits[1].heard == 0 {
		return errors.New("no application data came")
	}
	return nil
}
