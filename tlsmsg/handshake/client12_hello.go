package handshake

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// sendClientHello makes the ClientHello (RFC 5246, section 7.4.1.2).
func (c *Client) sendClientHello() error {
	c.state.ClientRandom = c.cfg.Random
	hello := tlsmsg.ClientHello{
		Version:            tlsmsg.VersionTLS12,
		Random:             c.cfg.Random,
		CipherSuites:       c.cfg.CipherSuites,
		CompressionMethods: nullCompression,
		HasExtensions:      true,
	}
	var err error
	if hello.Extensions, err = c.offerExtensions(); err != nil {
		return err
	}
	// Servers of old take no ClientHello in a record of TLS 1.2 (RFC 5246,
	// appendix E.1).
	c.out.version = tlsmsg.VersionTLS10
	c.in.messages.MaxMessage = maxMessage
	c.phase = phaseServerHello
	if err := c.send(&hello); err != nil {
		return err
	}
	c.reach(StageHelloSent)
	c.out.flush()
	return nil
}

var nullCompression = []tlsmsg.CompressionMethod{tlsmsg.CompressionNull}

// serverHello takes the ServerHello (RFC 5246, section 7.4.1.3).
func (c *Client) serverHello(raw []byte) error {
	var hello tlsmsg.ServerHello
	if err := c.decode(&hello, raw); err != nil {
		return err
	}
	if hello.Version != tlsmsg.VersionTLS12 {
		return refuse(tlsmsg.AlertProtocolVersion, "ServerHello.server_version", "%v, expected %v", hello.Version, tlsmsg.VersionTLS12)
	}
	if !c.offersSuite(hello.CipherSuite) {
		return refuse(tlsmsg.AlertIllegalParameter, "ServerHello.cipher_suite", "%v was not offered", hello.CipherSuite)
	}
	if hello.CompressionMethod != tlsmsg.CompressionNull {
		return refuse(tlsmsg.AlertIllegalParameter, "ServerHello.compression_method",
			"%v was not offered, expected %v", hello.CompressionMethod, tlsmsg.CompressionNull)
	}
	if len(hello.SessionID) > 0 {
		c.state.SessionID = slices.Clone(hello.SessionID)
	}
	c.state.Version, c.state.CipherSuite, c.state.ServerRandom = hello.Version, hello.CipherSuite, hello.Random
	if err := c.answeredExtensions(&hello); err != nil {
		return err
	}
	c.in.version, c.out.version = hello.Version, hello.Version
	c.chooseSuite(hello.CipherSuite)
	c.reach(StageHelloReceived)
	c.negotiated()
	return nil
}

// offersSuite excludes the signalling values: a server must not choose them.
func (c *Client) offersSuite(id tlsmsg.CipherSuite) bool {
	return slices.Contains(c.cfg.CipherSuites, id) &&
		id != tlsmsg.TLS_EMPTY_RENEGOTIATION_INFO_SCSV && id != tlsmsg.TLS_FALLBACK_SCSV
}

// chooseSuite sets what follows from the suite. One that was offered for its
// number alone goes on, undecoded, to ServerHelloDone.
func (c *Client) chooseSuite(id tlsmsg.CipherSuite) {
	c.ctx.Version = c.state.Version
	known := suite.Lookup(id)
	if known == nil {
		c.decide("suite_unknown", "%v cannot be finished here: the handshake is followed to ServerHelloDone", id)
		return
	}
	c.useSuite(known)
	if len(c.cfg.Credentials) == 0 {
		c.transcript.Drop() // nothing will be signed
	}
}
