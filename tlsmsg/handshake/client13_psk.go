// Sessions of TLS 1.3 from the client's side: a ticket names a PSK, with which
// the next handshake needs no certificate (RFC 9846, sections 4.3.11 and
// 4.7.1).

package handshake

import (
	"bytes"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// maxTicketLifetime bounds the use of a ticket, in seconds (RFC 9846, section
// 4.7.1).
const maxTicketLifetime = 604800

// unfit13 is unfit for a session of TLS 1.3.
func (s *Session) unfit13(cfg *Config) string {
	known := suite.Lookup13(s.CipherSuite)
	switch {
	case known == nil || cfg.suiteWith(known.Hash) == nil:
		return "no suite with the hash of its own, " + s.CipherSuite.String() + ", is offered"
	case len(s.PSK) != known.Hash.Size() || len(s.Ticket) == 0:
		return "it has no ticket, or not its key"
	case s.Age/1000 >= min(s.LifetimeHint, maxTicketLifetime):
		return "its ticket has outlived its time"
	}
	return ""
}

// A pskOffer is a PSK as a ClientHello offers it.
type pskOffer struct {
	id       tlsmsg.PSKIdentity
	key      []byte
	hash     *suite.Suite // any of its hash
	external *PSK         // nil: a session's
}

// offersSession reports whether the ClientHello that is made offers a session of TLS
// 1.3. After a HelloRetryRequest its hash must be that of the suite (RFC 9846,
// section 4.2.4).
func (c *Client) offersSession() bool {
	return c.offers13() && c.session != nil && c.session.Version >= tlsmsg.VersionTLS13 &&
		(!c.retried() || suite.Lookup13(c.session.CipherSuite).Hash == c.suite.Hash)
}

// pskOffers are the PSKs of the ClientHello that is made: that of the session first.
// The outer of two has none.
func (c *Client) pskOffers() (list []pskOffer) {
	if c.outside() {
		return nil
	}
	return c.allPSKs()
}

func (c *Client) allPSKs() (list []pskOffer) {
	if s := c.session; c.offersSession() {
		list = append(list, pskOffer{tlsmsg.PSKIdentity{Identity: s.Ticket, ObfuscatedTicketAge: s.Age + s.AgeAdd}, s.PSK, suite.Lookup13(s.CipherSuite), nil})
	}
	if !c.offers13() {
		return nil
	}
	for i := range c.cfg.PSKs {
		k := &c.cfg.PSKs[i]
		if any := c.cfg.suiteWith(k.hash()); any != nil && (!c.retried() || c.suite.Hash == k.hash()) {
			list = append(list, pskOffer{tlsmsg.PSKIdentity{Identity: k.Identity}, k.Key, any, k})
		}
	}
	return list
}

// suiteWith returns a suite of TLS 1.3 with a hash that is offered, or nil.
func (cfg *Config) suiteWith(h suite.Hash) *suite.Suite {
	for _, id := range cfg.CipherSuites {
		if s := suite.Lookup13(id); s != nil && s.Hash == h {
			return s
		}
	}
	return nil
}

// preSharedKey is pre_shared_key with room for the binders.
func preSharedKey(offers []pskOffer) *tlsmsg.PreSharedKey {
	v := new(tlsmsg.PreSharedKey)
	for _, o := range offers {
		v.Identities = append(v.Identities, o.id)
		v.Binders = append(v.Binders, make([]byte, o.hash.Hash.Size()))
	}
	return v
}

// appendPSK appends pre_shared_key, which no other extension may follow.
func (c *Client) appendPSK(b []byte) []byte {
	offers := c.pskOffers()
	if c.outside() && c.offersECH() {
		offers = c.dummyPSKs()
	}
	if len(offers) == 0 {
		return b
	}
	c.offered |= 1 << rowOf(tlsmsg.ExtensionPreSharedKey)
	v := preSharedKey(offers)
	if c.outside() {
		c.dummyBinders(v)
	}
	return appendExtension(b, tlsmsg.ExtensionPreSharedKey, v.AppendData(nil, inHello))
}

// bind fills in the binders of a ClientHello that is whole but for them (RFC 9846,
// section 4.3.11.2).
func (c *Client) bind(hello []byte) {
	offers := c.pskOffers()
	if len(offers) == 0 {
		return
	}
	v := preSharedKey(offers)
	before := len(hello) - v.BindersLen()
	at := before + 2
	for _, o := range offers {
		binder := o.hash.VerifyData13(o.external.binderKey(o.hash.NewSchedule13(o.key)), c.transcript.SumWith(o.hash.Hash, hello[:before]))
		at += 1 + copy(hello[at+1:], binder)
	}
}

// offerPreSharedKey: see appendPSK.
func offerPreSharedKey(*Client, []byte) ([]byte, error) { return nil, nil }

func answerPreSharedKey(c *Client, b block) error {
	var v tlsmsg.PreSharedKey
	if err := b.parse(&v); err != nil {
		return err
	}
	offers := c.pskOffers()
	if int(v.Selected) >= len(offers) {
		return refuse(tlsmsg.AlertIllegalParameter, b.field("pre_shared_key"), "identity %d, expected one of the %d that were offered", v.Selected, len(offers))
	}
	used := &offers[v.Selected]
	if used.hash.Hash != suite.Lookup13(c.state.CipherSuite).Hash {
		return refuse(tlsmsg.AlertIllegalParameter, b.field("pre_shared_key"), "%v, whose hash is not that of the session's or the key's", c.state.CipherSuite)
	}
	c.tls13.psk = used.key
	if used.external != nil {
		c.state.PSKIdentity = used.id.Identity
		return nil
	}
	c.state.Resumed = true
	c.state.Chain, c.state.PSKIdentity = c.session.Chain, c.session.PSKIdentity
	return nil
}

// resume13 goes on without a certificate, once EncryptedExtensions has come.
func (c *Client) resume13() {
	c.phase = phaseFinished
	if c.state.PSKIdentity != nil { // which has proved who it is
		return
	}
	c.yield(VerifyChainWork{Chain: c.session.Chain, ServerName: c.name, Resumed: true, MinRSABits: c.cfg.MinRSABits}, (*Client).resumedChainJudged)
}

// newSessionTicket13 makes a session of a ticket (RFC 9846, section 4.7.1).
func (c *Client) newSessionTicket13(raw []byte) error {
	var m tlsmsg.NewSessionTicket
	if err := c.decode(&m, raw); err != nil {
		return err
	}
	if err := m.CheckExtensions(); err != nil {
		return repeated(err)
	}
	if c.tls13.tickets++; c.tls13.tickets > maxTickets {
		return refuse(tlsmsg.AlertUnexpectedMessage, "NewSessionTicket", "%d without application data between them, expected at most %d", c.tls13.tickets, maxTickets)
	}
	var early tlsmsg.EarlyData
	if _, err := m.DecodeExtension(&early); err != nil {
		return malformed(err)
	}
	c.state.TicketReceived = true
	if len(c.tls13.given) < maxTickets {
		c.tls13.given = append(c.tls13.given, c.received(&m, early.MaxSize))
	}
	switch {
	case c.cfg.NoSessions:
		return nil
	case len(m.Ticket) > maxTicket:
		c.decide("ticket_dropped", "the ticket of %d bytes is not kept: more than %d do not fit a ClientHello", len(m.Ticket), maxTicket)
		return nil
	case m.LifetimeHint == 0 || c.state.Status == StatusRevoked: // no later connection is told
		return nil
	}
	s := &Session{
		Version: c.state.Version, CipherSuite: c.state.CipherSuite, ServerName: c.name, Chain: c.state.Chain,
		PSK: c.suite.TicketPSK(c.tls13.resumption, m.Nonce), Ticket: bytes.Clone(m.Ticket),
		LifetimeHint: m.LifetimeHint, AgeAdd: m.AgeAdd, MaxEarly: early.MaxSize, ALPN: c.state.ALPN, PSKIdentity: c.state.PSKIdentity,
	}
	if c.pool != nil { // the session outlives the memory of the messages
		s.own()
	}
	c.state.Session = s
	if c.events != nil {
		c.events(SessionEvent{Session: s})
	}
	return nil
}
