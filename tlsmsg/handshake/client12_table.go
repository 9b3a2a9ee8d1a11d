// The client's table of states and messages in TLS 1.2.

package handshake

import "github.com/rawshake/rawshake/tlsmsg"

// client12 is the client of TLS 1.2: which message is taken in which phase,
// and what is waited for then (RFC 5246, section 7.3, figure 1; RFC 6066,
// section 8; RFC 5077, section 3.3), in TLS 1.0 and 1.1 the same. An abbreviated
// handshake goes from ServerHello to the server's last messages (figure 2). Whatever has no row is answered by
// unexpected_message. A handler may set the phase itself; next is then moot.
var client12 = [numPhases][]step[*Client]{
	phaseServerHello: {
		{kind(tlsmsg.TypeServerHello), (*Client).serverHello, phaseCertificate},
		helloRequestIgnored,
	},
	phaseServerHelloAgain: { // what the server said before it saw our ClientHello
		{kind(tlsmsg.TypeServerHello), (*Client).serverHello, phaseCertificate},
		{kindApplicationData, (*Client).applicationData, numPhases},
		helloRequestIgnored,
	},
	phaseCertificate: {
		{kind(tlsmsg.TypeCertificate), (*Client).certificate, phaseServerKeyExchange},
		helloRequestIgnored,
	},
	phaseCertificateStatus: {
		{kind(tlsmsg.TypeCertificateStatus), (*Client).certificateStatus, phaseServerKeyExchange},
		{kind(tlsmsg.TypeServerKeyExchange), (*Client).serverKeyExchange, phaseCertificateRequest},
		helloRequestIgnored,
	},
	phaseStatusAlone: {
		{kind(tlsmsg.TypeCertificateStatus), (*Client).certificateStatus, phaseCertificateRequest},
		{kind(tlsmsg.TypeCertificateRequest), (*Client).certificateRequest, phaseServerHelloDone},
		{kind(tlsmsg.TypeServerHelloDone), (*Client).serverHelloDone, phaseFlight},
		helloRequestIgnored,
	},
	phaseServerKeyExchange: {
		{kind(tlsmsg.TypeServerKeyExchange), (*Client).serverKeyExchange, phaseCertificateRequest},
		helloRequestIgnored,
	},
	phaseUnknownExchange: {
		{kind(tlsmsg.TypeCertificateStatus), (*Client).certificateStatus, phaseUnknownExchange},
		{kind(tlsmsg.TypeServerKeyExchange), (*Client).serverKeyExchange, phaseCertificateRequest},
		{kind(tlsmsg.TypeCertificateRequest), (*Client).certificateRequest, phaseServerHelloDone},
		{kind(tlsmsg.TypeServerHelloDone), (*Client).serverHelloDone, phaseFlight},
		helloRequestIgnored,
	},
	phaseCertificateRequest: {
		{kind(tlsmsg.TypeCertificateRequest), (*Client).certificateRequest, phaseServerHelloDone},
		{kind(tlsmsg.TypeServerHelloDone), (*Client).serverHelloDone, phaseFlight},
		helloRequestIgnored,
	},
	phaseServerHelloDone: {
		{kind(tlsmsg.TypeServerHelloDone), (*Client).serverHelloDone, phaseFlight},
		helloRequestIgnored,
	},
	phaseNewSessionTicket: { // promised: no longer optional
		{kind(tlsmsg.TypeNewSessionTicket), (*Client).newSessionTicket, phaseChangeCipherSpec},
		helloRequestIgnored,
	},
	phaseChangeCipherSpec: {
		{kindChangeCipherSpec, (*Client).changeCipherSpec, phaseFinished},
		helloRequestIgnored,
	},
	phaseFinished: {
		{kind(tlsmsg.TypeFinished), (*Client).finished, phaseConnected},
		helloRequestIgnored,
	},
	phaseConnected: {
		{kindApplicationData, (*Client).applicationData, phaseConnected},
		{kind(tlsmsg.TypeHelloRequest), (*Client).renegotiationAsked, phaseConnected},
	},
}

// helloRequestIgnored is RFC 5246, section 7.4.1.1: during a handshake the
// client ignores HelloRequest, and it counts for no hash.
var helloRequestIgnored = step[*Client]{kind(tlsmsg.TypeHelloRequest), (*Client).helloRequest, numPhases}

func (c *Client) helloRequest(raw []byte) error {
	if err := c.decode(new(tlsmsg.HelloRequest), raw); err != nil {
		return err
	}
	c.decide("hello_request_ignored", "HelloRequest ignored: a handshake is already going on")
	return c.tolerate("HelloRequests or warning alerts")
}
