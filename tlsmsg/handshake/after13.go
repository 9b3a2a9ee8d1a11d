// What both sides do once a handshake of TLS 1.3 is done (RFC 9846, sections
// 4.7 and 7.5).

package handshake

import "github.com/rawshake/rawshake/tlsmsg"

// sendAfter makes a message that belongs to no handshake.
func (c *conn[S]) sendAfter(m tlsmsg.Message) error {
	raw := tlsmsg.Append(c.takeScratch(), m, c.ctx)
	defer c.giveScratch(raw)
	return c.sendContent(tlsmsg.ContentHandshake, m.Type(), raw)
}

// applicationData13 is applicationData, which ends the row of messages
// between.
func (c *conn[S]) applicationData13(plaintext []byte) error {
	if len(plaintext) > 0 {
		c.tls13.updates, c.tls13.tickets = 0, 0
	}
	return c.applicationData(plaintext)
}

// keyUpdate takes the peer's next keys into use. Where it asks for ours, they change
// before the next application data: once for however many requests (RFC 9846,
// section 4.7.3).
func (c *conn[S]) keyUpdate(raw []byte) error {
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
// same of the peer. It does nothing where no data may be sent, or before TLS
// 1.3. The machine does it by itself before keys are worn.
func (c *conn[S]) UpdateKeys(ask bool) {
	if !c.CanWrite() || c.tls13 == nil || c.phase != phaseConnected {
		return
	}
	request := tlsmsg.UpdateNotRequested
	if ask {
		request = tlsmsg.UpdateRequested
	}
	c.end(c.updateKeys(request))
	c.out.flush()
}

// refresh updates our keys where the peer has asked for that, or they are worn.
func (c *conn[S]) refresh() error {
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

func (c *conn[S]) updateKeys(request tlsmsg.KeyUpdateRequest) error {
	c.tls13.owed = false
	if err := c.sendAfter(&tlsmsg.KeyUpdate{Request: request}); err != nil {
		return err
	}
	c.tls13.ours = c.suite.NextTraffic(c.tls13.ours)
	return c.protect13(EpochApplication, c.tls13.ours)
}

// Export returns n bytes of keying material for a label and a context (RFC 9846,
// section 7.5), or nil before the handshake is done or before TLS 1.3.
func (c *conn[S]) Export(label string, context []byte, n int) []byte {
	if c.tls13 == nil || c.stage < StageFinished && !c.halfway() || len(label) > 249 || n < 0 || n > 255*c.suite.Hash.Size() {
		return nil
	}
	return c.suite.Export(c.tls13.exporter, label, context, n)
}
