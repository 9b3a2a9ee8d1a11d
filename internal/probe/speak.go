// TLS clients are lent to connections. A hundred thousand hosts may owe us an
// answer to a ClientHello, and beyond the first few none of them costs a TLS
// client until it comes: two ClientHellos differ only in a name and a random,
// so one client makes them all, and another continues the handshake when there
// is an answer.

package probe

import (
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// fewConns may each keep the client that made its ClientHello, which takes a
// client's memory and saves making it twice; in tests none may.
var fewConns = 256

// clients are TLS clients that no connection has.
type clients struct{ free []*handshake.Client }

func (s *clients) take() *handshake.Client {
	n := len(s.free)
	if n == 0 {
		return new(handshake.Client)
	}
	c := s.free[n-1]
	s.free = s.free[:n-1]
	return c
}

// put takes one back: it and what it gave out will serve another connection.
func (s *clients) put(c *handshake.Client) {
	c.Release()
	s.free = append(s.free, c)
}

// speak begins TLS on a connection that is open, and gives it a client once there is
// something to receive, even if it is the end.
func (cs *connections) speak(c *connection) {
	switch {
	case cs.toGreet(c):
		cs.greet(c)
	case cs.toWake(c):
		cs.wake(c)
	}
}

// toGreet reports whether the ClientHello is to be written.
func (cs *connections) toGreet(c *connection) bool {
	return cs.o.Goal != GoalTCP && c.audit == nil && !c.greeted && c.session.TLS() == nil && c.session.State() >= tcb.Established && !c.session.Preceding()
}

// toWake reports whether there is something for a client to receive.
func (cs *connections) toWake(c *connection) bool {
	return c.greeted && c.session.TLS() == nil && (len(c.session.Peek()) > 0 || c.session.EOF() || c.session.Err() != nil)
}

// needsKeys reports whether speak will have to make keys, which is work.
func (cs *connections) needsKeys(c *connection) bool {
	return cs.seed != nil && (cs.toGreet(c) || cs.toWake(c) && len(c.session.Peek()) > 0)
}

// begin returns a client that has made the connection's ClientHello: the same one each
// time, its keys included.
func (cs *connections) begin(c *connection) *handshake.Client {
	tls := cs.clients.take()
	id := c.identity()
	if cs.seed != nil {
		id.ShareSeed = cs.seed(c)
	}
	tls.Reset(cs.tls, id)
	tls.Start()
	for tls.Err() == nil && tls.Stage() < handshake.StageHelloSent {
		work, ok := tls.Work()
		if !ok {
			break
		}
		tls.Resume(cs.o.Worker.Do(work))
	}
	return tls
}

// greet writes the ClientHello.
func (cs *connections) greet(c *connection) {
	cs.random.Read(c.random[:])
	c.greeted = true
	tls := cs.begin(c)
	c.session.Write(tls.Output())
	failed := tls.Err() != nil // there is no ClientHello for such a name
	if failed || cs.live <= fewConns || len(c.session.Peek()) > 0 || c.session.EOF() {
		c.session.Adopt(tls)
	} else {
		cs.clients.put(tls)
	}
}

// wake gives a connection its client. A client that will only say that nothing arrived
// needs no keys.
func (cs *connections) wake(c *connection) {
	if cs.seed == nil || len(c.session.Peek()) > 0 {
		tls := cs.begin(c)
		c.tcp.Reload(tls.Output()) // where it is not acknowledged
		c.session.Adopt(tls)
		return
	}
	tls := cs.clients.take()
	tls.Reset(cs.keyless, c.identity())
	c.session.Adopt(tls)
}

// reload makes the ClientHello again, of which something is to be sent again.
func (cs *connections) reload(c *connection) {
	tls := cs.begin(c)
	c.tcp.Reload(tls.Output())
	cs.clients.put(tls)
}

// identity is what distinguishes the target's ClientHello.
func (c *connection) identity() handshake.Identity {
	name := c.target.Name
	if name == "" { // of an address there is no server_name, and a name to check the certificate against all the same
		name = c.target.Addr.WithZone("").String()
	}
	return handshake.Identity{Random: c.random, ServerName: name}
}
