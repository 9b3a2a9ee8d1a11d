// The client's flight and the end of its handshake in TLS 1.2.

package handshake

import (
	"bytes"

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
	ours := tlsmsg.ClientKeyExchange{KeyExchange: c.suite.KeyExchange, PublicKey: c.exchange.ours}
	if ours.KeyExchange == tlsmsg.KeyExchangeRSA {
		ours.PublicKey, ours.EncryptedPreMasterSecret = nil, ours.PublicKey
	}
	if err := c.send(&ours); err != nil {
		return err
	}
	c.deriveMaster(c.exchange.secret)
	c.exchange.secret = nil
	if c.state.Credential >= 0 {
		c.yield(SignWork{
			Credential: c.state.Credential,
			Scheme:     c.exchange.scheme,
			Signed:     bytes.Clone(c.transcript.Messages()),
		}, (*Client).signed)
		return nil
	}
	return c.endFlight()
}

// signed makes CertificateVerify (RFC 5246, section 7.4.8).
func (c *Client) signed(r Result) error {
	if err := c.sendVerify(r, c.exchange.scheme); err != nil {
		return err
	}
	return c.endFlight()
}

// endFlight ends our flight in a full handshake: then the server's turn comes.
func (c *Client) endFlight() error {
	c.transcript.Drop()
	if err := c.prepareStates(); err != nil {
		return err
	}
	if err := c.sendFinished(); err != nil {
		return err
	}
	c.waitForServerFinished()
	return nil
}

// sendFinished makes ChangeCipherSpec and, under the new keys, Finished (RFC
// 5246, sections 7.1 and 7.4.9).
func (c *Client) sendFinished() error {
	if err := c.sendChangeCipherSpec(); err != nil {
		return err
	}
	if err := c.sendVerifyData(); err != nil {
		return err
	}
	if c.cfg.Renegotiation {
		c.remember().ours = c.verifyData
	}
	c.out.flush()
	return nil
}

// finished checks that the server saw the handshake that we saw. In an
// abbreviated one ours follows.
func (c *Client) finished(raw []byte) error {
	if err := c.checkVerifyData(raw); err != nil {
		return err
	}
	if c.cfg.Renegotiation {
		c.remember().theirs = [suite.VerifyDataLen]byte(c.finishedMessage.VerifyData)
	}
	c.after = (*Client).concluded
	return nil
}

// concluded ends the handshake once the server's Finished is in the transcript.
func (c *Client) concluded() error {
	if c.again() && c.earlier.trusted && !c.trusted() {
		return refuse(tlsmsg.AlertBadCertificate, "Certificate", "it verified in the handshake before, and no more: %s", reason(c.state.Verdict))
	}
	if c.state.Resumed {
		if err := c.sendFinished(); err != nil {
			return err
		}
	}
	if err := c.rejected(); err != nil {
		return err
	}
	if c.state.Status != StatusRevoked { // no later connection is told
		c.state.Session = c.newSession()
	}
	c.exchange = exchange{}
	c.handshakeDone()
	if c.state.Session != nil && c.events != nil {
		c.events(SessionEvent{Session: c.state.Session})
	}
	if !c.trusted() {
		c.decide("application_data_withheld", "no application data is sent: %s", c.mistrust())
	}
	return nil
}
