// The key exchange of TLS 1.2, from the client's side.

package handshake

import (
	"bytes"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// exchange is what a handshake keeps between its messages, and frees at its
// end.
type exchange struct {
	statusPromised, statusAsked, ticketPromised bool

	scheme   tlsmsg.SignatureScheme // for CertificateVerify
	lifetime uint32                 // of the ticket
	ticket   []byte

	publicKey any                      // of the peer's leaf
	server    tlsmsg.ServerKeyExchange // its parameters
	signed    []byte                   // what its signature is over, in the scratch, while it is checked

	request *tlsmsg.CertificateRequest // nil: the server asks for no certificate
	ours    []byte                     // our public key, or the secret encrypted to the server's
	secret  []byte                     // pre_master_secret
}

// serverKeyExchange takes the server's ephemeral key and has its signature
// checked (RFC 5246, section 7.4.3; RFC 8422, section 5.4).
func (c *Client) serverKeyExchange(raw []byte) error {
	m := &c.exchange.server
	if err := c.decode(m, raw); err != nil {
		return err
	}
	if c.suite == nil {
		return nil // the decision is told already
	}
	check := c.checkCurve
	if c.suite.KeyExchange == tlsmsg.KeyExchangeDHE {
		check = c.checkField
	}
	if err := check(m); err != nil {
		return err
	}
	scheme, err := c.signatureScheme(m.Scheme)
	if err != nil {
		return err
	}
	c.state.Scheme = m.Scheme
	c.negotiated()
	signed := c.pool.Grow(c.takeScratch(), 2*len(c.state.ClientRandom)+len(m.Params))
	signed = append(append(append(signed, c.state.ClientRandom[:]...), c.state.ServerRandom[:]...), m.Params...)
	c.exchange.signed = signed
	c.yield(VerifySignatureWork{
		PublicKey: c.exchange.publicKey,
		Scheme:    scheme,
		Signed:    signed,
		Signature: m.Signature,
	}, (*Client).signatureChecked)
	return nil
}

// checkCurve checks the parameters of ECDHE: a curve that we offered.
func (c *Client) checkCurve(m *tlsmsg.ServerKeyExchange) error {
	if m.CurveType != tlsmsg.CurveNamed {
		return refuse(tlsmsg.AlertIllegalParameter, "ServerKeyExchange.params.curve_type", "%v, expected %v",
			m.CurveType, tlsmsg.CurveNamed)
	}
	if !c.offersGroup(m.Group) || suite.IsFFDHE(m.Group) || suite.IsHybrid(m.Group) {
		return refuse(tlsmsg.AlertIllegalParameter, "ServerKeyExchange.params.named_curve", "%v %s", m.Group, c.unoffered(uint16(m.Group), greaseGroup))
	}
	c.state.Group = m.Group
	return nil
}

// checkField checks the parameters of DHE, of which nothing was negotiated
// but, with luck, a group of RFC 7919: see [suite.CheckDH] for the rest.
func (c *Client) checkField(m *tlsmsg.ServerKeyExchange) error {
	d := suite.DescribeDH(m.DHPrime, m.DHGenerator)
	c.state.DH, c.state.Group = d, d.Group
	if c.cfg.Verbatim && d.Bits <= suite.MaxDHBits {
		v := c.state.verbatim()
		v.Prime, v.Generator = bytes.Clone(m.DHPrime), bytes.Clone(m.DHGenerator)
	}
	c.decide("dh_group", "the server's Diffie-Hellman group is %v", d)
	switch {
	case d.Bits < c.cfg.MinDHBits:
		return refuse(tlsmsg.AlertInsufficientSecurity, "ServerKeyExchange.params.dh_p",
			"%v: a prime of %d bits, expected at least %d", d, d.Bits, c.cfg.MinDHBits)
	case d.Bits > suite.MaxDHBits:
		return refuse(tlsmsg.AlertIllegalParameter, "ServerKeyExchange.params.dh_p",
			"a prime of %d bits, expected at most %d", d.Bits, suite.MaxDHBits)
	}
	return nil
}

// signatureScheme returns the scheme of a signature by the server's key: the
// one that it names, which must be one that we offered, or before TLS 1.2 the
// implied one.
func (c *Client) signatureScheme(named tlsmsg.SignatureScheme) (tlsmsg.SignatureScheme, error) {
	if c.state.Version < tlsmsg.VersionTLS12 {
		named = suite.ImpliedScheme(c.exchange.publicKey)
	} else if !c.offersScheme(named) {
		return 0, refuse(tlsmsg.AlertIllegalParameter, "ServerKeyExchange.algorithm", "%v %s", named, c.unoffered(uint16(named), greaseScheme))
	}
	if err := suite.Fits(named, c.exchange.publicKey); err != nil {
		return 0, &ProtocolError{Alert: tlsmsg.AlertIllegalParameter, Where: "ServerKeyExchange.algorithm", Reason: err.Error(), Err: err}
	}
	return named, nil
}

// giveSigned frees what the signature was over.
func (c *Client) giveSigned() {
	if c.pool != nil {
		c.pool.Put(c.exchange.signed)
	} else if c.exchange.signed != nil {
		c.scratch = c.exchange.signed
	}
	c.exchange.signed = nil
}

func (c *Client) signatureChecked(r Result) error {
	c.giveSigned()
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
	c.last = lastMessage{any: true, dir: In, typ: tlsmsg.TypeServerHelloDone}
	if err := c.flightOver(); err != nil {
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
	m := &c.exchange.server
	switch c.suite.KeyExchange {
	case tlsmsg.KeyExchangeRSA:
		c.yield(EncryptWork{PublicKey: c.exchange.publicKey, Version: c.legacyVersion()}, (*Client).secretEncrypted)
	case tlsmsg.KeyExchangeDHE:
		if err := suite.CheckDHPublic(m.DHPrime, m.DHPublic); err != nil { // it costs less than a key
			return peersKey(err)
		}
		c.yield(KeyPairWork{Group: c.state.Group, Prime: m.DHPrime, Generator: m.DHGenerator}, (*Client).keyMade)
	default:
		c.yield(KeyPairWork{Group: m.Group}, (*Client).keyMade)
	}
	return nil
}

func (c *Client) keyMade(r Result) error {
	result, ok := r.(KeyPairResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.DH.Odd != "" {
		c.state.DH = result.DH
		c.decide("dh_group_odd", "the server's Diffie-Hellman group is %v", result.DH)
	}
	if result.Err != nil {
		return peerOrInternal(result.Err, suite.ErrDHGroup, tlsmsg.AlertIllegalParameter, "ServerKeyExchange.params", "making an ephemeral key")
	}
	c.exchange.ours = result.PublicKey
	peer := c.exchange.server.PublicKey
	if c.suite.KeyExchange == tlsmsg.KeyExchangeDHE {
		peer = c.exchange.server.DHPublic
	}
	c.yield(SharedSecretWork{Private: result.Private, PeerKey: peer}, (*Client).keyAgreed)
	return nil
}

func (c *Client) keyAgreed(r Result) error {
	result, ok := r.(SharedSecretResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.Err != nil {
		return peersKey(result.Err)
	}
	c.exchange.secret = result.Secret
	return c.sendFlight()
}

// peersKey makes the error for a public key of the server's that nothing can be
// agreed with.
func peersKey(err error) error {
	return peerOrInternal(err, suite.ErrPeerKey, tlsmsg.AlertIllegalParameter, "ServerKeyExchange.params.public", "agreeing on a key")
}

// secretEncrypted goes on with the secret of RSA key exchange.
func (c *Client) secretEncrypted(r Result) error {
	result, ok := r.(EncryptResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.Err != nil {
		return &InternalError{What: "encrypting the pre-master secret to the server's key", Err: result.Err}
	}
	c.exchange.secret = result.PreMasterSecret
	c.exchange.ours = result.Encrypted
	return c.sendFlight()
}
