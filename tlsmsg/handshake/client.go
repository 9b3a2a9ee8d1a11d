// The client's side of a connection, as its driver sees it.

package handshake

import (
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// A Client is the client's side of one TLS connection (RFC 5246, RFC 9846) over
// any byte stream. It does no I/O: the driver gives it the bytes that arrived
// (Receive, TransportEOF), sends the bytes that it made (Next), and does its
// slow or outside work (Work, Resume). After each of these calls, and after
// those that carry application data, the driver asks for output and for work
// again.
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
	earlier  *earlier // nil without Config.Renegotiation
	spare13  *tls13   // what tls13 is, or was before TLS 1.2 was chosen
	ech      *ech     // nil: no encrypted ClientHello is offered

	// Decoded messages and extensions: here, not on the stack, as they pass
	// through interfaces, and their lists are used again.
	hello   tlsmsg.ServerHello
	chain   tlsmsg.Certificate
	answers answers
}

// NewClient returns a client that has not started. Where cfg leaves suites,
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

// Reset makes the client in place what NewClient returns for the profile's
// Config with this identity, whatever its state. It overwrites what State, Next
// and Peek returned.
func (c *Client) Reset(p *Profile, id Identity) {
	c.Release()
	kept := c.reusable()
	*c = Client{profile: p, cfg: &p.cfg, name: id.ServerName, session: id.Session}
	c.init(c, true, c.cfg.Events)
	c.reuse(&kept)
	c.lendFrom(c.cfg.Pool)
	c.state.ClientRandom = id.Random
	if c.cfg.MaxVersion >= tlsmsg.VersionTLS13 {
		c.tls13 = c.spare13.again()
		c.tls13.seed, c.spare13 = id.ShareSeed, c.tls13
	}
}

// Release gives the memory of the buffers back to the Config's Pool, including
// what State, Next and Peek returned: after it only Reset may be called.
// Without a Pool it leaves the memory to the garbage collector.
func (c *Client) Release() {
	c.giveSigned()
	c.release()
}

// reusable is what Reset keeps for the next connection: room for lists, and a
// hash.
type reusable struct {
	transcript suite.Transcript
	extensions []tlsmsg.Extension
	chain      [][]byte
	entries    [][]tlsmsg.Extension
	answers    answers
	spare13    *tls13
}

func (c *Client) reusable() reusable {
	return reusable{c.transcript, c.hello.Extensions, c.chain.Chain, c.chain.EntryExtensions, c.answers, c.spare13}
}

func (c *Client) reuse(r *reusable) {
	c.transcript, c.hello.Extensions, c.answers, c.spare13 = r.transcript, r.extensions, r.answers, r.spare13
	c.chain.Chain, c.chain.EntryExtensions = r.chain, r.entries
}

// Start makes the ClientHello, or yields the work on the keys that go into it.
// It does nothing the second time. A Random of zeros is an error, since it was
// not drawn at random.
func (c *Client) Start() {
	if c.table != nil || c.fault != nil {
		return
	}
	c.table = &client12
	err := drawn(&c.state.ClientRandom, "Config.Random")
	if wrong := c.profile.wrong; err == nil && wrong != nil {
		err = &InternalError{What: "ClientHello", Err: wrong}
	}
	switch {
	case err != nil:
		c.end(err)
	case c.tls13 != nil:
		c.offerTLS13()
	default:
		c.end(c.sendClientHello())
	}
}
