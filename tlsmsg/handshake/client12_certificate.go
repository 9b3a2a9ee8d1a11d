// The server's certificate, and the status stapled to it, in TLS 1.2.

package handshake

import (
	"cmp"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// certificate takes the server's chain and has it judged (RFC 5246, section
// 7.4.2).
func (c *Client) certificate(raw []byte) error {
	m := &c.chain
	if err := c.decode(m, raw); err != nil {
		return err
	}
	if len(m.Chain) == 0 {
		return refuse(tlsmsg.AlertDecodeError, "Certificate.certificate_list", "empty, expected the server's certificate")
	}
	if err := c.sameChain(m.Chain); err != nil {
		return err
	}
	c.state.Chain = m.Chain
	c.reach(StageCertificateReceived)
	switch {
	case c.suite == nil:
		c.phase = phaseUnknownExchange
	case c.suite.KeyExchange == tlsmsg.KeyExchangeRSA && c.exchange.statusPromised:
		c.phase = phaseStatusAlone
	case c.suite.KeyExchange == tlsmsg.KeyExchangeRSA:
		c.phase = phaseCertificateRequest
	case c.exchange.statusPromised:
		c.phase = phaseCertificateStatus
	}
	c.yieldLater((*Client).chainWork, (*Client).chainJudged)
	return nil
}

func (c *Client) chainWork() Work {
	return VerifyChainWork{
		Chain:      c.state.Chain,
		ServerName: c.name,
		Decrypts:   c.suite != nil && c.suite.KeyExchange == tlsmsg.KeyExchangeRSA,
		MinRSABits: c.cfg.MinRSABits,
	}
}

func (c *Client) chainJudged(r Result) error {
	result, ok := r.(VerifyChainResult)
	if !ok {
		return wrongResult(result, r)
	}
	c.judged(result.Verdict)
	if result.PublicKey == nil {
		return &ProtocolError{Alert: cmp.Or(result.Alert, tlsmsg.AlertBadCertificate), Where: "Certificate",
			Reason: "the leaf's public key cannot be used: " + reason(result.Verdict), Err: result.Verdict}
	}
	c.exchange.publicKey = result.PublicKey
	if c.suite == nil {
		return nil
	}
	if err := c.suite.FitsKey(result.PublicKey); err != nil { // RFC 5246, section 7.4.2
		return &ProtocolError{Alert: tlsmsg.AlertIllegalParameter, Where: "Certificate", Reason: err.Error(), Err: err}
	}
	if bits := suite.RSABits(result.PublicKey); bits > 0 && bits < c.cfg.MinRSABits {
		return refuse(tlsmsg.AlertInsufficientSecurity, "Certificate", "an RSA key of %d bits, expected at least %d", bits, c.cfg.MinRSABits)
	}
	return nil
}

// judged keeps and tells the verdict on the server's chain.
func (c *Client) judged(verdict error) {
	c.state.Judged, c.state.Verdict = true, verdict
	if c.events != nil {
		c.events(VerdictEvent{Err: verdict})
	}
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
	c.exchange.statusAsked = true
	c.yield(VerifyStatusWork{Chain: c.state.Chain, Response: m.Response, Verdict: c.state.Verdict}, (*Client).statusJudged)
	return nil
}

func (c *Client) statusJudged(r Result) error {
	result, ok := r.(VerifyStatusResult)
	if !ok {
		return wrongResult(result, r)
	}
	c.exchange.statusAsked = false
	c.state.Status = result.Status
	c.decide("ocsp_"+string(result.Status), "%s", result.Text)
	if result.Status == StatusRevoked {
		c.judged(result.Verdict)
	}
	return nil
}

// AwaitsStatus reports whether a stapled OCSP response is still to come or
// being verified, so that the verdict on the chain may change.
func (c *Client) AwaitsStatus() bool {
	return c.phase == phaseCertificateStatus || c.phase == phaseStatusAlone || c.exchange.statusAsked
}

// isAddress tells an IP address, in brackets or not, from a DNS name.
func isAddress(host string) bool {
	if n := len(host); n > 2 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	return tlsmsg.IsAddress(host)
}
