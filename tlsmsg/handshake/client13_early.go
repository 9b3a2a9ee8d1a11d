// 0-RTT data from the client's side (RFC 9846, sections 2.3 and 4.3.10).

package handshake

import (
	"bytes"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// sendsEarly reports whether the ClientHello that is made comes with early data.
func (c *Client) sendsEarly() bool { return c.cfg.EarlyData != nil && c.unfitEarly() == "" }

// unfitEarly says why early data is not sent, or "".
func (c *Client) unfitEarly() string {
	switch s := c.session; {
	case c.retried():
		return "the server has asked for another ClientHello"
	case !c.offersSession():
		return "there is no session of TLS 1.3 to go by"
	case s.MaxEarly == 0:
		return "the session's ticket allows none"
	case uint32(len(c.cfg.EarlyData)) > s.MaxEarly:
		return "there is more of it than the session's ticket allows"
	case c.offeredSuite(s.CipherSuite) == nil:
		return "the session's suite, " + s.CipherSuite.String() + ", is not offered"
	case s.ALPN != "" && !contains(c.cfg.ALPN, c.cfg.ALPN, s.ALPN):
		return "the session's protocol is not offered"
	}
	return ""
}

// offeredSuite returns a suite of TLS 1.3 if it is offered, or nil.
func (c *Client) offeredSuite(id tlsmsg.CipherSuite) *suite.Suite {
	if !contains(c.cfg.CipherSuites, c.cfg.CipherSuites, id) {
		return nil
	}
	return suite.Lookup13(id)
}

func offerEarlyData(c *Client, b []byte) ([]byte, error) {
	if !c.sendsEarly() {
		return nil, nil
	}
	return b, nil
}

func answerEarlyData(c *Client, b block) error {
	if c.state.EarlyData != EarlyDataOffered {
		return refuse(tlsmsg.AlertUnsupportedExtension, b.field("early_data"), "there is none")
	}
	if !c.state.Resumed || c.state.CipherSuite != c.session.CipherSuite {
		return refuse(tlsmsg.AlertIllegalParameter, b.field("early_data"), "without the session that it goes by, or with another suite")
	}
	c.state.EarlyData = EarlyDataAccepted
	return b.parse(&tlsmsg.EarlyData{})
}

// sendEarly makes the early data, once the ClientHello is made.
func (c *Client) sendEarly() error {
	if c.cfg.EarlyData == nil || c.retried() || c.again() {
		return nil
	}
	if why := c.unfitEarly(); why != "" {
		c.decide("early_data_unfit", "no early data is sent: %s", why)
		return nil
	}
	s := suite.Lookup13(c.session.CipherSuite)
	traffic, exporter := s.NewSchedule13(c.session.PSK).Early(c.helloSum(s.Hash))
	c.tellSecret13(suite.SecretClientEarly, traffic)
	c.tellSecret13(suite.SecretEarlyExporter, exporter)
	c.out.version = tlsmsg.VersionTLS12
	if err := c.sendSpec(c.tls13); err != nil {
		return err
	}
	state, err := s.NewState(s.TrafficKeys(traffic), false)
	if err != nil {
		return &InternalError{What: "write keys", Err: err}
	}
	c.protect(EpochEarly, state)
	c.state.EarlyData = EarlyDataOffered
	if len(c.cfg.EarlyData) == 0 {
		return nil
	}
	c.decide("early_data_sent", "%d bytes are sent before the server has answered: whoever records them can send them to it once more", len(c.cfg.EarlyData))
	return c.sendContent(tlsmsg.ContentApplicationData, 0, bytes.Clone(c.cfg.EarlyData))
}

// earlyAnswered goes on to the keys of the handshake if the server has refused
// the early data.
func (c *Client) earlyAnswered() error {
	if c.state.EarlyData != EarlyDataOffered {
		if c.state.EarlyData == EarlyDataAccepted && c.state.ALPN != c.session.ALPN {
			return refuse(tlsmsg.AlertIllegalParameter, "EncryptedExtensions.early_data", "with the protocol %q, though its session was one of %q", c.state.ALPN, c.session.ALPN)
		}
		return nil
	}
	c.refuseEarly("it does not say why")
	return c.protect13(EpochHandshake, c.tls13.ours)
}

// refuseEarly takes note that the server does not take the early data.
func (c *Client) refuseEarly(why string) {
	if c.state.EarlyData != EarlyDataOffered {
		return
	}
	c.state.EarlyData = EarlyDataRefused
	c.protect(EpochInitial, nil)
	c.decide("early_data_refused", "the server lets the early data go: %s", why)
}

// endEarly says that there is no more early data, and goes on to the keys of the
// handshake.
func (c *Client) endEarly() error {
	if c.state.EarlyData != EarlyDataAccepted {
		return nil
	}
	if err := c.send(&tlsmsg.EndOfEarlyData{}); err != nil {
		return err
	}
	return c.protect13(EpochHandshake, c.tls13.ours)
}
