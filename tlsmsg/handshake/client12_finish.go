package handshake

import (
	"bytes"
	"crypto/subtle"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
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
	c.deriveMaster()
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

// deriveMaster makes the master secret (RFC 5246, section 8.1; RFC 7627,
// section 4: over the messages up to and including ClientKeyExchange).
func (c *Client) deriveMaster() {
	pre := c.exchange.agreed.PreMasterSecret
	if c.state.ExtendedMasterSecret {
		c.master = c.suite.ExtendedMasterSecret(pre, c.transcript.Sum())
	} else {
		c.master = c.suite.MasterSecret(pre, &c.cfg.Random, &c.state.ServerRandom)
	}
	clear(pre)
	c.exchange.agreed = AgreeResult{}
	if c.cfg.Events != nil {
		c.cfg.Events(SecretEvent{Label: "CLIENT_RANDOM",
			ClientRandom: bytes.Clone(c.cfg.Random[:]), Secret: bytes.Clone(c.master[:])})
	}
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
	client, server := c.suite.Keys(c.master[:], &c.cfg.Random, &c.state.ServerRandom)
	write, err := c.suite.NewState(client)
	if err != nil {
		return &InternalError{What: "client write keys", Err: err}
	}
	if c.exchange.read, err = c.suite.NewState(server); err != nil {
		return &InternalError{What: "server write keys", Err: err}
	}
	ccs := tlsmsg.ChangeCipherSpec{Value: 1}
	if err := c.sendContent(tlsmsg.ContentChangeCipherSpec, 0, ccs.Append(c.scratch[:0])); err != nil {
		return err
	}
	c.out.state = write
	data := c.suite.VerifyData(c.master[:], true, c.transcript.Sum())
	if err := c.send(&tlsmsg.Finished{VerifyData: data[:]}); err != nil {
		return err
	}
	c.out.flush()
	c.scratch = nil
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

// changeCipherSpec takes the server's keys into use (RFC 5246, section 7.1).
func (c *Client) changeCipherSpec(content []byte) error {
	m, err := tlsmsg.ParseChangeCipherSpec(content)
	if err != nil {
		return &ProtocolError{Alert: tlsmsg.AlertUnexpectedMessage, Reason: err.Error(), Err: err}
	}
	if m.Value != 1 {
		return refuse(tlsmsg.AlertIllegalParameter, "ChangeCipherSpec.type", "%d, expected 1", m.Value)
	}
	c.in.state, c.exchange.read = c.exchange.read, nil
	return nil
}

// finished checks that the server saw the handshake that we saw.
func (c *Client) finished(raw []byte) error {
	var m tlsmsg.Finished
	if err := c.decode(&m, raw); err != nil {
		return err
	}
	want := c.suite.VerifyData(c.master[:], false, c.transcript.Sum())
	if subtle.ConstantTimeCompare(m.VerifyData, want[:]) != 1 {
		return refuse(tlsmsg.AlertDecryptError, "Finished.verify_data", "it does not match the handshake as this side saw it")
	}
	c.exchange, c.transcript = exchange{}, suite.Transcript{}
	c.reach(StageFinished)
	if c.cfg.Events != nil {
		c.cfg.Events(FinishedEvent{})
	}
	if !c.trusted() {
		c.decide("application_data_withheld", "no application data is sent: %s", c.mistrust())
	}
	return nil
}
