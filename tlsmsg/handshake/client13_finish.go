package handshake

import (
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// The end of a handshake of TLS 1.3, and the messages after it (RFC 9846, sections
// 4.5.3 and 4.7).

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
	t.resumption = t.schedule.Resumption(c.transcript.Sum())
	t.schedule = nil
	t.ours, t.theirs, t.ourFirst, t.theirNew = t.ourFirst, t.theirNew, nil, nil
	if err := c.protect13(EpochApplication, t.ours); err != nil {
		return err
	}
	if err := c.unlock13(EpochApplication, t.theirs); err != nil {
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

// applicationData13 is applicationData, which ends the row of messages
// between.
func (c *Client) applicationData13(plaintext []byte) error {
	if len(plaintext) > 0 {
		c.tls13.updates, c.tls13.tickets = 0, 0
	}
	return c.applicationData(plaintext)
}

// keyUpdate takes the peer's next keys into use. Where it asks for ours, they change
// before the next application data: once for however many requests (RFC 9846,
// section 4.7.3).
func (c *Client) keyUpdate(raw []byte) error {
	var m tlsmsg.KeyUpdate
	if err := c.decode(&m, raw); err != nil {
		return err
	}
	t := c.tls13
	c.last = lastMessage{any: true, dir: In, typ: tlsmsg.TypeKeyUpdate}
	if m.Request > tlsmsg.UpdateRequested {
		return refuse(tlsmsg.AlertIllegalParameter, "KeyUpdate.request_update", "%v, expected %v or %v", m.Request, tlsmsg.UpdateNotRequested, tlsmsg.UpdateRequested)
	}
	if err := c.flightOver(); err != nil {
		return err
	}
	if t.updates++; t.updates > maxKeyUpdates {
		return refuse(tlsmsg.AlertUnexpectedMessage, "KeyUpdate", "%d without application data between them, expected at most %d", t.updates, maxKeyUpdates)
	}
	t.theirs = c.suite.NextTraffic(t.theirs)
	if err := c.unlock13(EpochApplication, t.theirs); err != nil {
		return err
	}
	t.owed = t.owed || m.Request == tlsmsg.UpdateRequested
	return nil
}

// UpdateKeys says KeyUpdate, and protects what follows by new keys; ask wants the
// same of the server. It does nothing where no data may be sent, or before TLS
// 1.3. The machine does it by itself before keys are worn.
func (c *Client) UpdateKeys(ask bool) {
	if !c.CanWrite() || c.tls13 == nil {
		return
	}
	request := tlsmsg.UpdateNotRequested
	if ask {
		request = tlsmsg.UpdateRequested
	}
	c.end(c.updateKeys(request))
	c.out.flush()
}

// refresh updates our keys where the server has asked for that, or they are worn.
func (c *Client) refresh() error {
	switch {
	case c.tls13 == nil || c.out.state == nil:
		return nil
	case c.tls13.owed:
	case c.out.state.Worn():
		c.decide("keys_worn", "the keys are updated: they have protected as many records as they may")
	default:
		return nil
	}
	return c.updateKeys(tlsmsg.UpdateNotRequested)
}

func (c *Client) updateKeys(request tlsmsg.KeyUpdateRequest) error {
	c.tls13.owed = false
	m := tlsmsg.KeyUpdate{Request: request}
	raw := tlsmsg.Append(c.takeScratch(), &m, c.ctx)
	defer c.giveScratch(raw)
	if err := c.sendContent(tlsmsg.ContentHandshake, m.Type(), raw); err != nil {
		return err
	}
	c.tls13.ours = c.suite.NextTraffic(c.tls13.ours)
	return c.protect13(EpochApplication, c.tls13.ours)
}

// Export returns n bytes of keying material for a label and a context (RFC 9846,
// section 7.5), or nil before the handshake is done or before TLS 1.3.
func (c *Client) Export(label string, context []byte, n int) []byte {
	if c.tls13 == nil || c.stage < StageFinished || len(label) > 249 || n < 0 || n > 255*c.suite.Hash.Size() {
		return nil
	}
	return c.suite.Export(c.tls13.exporter, label, context, n)
}
