// The ClientHello, of whichever versions it offers.

package handshake

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// sendClientHello makes the ClientHello (RFC 5246, section 7.4.1.2).
func (c *Client) sendClientHello() error {
	if !c.retried() {
		c.offerSession()
	}
	if c.pool == nil && !c.again() && !c.retried() {
		room := make([]byte, 2*flightRoom)
		c.scratch, c.out.buf = room[:0:flightRoom], room[flightRoom:flightRoom]
	}
	room := flightRoom
	if c.offers13() {
		room = helloRoom
	}
	appendHello := (*Client).appendClientHello
	if c.offersECH() && c.offers13() {
		appendHello = (*Client).makeECH
	}
	raw, err := appendHello(c, c.takeRoom(room))
	if err != nil {
		c.giveScratch(raw)
		return err
	}
	if c.again() {
		c.phase = phaseServerHelloAgain
	} else {
		// Servers of old take no ClientHello in a record of TLS 1.2 (RFC 5246,
		// appendix E.1). A second is not the first they see (RFC 9846, section 5.1).
		c.out.version = tlsmsg.VersionTLS10
		if c.retried() {
			c.out.version = tlsmsg.VersionTLS12
		}
		c.in.messages.MaxMessage = maxMessage
		c.phase = phaseServerHello
	}
	if err := c.sendHello(raw); err != nil {
		return err
	}
	c.reach(StageHelloSent)
	if err := c.sendEarly(); err != nil {
		return err
	}
	c.out.flush()
	return nil
}

// legacyVersion is ClientHello.client_version: no higher than TLS 1.2, above which
// supported_versions speaks (RFC 9846, section 4.2.2).
func (c *Client) legacyVersion() tlsmsg.Version { return min(c.cfg.MaxVersion, tlsmsg.VersionTLS12) }

// sessionID is the session_id that is sent. One that offers TLS 1.3 and no session
// of before has one all the same, for those on the way who know nothing else (RFC
// 9846, appendix E.4). It need only look like any other, and be the same in a
// second ClientHello.
func (c *Client) sessionID() []byte {
	switch {
	case c.session != nil && c.session.Version < tlsmsg.VersionTLS13:
		return c.session.offeredID()
	case c.tls13 != nil && !c.again():
		return c.tls13.sessionID[:]
	}
	return nil
}

// appendClientHello appends the message to b.
func (c *Client) appendClientHello(b []byte) ([]byte, error) {
	hello := tlsmsg.ClientHello{
		Version:            c.legacyVersion(),
		Random:             c.state.ClientRandom,
		CipherSuites:       c.offeredSuites(),
		CompressionMethods: nullCompression,
	}
	if c.inside() {
		hello.Random = c.ech.made.Random
	}
	hello.SessionID = c.sessionID()
	at := len(b)
	b = append(b, byte(tlsmsg.TypeClientHello), 0, 0, 0)
	b, err := c.appendExtensions(hello.AppendBody(b, c.ctx), at)
	n := len(b) - at - tlsmsg.HeaderLen
	b[at+1], b[at+2], b[at+3] = byte(n>>16), byte(n>>8), byte(n)
	if err == nil {
		c.bind(b[at:])
	}
	return b, err
}

var nullCompression = []tlsmsg.CompressionMethod{tlsmsg.CompressionNull}

// offeredSuites is the configured list, with what options add to it.
func (c *Client) offeredSuites() []tlsmsg.CipherSuite {
	list := c.cfg.CipherSuites
	if c.again() { // RFC 5746, section 3.5
		list = slices.DeleteFunc(slices.Clone(list), func(id tlsmsg.CipherSuite) bool { return id == tlsmsg.TLS_EMPTY_RENEGOTIATION_INFO_SCSV })
	}
	if c.inside() { // no other version is offered
		list = slices.DeleteFunc(slices.Clone(list), func(id tlsmsg.CipherSuite) bool { return suite.Lookup13(id) == nil })
	}
	if c.cfg.GREASE {
		list = append([]tlsmsg.CipherSuite{greaseValue[tlsmsg.CipherSuite](&c.state.ClientRandom, greaseSuite)}, list...)
	}
	if c.cfg.FallbackSCSV && !slices.Contains(list, tlsmsg.TLS_FALLBACK_SCSV) {
		list = append(slices.Clip(list), tlsmsg.TLS_FALLBACK_SCSV)
	}
	return list
}

// offersSuite excludes the signalling values: a server must not choose them.
func (c *Client) offersSuite(id tlsmsg.CipherSuite) bool {
	return slices.Contains(c.cfg.CipherSuites, id) &&
		id != tlsmsg.TLS_EMPTY_RENEGOTIATION_INFO_SCSV && id != tlsmsg.TLS_FALLBACK_SCSV
}

// notToBeChosen says why a server must not choose a suite.
func (c *Client) notToBeChosen(id tlsmsg.CipherSuite) string {
	signals := id == tlsmsg.TLS_EMPTY_RENEGOTIATION_INFO_SCSV || id == tlsmsg.TLS_FALLBACK_SCSV
	if signals && slices.Contains(c.offeredSuites(), id) {
		return "is a signal and no suite, which a server must not choose"
	}
	return c.unoffered(uint16(id), greaseSuite)
}
