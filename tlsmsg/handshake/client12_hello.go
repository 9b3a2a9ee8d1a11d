// The ServerHello of TLS 1.2 and before.

package handshake

import (
	"bytes"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// serverHello12 takes a ServerHello of TLS 1.2 or before (RFC 5246, section
// 7.4.1.3).
func (c *Client) serverHello12(hello *tlsmsg.ServerHello) error {
	if err := c.checkVersion(hello); err != nil {
		return err
	}
	if !c.offersSuite(hello.CipherSuite) {
		return refuse(tlsmsg.AlertIllegalParameter, "ServerHello.cipher_suite", "%v %s", hello.CipherSuite, c.notToBeChosen(hello.CipherSuite))
	}
	if hello.CompressionMethod != tlsmsg.CompressionNull {
		return refuse(tlsmsg.AlertIllegalParameter, "ServerHello.compression_method",
			"%v was not offered, expected %v", hello.CompressionMethod, tlsmsg.CompressionNull)
	}
	c.in.version, c.out.version = hello.Version, hello.Version
	if err := c.chooseSuite(hello.CipherSuite); err != nil {
		return err
	}
	if err := hello.CheckExtensions(); err != nil {
		return malformed(err)
	}
	if err := c.answered(block{place: inHello12, form: tlsmsg.TypeServerHello, list: hello.Extensions, message: hello}); err != nil {
		return err
	}
	if err := c.checkAgain(); err != nil {
		return err
	}
	if err := c.withoutTLS13(hello); err != nil {
		return err
	}
	c.reach(StageHelloReceived)
	if c.resumes(hello) {
		if err := c.resume12(hello); err != nil {
			return err
		}
	}
	c.negotiated()
	return nil
}

// withoutTLS13 drops what was offered for TLS 1.3. The session_id that was sent
// for compatibility names no session, so that a server cannot resume it.
func (c *Client) withoutTLS13(hello *tlsmsg.ServerHello) error {
	if c.tls13 == nil {
		return nil
	}
	if c.session != nil && c.session.Version >= tlsmsg.VersionTLS13 {
		c.session = nil
	}
	if c.session == nil && len(hello.SessionID) > 0 && bytes.Equal(hello.SessionID, c.sessionID()) {
		return refuse(tlsmsg.AlertIllegalParameter, "ServerHello.session_id", "that of the ClientHello, which names no session of %v", c.state.Version)
	}
	c.tls13 = nil
	return nil
}

// checkVersion takes one of the versions that the Config allows. A server that
// supports a higher one marks its random: then somebody in between has changed
// the ClientHello (RFC 9846, section 4.2.3).
func (c *Client) checkVersion(hello *tlsmsg.ServerHello) error {
	if hello.Version < c.cfg.MinVersion || hello.Version > c.legacyVersion() {
		expected := c.cfg.MaxVersion.String()
		if c.cfg.MinVersion < c.cfg.MaxVersion {
			expected = c.cfg.MinVersion.String() + " to " + expected
		}
		return refuse(tlsmsg.AlertProtocolVersion, "ServerHello.server_version", "%v, expected %s", hello.Version, expected)
	}
	if c.again() && hello.Version != c.in.version {
		return refuse(tlsmsg.AlertProtocolVersion, "ServerHello.server_version", "%v, expected %v as in the handshake before in this connection", hello.Version, c.in.version)
	}
	if best := c.marked(hello); best != 0 {
		return refuse(tlsmsg.AlertIllegalParameter, "ServerHello.random",
			"it ends with the mark of a server that speaks %v, and chose %v: the ClientHello was changed on the way",
			best, hello.Version)
	}
	return nil
}

// marked returns the better version that a server of TLS 1.2 or before says it
// could speak, where this side has offered one, or 0. Whoever offers TLS 1.3
// takes neither mark (RFC 9846, section 4.2.3).
func (c *Client) marked(hello *tlsmsg.ServerHello) tlsmsg.Version {
	switch mark := string(hello.Random[24:]); {
	case c.tls13 != nil && mark == tlsmsg.DowngradeTLS12:
		return tlsmsg.VersionTLS13
	case mark != tlsmsg.DowngradeTLS11:
		return 0
	case c.tls13 != nil, hello.Version < tlsmsg.VersionTLS12 && c.cfg.MaxVersion >= tlsmsg.VersionTLS12:
		return tlsmsg.VersionTLS12
	}
	return 0
}

// chooseSuite sets what follows from the suite. One that was offered for its
// number alone goes on, undecoded, to ServerHelloDone.
func (c *Client) chooseSuite(id tlsmsg.CipherSuite) error {
	c.ctx.Version = c.state.Version
	known := suite.Lookup(id)
	if known == nil && suite.Lookup13(id) != nil {
		return refuse(tlsmsg.AlertIllegalParameter, "ServerHello.cipher_suite", "%v is not a suite of %v", id, c.state.Version)
	}
	if known == nil {
		c.decide("suite_unknown", "%v cannot be finished here: the handshake is followed to ServerHelloDone", id)
		return nil
	}
	if known = known.For(c.state.Version); known == nil {
		return refuse(tlsmsg.AlertIllegalParameter, "ServerHello.cipher_suite", "%v is not a suite of %v", id, c.state.Version)
	}
	c.useSuite(known)
	if len(c.cfg.Credentials) == 0 {
		c.transcript.Drop() // nothing will be signed
	}
	return nil
}
