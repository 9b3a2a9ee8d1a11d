// The end of a client's handshake of TLS 1.3 (RFC 9846, section 4.5.3).

package handshake

import (
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// finished13 checks that the server saw the handshake that we saw.
func (c *Client) finished13(raw []byte) error {
	if err := c.checkFinished13(raw, c.tls13.theirs); err != nil {
		return err
	}
	c.last = lastMessage{any: true, dir: In, typ: tlsmsg.TypeFinished}
	if err := c.flightOver(); err != nil {
		return err
	}
	c.reach(StageHelloDone)
	c.after = (*Client).sendFlight13
	return nil
}

// sendFlight13 makes the secrets of the application data, and our flight.
func (c *Client) sendFlight13() error {
	t := c.tls13
	t.schedule.Main()
	t.ourFirst, t.theirNew, t.exporter = t.schedule.Application(c.transcript.Sum())
	c.tellSecret13(suite.SecretClientApplication, t.ourFirst)
	c.tellSecret13(suite.SecretServerApplication, t.theirNew)
	c.tellSecret13(suite.SecretExporter, t.exporter)
	if err := c.endEarly(); err != nil {
		return err
	}
	if c.exchange.request != nil {
		return c.sendCredential13()
	}
	return c.endFlight13()
}

// endFlight13 makes Finished, and takes the keys of the application data into use.
func (c *Client) endFlight13() error {
	t := c.tls13
	if err := c.sendFinished13(t.ours); err != nil {
		return err
	}
	if c.stage == StageFinished {
		return c.authenticated()
	}
	if c.cfg.PostHandshakeAuth {
		t.whole = c.transcript.Fork()
	}
	t.resumption = t.schedule.Resumption(c.transcript.Sum())
	t.schedule = nil
	t.ours, t.theirs, t.ourFirst, t.theirNew = t.ourFirst, t.theirNew, nil, nil
	if err := c.protect13(EpochApplication, t.ours); err != nil {
		return err
	}
	if err := c.unlock13(EpochApplication, t.theirs); err != nil {
		return err
	}
	if err := c.rejected(); err != nil {
		return err
	}
	c.out.flush()
	c.phase, c.in.emptyRecords = phaseConnected, 0
	c.exchange = exchange{}
	c.handshakeDone()
	if !c.trusted() {
		c.decide("application_data_withheld", "no application data is sent: %s", c.mistrust())
	}
	return nil
}
