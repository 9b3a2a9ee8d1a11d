// The client's abbreviated handshakes (RFC 5246, section 7.3, figure 2; RFC
// 5077; RFC 7627, section 5.3).

package handshake

import (
	"bytes"

	"github.com/rawshake/rawshake/tlsmsg"
)

// offerSession decides whether the configured session is offered.
func (c *Client) offerSession() {
	if c.session == nil {
		return
	}
	if why := c.session.unfit(c.cfg, c.name); why != "" {
		c.decide("session_unfit", "the session is not offered: %s", why)
		c.session = nil
	}
}

// resumes reports whether a ServerHello takes up the session that was offered.
func (c *Client) resumes(hello *tlsmsg.ServerHello) bool {
	return c.session != nil && len(hello.SessionID) > 0 && bytes.Equal(hello.SessionID, c.session.offeredID())
}

// resume12 checks that the server resumes what was (RFC 5246, section 7.4.1.3;
// RFC 7627, section 5.3), and goes on to its ChangeCipherSpec.
func (c *Client) resume12(hello *tlsmsg.ServerHello) error {
	s := c.session
	switch {
	case hello.Version != s.Version:
		return refuse(tlsmsg.AlertIllegalParameter, "ServerHello.server_version", "%v, expected the resumed session's %v", hello.Version, s.Version)
	case hello.CipherSuite != s.CipherSuite:
		return refuse(tlsmsg.AlertIllegalParameter, "ServerHello.cipher_suite", "%v, expected the resumed session's %v", hello.CipherSuite, s.CipherSuite)
	case s.ExtendedMasterSecret && !c.state.ExtendedMasterSecret:
		return refuse(tlsmsg.AlertHandshakeFailure, "ServerHello.extensions", "no extended_master_secret, which the resumed session has")
	case !s.ExtendedMasterSecret && c.state.ExtendedMasterSecret:
		return refuse(tlsmsg.AlertHandshakeFailure, "ServerHello.extensions", "extended_master_secret, which the resumed session has not")
	}
	c.state.Resumed = true
	c.state.Chain = s.Chain
	c.master = s.Master
	c.transcript.Drop() // nothing will be signed
	c.tellSecret()
	if err := c.prepareStates(); err != nil {
		return err
	}
	c.waitForServerFinished()
	c.yield(VerifyChainWork{Chain: s.Chain, ServerName: c.name, Resumed: true, MinRSABits: c.cfg.MinRSABits}, (*Client).resumedChainJudged)
	return nil
}

// resumedChainJudged takes the verdict on the chain of the session's first
// handshake. The proof is now the master secret, not the chain's key.
func (c *Client) resumedChainJudged(r Result) error {
	result, ok := r.(VerifyChainResult)
	if !ok {
		return wrongResult(result, r)
	}
	c.judged(result.Verdict)
	return nil
}

// waitForServerFinished sets the phase before the server's ChangeCipherSpec.
func (c *Client) waitForServerFinished() {
	c.phase = phaseChangeCipherSpec
	if c.exchange.ticketPromised {
		c.phase = phaseNewSessionTicket
	}
}

// newSessionTicket keeps a ticket (RFC 5077, section 3.3). A server that gives
// none after all sends an empty one.
func (c *Client) newSessionTicket(raw []byte) error {
	var m tlsmsg.NewSessionTicket
	if err := c.decode(&m, raw); err != nil {
		return err
	}
	switch {
	case len(m.Ticket) > maxTicket:
		c.decide("ticket_dropped", "the ticket of %d bytes is not kept: more than %d do not fit a ClientHello", len(m.Ticket), maxTicket)
	case len(m.Ticket) > 0:
		c.exchange.ticket, c.exchange.lifetime = bytes.Clone(m.Ticket), m.LifetimeHint
	}
	c.state.TicketReceived = true
	if c.cfg.Verbatim && len(m.Ticket) > 0 {
		t := c.received(&m, 0)
		c.state.verbatim().Ticket = &t
	}
	return nil
}
