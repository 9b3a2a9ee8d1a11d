package handshake

import (
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
)

// phase is what a client waits for.
type phase uint8

const (
	phaseStart phase = iota
	phaseServerHello
	phaseCertificate
	phaseCertificateStatus // promised, and still optional
	phaseServerKeyExchange
	phaseUnknownExchange // as much as can be followed of a suite that we cannot finish
	phaseCertificateRequest
	phaseServerHelloDone
	phaseFlight // the driver's work on our flight
	phaseNewSessionTicket
	phaseChangeCipherSpec
	phaseFinished
	phaseConnected
	numPhases
)

var phaseNames = [numPhases]string{"start", "ServerHello", "Certificate", "CertificateStatus", "ServerKeyExchange",
	"unknown key exchange", "CertificateRequest", "ServerHelloDone", "flight", "NewSessionTicket", "ChangeCipherSpec", "Finished", "connected"}

func (p phase) String() string { return phaseNames[p] }

// kind is a message as the table knows it: a handshake type, or one of the
// contents that have records of their own. Alerts come at any time.
type kind uint16

const (
	kindChangeCipherSpec kind = 1<<8 + iota
	kindApplicationData
)

func (k kind) String() string {
	switch k {
	case kindChangeCipherSpec:
		return tlsmsg.ContentChangeCipherSpec.Heading()
	case kindApplicationData:
		return tlsmsg.ContentApplicationData.Heading()
	}
	return tlsmsg.HandshakeType(k).Heading()
}

// step is what a client does with a message that it waits for.
type step struct {
	kind kind
	do   func(*Client, []byte) error // the whole handshake message, or the record's content
	next phase
}

// client12 is the client of TLS 1.2: which message is taken in which phase,
// and what is waited for then (RFC 5246, section 7.3, figure 1; RFC 6066,
// section 8; RFC 5077, section 3.3). Whatever stands in no row is answered by
// unexpected_message. A handler may set the phase itself; next is then moot.
var client12 = [numPhases][]step{
	phaseServerHello: {
		{kind(tlsmsg.TypeServerHello), (*Client).serverHello, phaseCertificate},
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
		{kind(tlsmsg.TypeHelloRequest), (*Client).refuseRenegotiation, phaseConnected},
	},
}

// helloRequestIgnored is RFC 5246, section 7.4.1.1: during a handshake the
// client ignores HelloRequest, and it counts for no hash.
var helloRequestIgnored = step{kind(tlsmsg.TypeHelloRequest), (*Client).helloRequest, numPhases}

// handshakeMessage takes one whole handshake message.
func (c *Client) handshakeMessage(raw []byte) error {
	typ := tlsmsg.HandshakeType(raw[0])
	c.messageArrived(tlsmsg.ContentHandshake, typ, raw)
	c.in.began = c.in.span.start // of the next, if it begins in the same record
	if err := c.dispatch(kind(typ), raw); err != nil {
		return err
	}
	if typ != tlsmsg.TypeHelloRequest {
		c.transcript.Add(raw)
		c.last = lastMessage{any: true, dir: In, typ: typ}
	}
	return nil
}

// dispatch looks a message up in the table.
func (c *Client) dispatch(k kind, raw []byte) error {
	for i := range c.steps() {
		s := &c.steps()[i]
		if s.kind != k {
			continue
		}
		before := c.phase
		if err := s.do(c, raw); err != nil {
			return err
		}
		if c.phase == before && s.next < numPhases {
			c.phase = s.next
		}
		return nil
	}
	return refuse(tlsmsg.AlertUnexpectedMessage, k.String(), "after %s, expected %s", c.last, c.expected())
}

func (c *Client) steps() []step {
	if c.table == nil {
		return nil
	}
	return c.table[c.phase]
}

// expected lists what the phase takes, for errors.
func (c *Client) expected() string {
	var names []string
	for _, s := range c.steps() {
		if s.kind != kind(tlsmsg.TypeHelloRequest) {
			names = append(names, s.kind.String())
		}
	}
	if len(names) == 0 {
		return "nothing yet"
	}
	return strings.Join(names, " or ")
}

func (c *Client) helloRequest(raw []byte) error {
	if err := c.decode(new(tlsmsg.HelloRequest), raw); err != nil {
		return err
	}
	c.decide("hello_request_ignored", "HelloRequest ignored: a handshake is already going on")
	return c.tolerate("HelloRequests or warning alerts")
}

// refuseRenegotiation answers a HelloRequest outside a handshake (RFC 5246,
// section 7.4.1.1): this client does not renegotiate.
func (c *Client) refuseRenegotiation(raw []byte) error {
	if err := c.decode(new(tlsmsg.HelloRequest), raw); err != nil {
		return err
	}
	if err := c.tolerate("HelloRequests or warning alerts"); err != nil {
		return err
	}
	c.sendAlert(tlsmsg.LevelWarning, tlsmsg.AlertNoRenegotiation, "HelloRequest: this client does not renegotiate")
	return nil
}

// decode decodes a message whose type the table has checked.
func (c *Client) decode(m tlsmsg.Message, raw []byte) error {
	if err := tlsmsg.ParseInto(m, raw, c.ctx); err != nil {
		return malformed(err)
	}
	return nil
}
