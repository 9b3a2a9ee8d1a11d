package handshake

import (
	"bytes"

	"github.com/rawshake/rawshake/tlsmsg"
)

// sendFlight makes Certificate and ClientKeyExchange and derives the master
// secret; then, with or without CertificateVerify, the rest of the flight.
func (c *Client) sendFlight() error {
	if c.exchange.request != nil {
		if err := c.sendCertificate(); err != nil {
			return err
		}
	}
	err := c.send(&tlsmsg.ClientKeyExchange{KeyExchange: c.suite.KeyExchange, PublicKey: c.exchange.agreed.PublicKey})
	if err != nil {
		return err
	}
	c.deriveMaster(c.exchange.agreed.PreMasterSecret)
	c.exchange.agreed = AgreeResult{}
	if c.state.Credential >= 0 {
		c.yield(SignWork{
			Credential: c.state.Credential,
			Scheme:     c.exchange.scheme,
			Signed:     bytes.Clone(c.transcript.Messages()),
		}, (*Client).signed)
		return nil
	}
	return c.sendFinished()
}

// signed makes CertificateVerify (RFC 5246, section 7.4.8).
func (c *Client) signed(r Result) error {
	result, ok := r.(SignResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.Err != nil {
		return &InternalError{What: "signing CertificateVerify", Err: result.Err}
	}
	if err := c.send(&tlsmsg.CertificateVerify{Scheme: c.exchange.scheme, Signature: result.Signature}); err != nil {
		return err
	}
	return c.sendFinished()
}

// sendFinished ends our flight: ChangeCipherSpec and, under the new keys,
// Finished (RFC 5246, sections 7.1 and 7.4.9).
func (c *Client) sendFinished() error {
	c.transcript.Drop()
	if err := c.prepareStates(); err != nil {
		return err
	}
	if err := c.sendChangeCipherSpec(); err != nil {
		return err
	}
	if err := c.sendVerifyData(); err != nil {
		return err
	}
	c.out.flush()
	c.phase = phaseChangeCipherSpec
	if c.exchange.ticketPromised {
		c.phase = phaseNewSessionTicket
	}
	return nil
}

// newSessionTicket takes note of a ticket (RFC 5077, section 3.3).
func (c *Client) newSessionTicket(raw []byte) error {
	var m tlsmsg.NewSessionTicket
	if err := c.decode(&m, raw); err != nil {
		return err
	}
	c.state.TicketReceived = true
	return nil
}

// finished checks that the server saw the handshake that we saw.
func (c *Client) finished(raw []byte) error {
	if err := c.checkVerifyData(raw); err != nil {
		return err
	}
	c.exchange = exchange{}
	c.handshakeDone()
	if !c.trusted() {
		c.decide("application_data_withheld", "no application data is sent: %s", c.mistrust())
	}
	return nil
}
