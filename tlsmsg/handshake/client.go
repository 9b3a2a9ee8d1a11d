package handshake

import (
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// A Client is the client's side of one TLS 1.2 connection (RFC 5246) over any
// byte stream. It does no I/O: the driver hands it what the stream brought
// (Receive, TransportEOF), sends what it made (Next), and does its slow or
// outside work (Work, Resume). After each of these calls, and after those that
// carry application data, the driver asks for output and for work again.
//
//	c.Start()
//	for {
//		for w, ok := c.Work(); ok; w, ok = c.Work() {
//			c.Resume(worker.Do(w))
//		}
//		stream.Write(c.Next())
//		…
//		c.Receive(bytes)
//	}
//
// A Client is not safe for concurrent use.
type Client struct {
	conn[*Client]
	profile  *Profile
	cfg      *Config // the profile's: not to be written to
	name     string  // Identity.ServerName
	session  *Session
	offered  extensionSet
	exchange exchange
}

// NewClient returns a client that has not begun. Where cfg leaves suites,
// groups or signature schemes empty, [Defaults] are offered.
func NewClient(cfg Config) *Client {
	c := new(struct {
		Client
		profile Profile // of this one alone
	})
	c.profile.set(&cfg)
	c.Reset(&c.profile, cfg.identity())
	return &c.Client
}

// Reset makes the client what NewClient returns for the profile's Config with
// this identity, in place, whatever became of it before. It keeps the memory
// of its buffers, and writes over what State, Next and Peek gave out.
func (c *Client) Reset(p *Profile, id Identity) {
	kept := c.memory()
	*c = Client{profile: p, cfg: &p.cfg, name: id.ServerName, session: id.Session}
	c.init(c, true, c.cfg.Events)
	c.state.ClientRandom = id.Random
	c.reuse(kept)
}

// memory is what one connection leaves to the next.
type memory struct {
	scratch, out, in []byte
	messages         tlsmsg.Assembler
	transcript       suite.Transcript
}

func (c *Client) memory() (m memory) {
	m.scratch, m.out, m.in = c.scratch[:0], c.out.buf[:0], c.in.buf[:0]
	if c.in.borrowed {
		m.in = c.in.store[:0]
	}
	m.messages, m.transcript = c.in.messages, c.transcript
	return m
}

func (c *Client) reuse(m memory) {
	if m.scratch == nil {
		return // it is the first
	}
	c.scratch, c.out.buf, c.in.buf = m.scratch, m.out, m.in
	m.messages.Reset()
	m.transcript.Reset()
	c.in.messages, c.transcript = m.messages, m.transcript
}

// Start makes the ClientHello. It does nothing the second time.
func (c *Client) Start() {
	if c.phase != phaseStart || c.fault != nil {
		return
	}
	c.table = &client12
	c.end(c.sendClientHello())
}
