package handshake

import (
	"bytes"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// Sessions of TLS 1.3: a ticket names a PSK, with which the next handshake goes on
// without a certificate (RFC 9846, sections 4.3.11 and 4.7.1).

// maxTicketLifetime bounds the use of a ticket, in seconds (RFC 9846, section
// 4.7.1).
const maxTicketLifetime = 604800

// unfit13 is unfit for a session of TLS 1.3.
func (s *Session) unfit13(cfg *Config) string {
	known := suite.Lookup13(s.CipherSuite)
	switch {
	case known == nil || !offersAny(cfg, known.Hash):
		return "no suite with the hash of its own, " + s.CipherSuite.String() + ", is offered"
	case len(s.PSK) != known.Hash.Size() || len(s.Ticket) == 0:
		return "it has no ticket, or not its key"
	case s.Age/1000 >= min(s.LifetimeHint, maxTicketLifetime):
		return "its ticket has outlived its time"
	}
	return ""
}

// offersAny reports whether a Config offers a suite of TLS 1.3 with a hash.
func offersAny(cfg *Config, h suite.Hash) bool {
	for _, id := range cfg.CipherSuites {
		if s := suite.Lookup13(id); s != nil && s.Hash == h {
			return true
		}
	}
	return false
}

// offersPSK reports whether the ClientHello that is made offers a session of TLS
// 1.3. After a HelloRetryRequest its hash must be that of the suite (RFC 9846,
// section 4.2.4).
func (c *Client) offersPSK() bool {
	if !c.offers13() || c.session == nil || c.session.Version < tlsmsg.VersionTLS13 {
		return false
	}
	return !c.retried() || suite.Lookup13(c.session.CipherSuite).Hash == c.suite.Hash
}

// psk is pre_shared_key with room for the binder.
func (c *Client) psk() *tlsmsg.PreSharedKey {
	s := c.session
	return &tlsmsg.PreSharedKey{
		Identities: []tlsmsg.PSKIdentity{{Identity: s.Ticket, ObfuscatedTicketAge: s.Age + s.AgeAdd}},
		Binders:    [][]byte{make([]byte, suite.Lookup13(s.CipherSuite).Hash.Size())},
	}
}

// appendPSK appends pre_shared_key, which no other extension may follow.
func (c *Client) appendPSK(b []byte) []byte {
	if !c.offersPSK() {
		return b
	}
	c.offered |= 1 << rowOf(tlsmsg.ExtensionPreSharedKey)
	return appendExtension(b, tlsmsg.ExtensionPreSharedKey, c.psk().AppendData(nil, inHello))
}

// bind fills in the binder of a ClientHello that is whole but for it (RFC 9846,
// section 4.3.11.2).
func (c *Client) bind(hello []byte) {
	if !c.offersPSK() {
		return
	}
	s := suite.Lookup13(c.session.CipherSuite)
	before := len(hello) - c.psk().BindersLen()
	binder := s.VerifyData13(s.NewSchedule13(c.session.PSK).BinderKey(false), c.transcript.SumWith(s.Hash, hello[:before]))
	copy(hello[len(hello)-len(binder):], binder)
}

// offerPreSharedKey: see appendPSK.
func offerPreSharedKey(*Client, []byte) ([]byte, error) { return nil, nil }

func answerPreSharedKey(c *Client, b block) error {
	var v tlsmsg.PreSharedKey
	if err := b.parse(&v); err != nil {
		return err
	}
	switch {
	case !c.offersPSK() || v.Selected != 0:
		return refuse(tlsmsg.AlertIllegalParameter, b.field("pre_shared_key"), "identity %d, expected the one that was offered, 0", v.Selected)
	case suite.Lookup13(c.session.CipherSuite).Hash != suite.Lookup13(c.state.CipherSuite).Hash:
		return refuse(tlsmsg.AlertIllegalParameter, b.field("pre_shared_key"), "%v, whose hash is not that of the session's %v", c.state.CipherSuite, c.session.CipherSuite)
	}
	c.state.Resumed = true
	c.state.Chain = c.session.Chain
	return nil
}

// resume13 goes on without a certificate, once EncryptedExtensions has come.
func (c *Client) resume13() {
	c.phase = phaseFinished
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
	c.state.TicketReceived = true
	switch {
	case len(m.Ticket) > maxTicket:
		c.decide("ticket_dropped", "the ticket of %d bytes is not kept: more than %d do not fit a ClientHello", len(m.Ticket), maxTicket)
		return nil
	case m.LifetimeHint == 0 || c.state.Status == StatusRevoked: // no later connection is told
		return nil
	}
	s := &Session{
		Version: c.state.Version, CipherSuite: c.state.CipherSuite, ServerName: c.name, Chain: c.state.Chain,
		PSK: c.suite.TicketPSK(c.tls13.resumption, m.Nonce), Ticket: bytes.Clone(m.Ticket),
		LifetimeHint: m.LifetimeHint, AgeAdd: m.AgeAdd,
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
