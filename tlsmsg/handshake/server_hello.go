// A client's look at the ServerHello, before its version is known.

package handshake

import "github.com/rawshake/rawshake/tlsmsg"

// serverHello takes the ServerHello and goes on with the version that it chooses
// (RFC 5246, section 7.4.1.3; RFC 9846, section 4.2.3).
func (c *Client) serverHello(raw []byte) error {
	hello := &c.hello
	err := c.decode(hello, raw)
	if err == nil {
		err = c.readVersion(hello)
	} else {
		c.state.Version = hello.Version
	}
	c.state.NoSuite = err != nil && !hasSuite(raw)
	c.chosen(hello) // what is refused is told of, too
	if err != nil {
		return err
	}
	if err := c.judgeECH(hello); err != nil {
		return err
	}
	if c.state.Version >= tlsmsg.VersionTLS13 {
		return c.serverHello13(hello)
	}
	return c.serverHello12(hello)
}

// readVersion sets the version that the server chooses: by supported_versions,
// where this side has offered that, or by server_version.
func (c *Client) readVersion(hello *tlsmsg.ServerHello) error {
	c.state.Version = hello.Version
	if c.tls13 == nil || c.again() {
		return nil
	}
	v := &c.tls13.version
	found, err := hello.DecodeExtension(v)
	switch {
	case err != nil:
		return malformed(err)
	case !found && hello.IsHelloRetryRequest():
		return refuse(tlsmsg.AlertMissingExtension, "HelloRetryRequest.extensions", "no %v", tlsmsg.ExtensionSupportedVersions)
	case !found && c.retried(): // RFC 9846, section 4.2.4
		return refuse(tlsmsg.AlertIllegalParameter, "ServerHello.extensions", "no %v, expected %v as in the HelloRetryRequest", tlsmsg.ExtensionSupportedVersions, tlsmsg.VersionTLS13)
	case !found && c.state.EarlyData == EarlyDataOffered: // RFC 9846, appendix D.3
		return refuse(tlsmsg.AlertProtocolVersion, "ServerHello.server_version", "%v, to a ClientHello with early data of %v", hello.Version, tlsmsg.VersionTLS13)
	case !found:
		return nil
	}
	c.state.Version = v.Versions[0]
	if c.state.Version < tlsmsg.VersionTLS13 || c.state.Version > c.cfg.MaxVersion { // RFC 9846, section 4.3.1
		return refuse(tlsmsg.AlertIllegalParameter, hello.Form().Heading()+".supported_versions", "%v, expected %v", c.state.Version, tlsmsg.VersionTLS13)
	}
	return nil
}

// chosen keeps what the server chose, as far as it could be read.
func (c *Client) chosen(hello *tlsmsg.ServerHello) {
	if len(hello.SessionID) > 0 {
		c.state.SessionID = hello.SessionID
	}
	c.state.CipherSuite, c.state.ServerRandom = hello.CipherSuite, hello.Random
	c.state.Extensions = hello.Extensions // raw is the machine's to keep
	if c.events != nil && hello.Version != 0 {
		c.events(ChosenEvent{Version: c.state.Version, CipherSuite: hello.CipherSuite, NoSuite: c.state.NoSuite})
	}
}

// hasSuite reports whether a ServerHello goes as far as its cipher suite, which
// may be 0.
func hasSuite(raw []byte) bool {
	const before, longest = tlsmsg.HeaderLen + 2 + 32, 32 // version and random; the session ID
	return len(raw) > before && raw[before] <= longest && len(raw) >= before+1+int(raw[before])+2
}
