package handshake

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// sendClientHello makes the ClientHello (RFC 5246, section 7.4.1.2).
func (c *Client) sendClientHello() error {
	if err := c.profile.wrong; err != nil {
		return &InternalError{What: "ClientHello", Err: err}
	}
	c.offerSession()
	if c.pool == nil && !c.again() {
		room := make([]byte, 2*flightRoom)
		c.scratch, c.out.buf = room[:0:flightRoom], room[flightRoom:flightRoom]
	}
	raw, err := c.appendClientHello(c.takeScratch())
	if err != nil {
		c.giveScratch(raw)
		return err
	}
	if c.again() {
		c.phase = phaseServerHelloAgain
	} else {
		// Servers of old take no ClientHello in a record of TLS 1.2 (RFC 5246,
		// appendix E.1).
		c.out.version = tlsmsg.VersionTLS10
		c.in.messages.MaxMessage = maxMessage
		c.phase = phaseServerHello
	}
	if err := c.sendMessage(tlsmsg.TypeClientHello, raw); err != nil {
		return err
	}
	c.reach(StageHelloSent)
	c.out.flush()
	return nil
}

// appendClientHello appends the message to b.
func (c *Client) appendClientHello(b []byte) ([]byte, error) {
	hello := tlsmsg.ClientHello{
		Version:            c.cfg.MaxVersion,
		Random:             c.state.ClientRandom,
		CipherSuites:       c.offeredSuites(),
		CompressionMethods: nullCompression,
	}
	if c.session != nil {
		hello.SessionID = c.session.offeredID()
	}
	at := len(b)
	b = append(b, byte(tlsmsg.TypeClientHello), 0, 0, 0)
	b, err := c.appendExtensions(hello.AppendBody(b, c.ctx), at)
	n := len(b) - at - tlsmsg.HeaderLen
	b[at+1], b[at+2], b[at+3] = byte(n>>16), byte(n>>8), byte(n)
	return b, err
}

var nullCompression = []tlsmsg.CompressionMethod{tlsmsg.CompressionNull}

// offeredSuites is the configured list, with what options add to it.
func (c *Client) offeredSuites() []tlsmsg.CipherSuite {
	list := c.cfg.CipherSuites
	if c.again() { // RFC 5746, section 3.5
		list = slices.DeleteFunc(slices.Clone(list), func(id tlsmsg.CipherSuite) bool { return id == tlsmsg.TLS_EMPTY_RENEGOTIATION_INFO_SCSV })
	}
	if c.cfg.GREASE {
		list = append([]tlsmsg.CipherSuite{greaseValue[tlsmsg.CipherSuite](&c.state.ClientRandom, greaseSuite)}, list...)
	}
	if c.cfg.FallbackSCSV && !slices.Contains(list, tlsmsg.TLS_FALLBACK_SCSV) {
		list = append(slices.Clip(list), tlsmsg.TLS_FALLBACK_SCSV)
	}
	return list
}

// serverHello takes the ServerHello (RFC 5246, section 7.4.1.3).
func (c *Client) serverHello(raw []byte) error {
	hello := &c.hello
	err := c.decode(hello, raw)
	c.state.NoSuite = err != nil && !hasSuite(raw)
	c.chosen(hello) // what is refused is told of, too
	if err != nil {
		return err
	}
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
	if err := c.answeredExtensions(hello); err != nil {
		return err
	}
	if err := c.checkAgain(); err != nil {
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

// chosen keeps what the server chose, as far as it could be read.
func (c *Client) chosen(hello *tlsmsg.ServerHello) {
	if len(hello.SessionID) > 0 {
		c.state.SessionID = hello.SessionID
	}
	c.state.Version, c.state.CipherSuite, c.state.ServerRandom = hello.Version, hello.CipherSuite, hello.Random
	c.state.Extensions = hello.Extensions // raw is the machine's to keep
	if c.events != nil && hello.Version != 0 {
		c.events(ChosenEvent{Version: hello.Version, CipherSuite: hello.CipherSuite, NoSuite: c.state.NoSuite})
	}
}

// hasSuite reports whether a ServerHello goes as far as its cipher suite, which
// may be 0.
func hasSuite(raw []byte) bool {
	const before, longest = tlsmsg.HeaderLen + 2 + 32, 32 // version and random; the session ID
	return len(raw) > before && raw[before] <= longest && len(raw) >= before+1+int(raw[before])+2
}

// checkVersion takes one of the versions that the Config allows. A server that
// could speak the best of them marks a lesser choice: then somebody on the way
// has changed the ClientHello (RFC 8446, section 4.1.3).
func (c *Client) checkVersion(hello *tlsmsg.ServerHello) error {
	if hello.Version < c.cfg.MinVersion || hello.Version > c.cfg.MaxVersion {
		expected := c.cfg.MaxVersion.String()
		if c.cfg.MinVersion < c.cfg.MaxVersion {
			expected = c.cfg.MinVersion.String() + " to " + expected
		}
		return refuse(tlsmsg.AlertProtocolVersion, "ServerHello.server_version", "%v, expected %s", hello.Version, expected)
	}
	if c.again() && hello.Version != c.in.version {
		return refuse(tlsmsg.AlertProtocolVersion, "ServerHello.server_version", "%v, expected %v as in the handshake before in this connection", hello.Version, c.in.version)
	}
	if hello.Version < tlsmsg.VersionTLS12 && c.cfg.MaxVersion == tlsmsg.VersionTLS12 && string(hello.Random[24:]) == tlsmsg.DowngradeTLS11 {
		return refuse(tlsmsg.AlertIllegalParameter, "ServerHello.random",
			"it ends with the mark of a server that speaks %v, and chose %v: the ClientHello was changed on the way",
			tlsmsg.VersionTLS12, hello.Version)
	}
	return nil
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

// chooseSuite sets what follows from the suite. One that was offered for its
// number alone goes on, undecoded, to ServerHelloDone.
func (c *Client) chooseSuite(id tlsmsg.CipherSuite) error {
	c.ctx.Version = c.state.Version
	known := suite.Lookup(id)
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
