// Who the server is, and what it asks of us (RFC 9846, sections 4.4.2 and 4.5).

package handshake

import (
	"bytes"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// certificateRequest13 takes the server's request, which is answered in our
// flight.
func (c *Client) certificateRequest13(raw []byte) error {
	m := new(tlsmsg.CertificateRequest)
	if err := c.decode(m, raw); err != nil {
		return err
	}
	if n := len(m.RequestContext); n > 0 {
		return refuse(tlsmsg.AlertIllegalParameter, "CertificateRequest.certificate_request_context", "%d bytes, expected none in a handshake", n)
	}
	return c.requested13(m)
}

// requested13 keeps what a CertificateRequest asks for.
func (c *Client) requested13(m *tlsmsg.CertificateRequest) error {
	if err := m.CheckExtensions(); err != nil {
		return repeated(err)
	}
	var schemes tlsmsg.SignatureAlgorithms
	found, err := m.DecodeExtension(&schemes)
	switch {
	case err != nil:
		return malformed(err)
	case !found:
		return refuse(tlsmsg.AlertMissingExtension, "CertificateRequest.extensions", "no %v", tlsmsg.ExtensionSignatureAlgorithms)
	}
	for _, s := range schemes.Schemes {
		if suite.Signs13(s) {
			m.Schemes = append(m.Schemes, s)
		}
	}
	var names tlsmsg.CertificateAuthorities
	if _, err := m.DecodeExtension(&names); err != nil {
		return malformed(err)
	}
	m.Authorities = names.Authorities
	m.CertificateTypes = certificateTypes // TLS 1.3 says it by the schemes
	c.exchange.request = m
	c.state.CertificateRequested = true
	return nil
}

// certificate13 takes the server's chain and has it judged (RFC 9846, section
// 4.5.1).
func (c *Client) certificate13(raw []byte) error {
	m := &c.chain
	if err := c.decode(m, raw); err != nil {
		return err
	}
	switch {
	case len(m.RequestContext) > 0:
		return refuse(tlsmsg.AlertIllegalParameter, "Certificate.certificate_request_context", "%d bytes, expected none of a server", len(m.RequestContext))
	case len(m.Chain) == 0:
		return refuse(tlsmsg.AlertDecodeError, "Certificate.certificate_list", "empty, expected the server's certificate")
	}
	if err := m.CheckExtensions(); err != nil {
		return repeated(err)
	}
	for i, list := range m.EntryExtensions {
		if err := c.entry(i, list); err != nil {
			return err
		}
	}
	c.state.Chain = m.Chain
	c.exchange.statusAsked = c.state.OCSPResponse != nil
	c.reach(StageCertificateReceived)
	c.yieldLater((*Client).chainWork, (*Client).chainJudged13)
	return nil
}

// entry takes the extensions beside a certificate. What stands beside others than
// the leaf is not looked at.
func (c *Client) entry(i int, list []tlsmsg.Extension) error {
	ocsp, scts := c.state.OCSPResponse, slices.Clone(c.state.SCTs) // the next lists take the same memory
	err := c.answered(block{place: inCertificate, form: tlsmsg.TypeCertificate, list: list, message: certificateEntry{&c.chain, i}})
	if i > 0 {
		c.state.OCSPResponse, c.state.SCTs = ocsp, scts
	}
	return err
}

// certificateEntry is one of a Certificate message's, as what has extensions.
type certificateEntry struct {
	m *tlsmsg.Certificate
	i int
}

func (e certificateEntry) DecodeExtension(into tlsmsg.ExtensionData) (bool, error) {
	return e.m.DecodeExtension(e.i, into)
}

// compressedCertificate13 takes the same compressed (RFC 8879, section 4).
func (c *Client) compressedCertificate13(raw []byte) error {
	return c.decompress(raw, c.offersCompression, (*Client).certificate13)
}

func (c *Client) chainJudged13(r Result) error {
	if err := c.chainJudged(r); err != nil {
		return err
	}
	if c.exchange.statusAsked {
		c.yield(VerifyStatusWork{Chain: c.state.Chain, Response: c.state.OCSPResponse, Verdict: c.state.Verdict}, (*Client).statusJudged)
	}
	return nil
}

// certificateVerify13 has the proof checked that the server holds its
// certificate's key (RFC 9846, section 4.5.2).
func (c *Client) certificateVerify13(raw []byte) error {
	var m tlsmsg.CertificateVerify
	if err := c.decode(&m, raw); err != nil {
		return err
	}
	if !c.offersScheme(m.Scheme) {
		return refuse(tlsmsg.AlertIllegalParameter, "CertificateVerify.algorithm", "%v %s", m.Scheme, c.unoffered(uint16(m.Scheme), greaseScheme))
	}
	if err := suite.Fits13(m.Scheme, c.exchange.publicKey); err != nil {
		return &ProtocolError{Alert: tlsmsg.AlertIllegalParameter, Where: "CertificateVerify.algorithm", Reason: err.Error(), Err: err}
	}
	c.state.Scheme = m.Scheme
	c.exchange.signed = c.signedContent(c.takeScratch(), serverSigns)
	c.yield(VerifySignatureWork{PublicKey: c.exchange.publicKey, Scheme: m.Scheme, Signed: c.exchange.signed, Signature: m.Signature},
		(*Client).proofChecked13)
	return nil
}

func (c *Client) proofChecked13(r Result) error {
	c.giveSigned()
	result, ok := r.(VerifySignatureResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.Err != nil {
		return &ProtocolError{Alert: tlsmsg.AlertDecryptError, Where: "CertificateVerify.signature", Reason: result.Err.Error(), Err: result.Err}
	}
	return nil
}

// sendCredential13 makes Certificate, and has its proof signed where there is one.
func (c *Client) sendCredential13() error {
	c.chooseCredential()
	request := c.exchange.request
	m := &tlsmsg.Certificate{RequestContext: request.RequestContext}
	if c.state.Credential >= 0 {
		m.Chain = c.cfg.Credentials[c.state.Credential].Chain
	}
	var theirs tlsmsg.CompressCertificate
	if _, err := request.DecodeExtension(&theirs); err != nil {
		return malformed(err)
	}
	return c.sendChain(m, commonCompression(c.cfg.CompressCertificates, theirs.Algorithms), (*Client).signCredential13)
}

// signCredential13 has the proof signed once Certificate is sent.
func (c *Client) signCredential13() error {
	if c.state.Credential < 0 {
		return c.endFlight13()
	}
	c.yield(SignWork{
		Credential: c.state.Credential,
		Scheme:     c.exchange.scheme,
		Signed:     bytes.Clone(c.signedContent(nil, clientSigns)),
	}, (*Client).signed13)
	return nil
}

func (c *Client) signed13(r Result) error {
	if err := c.sendVerify(r, c.exchange.scheme); err != nil {
		return err
	}
	return c.endFlight13()
}
