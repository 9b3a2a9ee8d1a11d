package handshake

import (
	"net/netip"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// exchange is what a handshake keeps between its messages, and lets go of at
// its end.
type exchange struct {
	statusPromised, ticketPromised bool

	publicKey any    // of the peer's leaf
	peerKey   []byte // of ServerKeyExchange

	request *tlsmsg.CertificateRequest // nil: the server asks for no certificate
	agreed  AgreeResult
	scheme  tlsmsg.SignatureScheme // for CertificateVerify
}

// certificate takes the server's chain and has it judged (RFC 5246, section
// 7.4.2).
func (c *Client) certificate(raw []byte) error {
	var m tlsmsg.Certificate
	if err := c.decode(&m, raw); err != nil {
		return err
	}
	if len(m.Chain) == 0 {
		return refuse(tlsmsg.AlertDecodeError, "Certificate.certificate_list", "empty, expected the server's certificate")
	}
	c.state.Chain = m.Chain
	c.reach(StageCertificateReceived)
	switch {
	case c.suite == nil:
		c.phase = phaseUnknownExchange
	case c.exchange.statusPromised:
		c.phase = phaseCertificateStatus
	}
	c.yield(VerifyChainWork{Chain: m.Chain, ServerName: c.cfg.ServerName}, (*Client).chainJudged)
	return nil
}

func (c *Client) chainJudged(r Result) error {
	result, ok := r.(VerifyChainResult)
	if !ok {
		return wrongResult(result, r)
	}
	c.state.Judged, c.state.Verdict = true, result.Verdict
	if c.events != nil {
		c.events(VerdictEvent{Err: result.Verdict})
	}
	if result.PublicKey == nil {
		return &ProtocolError{Alert: tlsmsg.AlertBadCertificate, Where: "Certificate",
			Reason: "the leaf's public key cannot be used: " + reason(result.Verdict), Err: result.Verdict}
	}
	c.exchange.publicKey = result.PublicKey
	if c.suite == nil {
		return nil
	}
	if err := c.suite.FitsKey(result.PublicKey); err != nil { // RFC 5246, section 7.4.2
		return &ProtocolError{Alert: tlsmsg.AlertIllegalParameter, Where: "Certificate", Reason: err.Error(), Err: err}
	}
	return nil
}

func reason(err error) string {
	if err == nil {
		return "no reason given"
	}
	return err.Error()
}

// certificateStatus keeps the OCSP response (RFC 6066, section 8).
func (c *Client) certificateStatus(raw []byte) error {
	var m tlsmsg.CertificateStatus
	if err := c.decode(&m, raw); err != nil {
		return err
	}
	if m.StatusType != tlsmsg.StatusTypeOCSP {
		return refuse(tlsmsg.AlertIllegalParameter, "CertificateStatus.status_type", "%v, expected %v as offered",
			m.StatusType, tlsmsg.StatusTypeOCSP)
	}
	c.state.OCSPResponse = m.Response
	return nil
}

// serverKeyExchange takes the server's ephemeral key and has its signature
// checked (RFC 5246, section 7.4.3; RFC 8422, section 5.4).
func (c *Client) serverKeyExchange(raw []byte) error {
	var m tlsmsg.ServerKeyExchange
	if err := c.decode(&m, raw); err != nil {
		return err
	}
	if c.suite == nil {
		return nil // the decision is told already
	}
	if m.CurveType != tlsmsg.CurveNamed {
		return refuse(tlsmsg.AlertIllegalParameter, "ServerKeyExchange.params.curve_type", "%v, expected %v",
			m.CurveType, tlsmsg.CurveNamed)
	}
	if !slices.Contains(c.cfg.Groups, m.Group) {
		return refuse(tlsmsg.AlertIllegalParameter, "ServerKeyExchange.params.named_curve", "%v was not offered", m.Group)
	}
	if !slices.Contains(c.cfg.SignatureSchemes, m.Scheme) {
		return refuse(tlsmsg.AlertIllegalParameter, "ServerKeyExchange.algorithm", "%v was not offered", m.Scheme)
	}
	if err := suite.Fits(m.Scheme, c.exchange.publicKey); err != nil {
		return &ProtocolError{Alert: tlsmsg.AlertIllegalParameter, Where: "ServerKeyExchange.algorithm", Reason: err.Error(), Err: err}
	}
	c.state.Group, c.state.Scheme = m.Group, m.Scheme
	c.exchange.peerKey = m.PublicKey
	c.negotiated()
	c.yield(VerifySignatureWork{
		PublicKey: c.exchange.publicKey,
		Scheme:    m.Scheme,
		Signed:    slices.Concat(c.state.ClientRandom[:], c.state.ServerRandom[:], m.Params),
		Signature: m.Signature,
	}, (*Client).signatureChecked)
	return nil
}

func (c *Client) signatureChecked(r Result) error {
	result, ok := r.(VerifySignatureResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.Err != nil {
		return &ProtocolError{Alert: tlsmsg.AlertDecryptError, Where: "ServerKeyExchange.signature",
			Reason: result.Err.Error(), Err: result.Err}
	}
	return nil
}

// serverHelloDone begins our flight (RFC 5246, section 7.4.5).
func (c *Client) serverHelloDone(raw []byte) error {
	if err := c.decode(new(tlsmsg.ServerHelloDone), raw); err != nil {
		return err
	}
	c.reach(StageHelloDone)
	if c.suite == nil {
		return refuse(tlsmsg.AlertHandshakeFailure, "ServerHello.cipher_suite",
			"%v was offered for its number alone: this side cannot finish it", c.state.CipherSuite)
	}
	if c.exchange.request == nil {
		c.transcript.Drop()
	}
	c.yield(AgreeWork{Group: c.state.Group, PeerKey: c.exchange.peerKey}, (*Client).keyAgreed)
	return nil
}

func (c *Client) keyAgreed(r Result) error {
	result, ok := r.(AgreeResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.Err != nil {
		return peerOrInternal(result.Err, suite.ErrPeerKey, tlsmsg.AlertIllegalParameter,
			"ServerKeyExchange.params.public", "agreeing on a key")
	}
	c.exchange.agreed = result
	return c.sendFlight()
}

// isAddress tells an IP address, in brackets or not, from a DNS name.
func isAddress(host string) bool {
	if n := len(host); n > 2 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}
