// The hellos of TLS 1.3 from the client's side (RFC 9846, sections 4.2 and
// 4.3.8).

package handshake

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// offerTLS13 has the keys made that the ClientHello offers.
func (c *Client) offerTLS13() {
	const label = "legacy_session_id"
	var said [len(label) + 32]byte
	copy(said[copy(said[:], label):], c.state.ClientRandom[:])
	c.tls13.sessionID = sha256.Sum256(said[:])
	c.prepareECH()
}

// makeShares has one key made after the other, and then makes the ClientHello.
func (c *Client) makeShares() {
	if g, ok := c.nextShare(); ok {
		work := KeyPairWork{Group: g, Share: true, Seed: c.tls13.ownSeed()}
		if work.Seed != nil {
			work.Beside = c.tls13.hybridWith(g)
		}
		c.yield(work, (*Client).shareMade)
		return
	}
	c.end(c.sendClientHello())
}

// nextShare returns the next group to make a key in. Who sends a key_share of its
// own, or none, needs no keys.
func (c *Client) nextShare() (tlsmsg.NamedGroup, bool) {
	t := c.tls13
	if findRaw(c.cfg.Extensions, tlsmsg.ExtensionKeyShare) != nil || slices.Contains(c.cfg.Omit, tlsmsg.ExtensionKeyShare) {
		return 0, false
	}
	if t.asked != 0 {
		return t.asked, len(t.shares) == 0
	}
	if n := len(t.shares); n < len(c.cfg.KeyShares) {
		return c.cfg.KeyShares[n], true
	}
	return 0, false
}

// usualShares returns the groups to make keys in by default: the first that is
// not of a finite field, and if that is a hybrid with ML-KEM also the first
// curve, which costs little and saves most other servers a HelloRetryRequest.
func usualShares(groups []tlsmsg.NamedGroup) (list []tlsmsg.NamedGroup) {
	i := slices.IndexFunc(groups, func(g tlsmsg.NamedGroup) bool { return suite.Shares(g) && !suite.IsFFDHE(g) })
	if i < 0 {
		return nil
	}
	list = append(list, groups[i])
	if !suite.IsHybrid(list[0]) {
		return list
	}
	if i = slices.IndexFunc(groups, func(g tlsmsg.NamedGroup) bool { return suite.Shares(g) && !suite.IsFFDHE(g) && !suite.IsHybrid(g) }); i >= 0 {
		list = append(list, groups[i])
	}
	return list
}

func (c *Client) shareMade(r Result) error {
	result, ok := r.(KeyPairResult)
	if !ok {
		return wrongResult(result, r)
	}
	g, _ := c.nextShare()
	if result.Err != nil {
		return &InternalError{What: "making a key in " + g.String(), Err: result.Err}
	}
	c.tls13.shares = append(c.tls13.shares, share{g, result.PublicKey, result.Private})
	if !c.retried() {
		c.tls13.sent = append(c.tls13.sent, OfferedShare{g, len(result.PublicKey)})
	}
	c.makeShares()
	return nil
}

// retried reports whether the server has asked for a second ClientHello.
func (c *Client) retried() bool { return c.tls13 != nil && c.tls13.retry != 0 }

// offers13 reports whether the ClientHello that is made is to offer TLS 1.3.
func (c *Client) offers13() bool { return c.tls13 != nil && !c.again() }

func offerSupportedVersions(c *Client, b []byte) ([]byte, error) {
	if !c.offers13() {
		return nil, nil
	}
	var v tlsmsg.SupportedVersions
	if c.cfg.GREASE {
		v.Versions = append(v.Versions, greaseValue[tlsmsg.Version](&c.state.ClientRandom, greaseVersion))
	}
	lowest := c.cfg.MinVersion
	if c.inside() {
		lowest = tlsmsg.VersionTLS13 // RFC 9849, section 6.1
	}
	for version := c.cfg.MaxVersion; version >= lowest; version-- {
		v.Versions = append(v.Versions, version)
	}
	return v.AppendData(b, inHello), nil
}

// answerSupportedVersions: readVersion has read it.
func answerSupportedVersions(*Client, block) error { return nil }

func offerKeyShare(c *Client, b []byte) ([]byte, error) {
	if !c.offers13() {
		return nil, nil
	}
	v := &c.tls13.chosen // which the answer is decoded into
	v.Shares = v.Shares[:0]
	if c.cfg.GREASE && !c.retried() { // one byte, as for no group
		v.Shares = append(v.Shares, tlsmsg.KeyShareEntry{Group: greaseValue[tlsmsg.NamedGroup](&c.state.ClientRandom, greaseGroup), KeyExchange: []byte{0}})
	}
	for _, s := range c.tls13.shares {
		v.Shares = append(v.Shares, tlsmsg.KeyShareEntry{Group: s.group, KeyExchange: s.public})
	}
	return v.AppendData(b, inHello), nil
}

func answerKeyShare(c *Client, b block) error { return b.parse(&c.tls13.chosen) }

func offerCookie(c *Client, b []byte) ([]byte, error) {
	if !c.retried() || c.tls13.cookie == nil {
		return nil, nil
	}
	return (&tlsmsg.Cookie{Cookie: c.tls13.cookie}).AppendData(b, inHello), nil
}

func answerCookie(c *Client, b block) error {
	var v tlsmsg.Cookie
	err := b.parse(&v)
	c.tls13.cookie = v.Cookie
	return err
}

func offerPSKModes(c *Client, b []byte) ([]byte, error) {
	if !c.offers13() {
		return nil, nil
	}
	if c.cfg.PSKAlone {
		return withOrWithoutDHE.AppendData(b, inHello), nil
	}
	return withDHE.AppendData(b, inHello), nil
}

// The modes in which a PSK is used: alone only by request, as nothing then keeps
// secret what was said once the PSK is known.
var (
	withDHE          = &tlsmsg.PSKKeyExchangeModes{Modes: []tlsmsg.PSKKeyExchangeMode{tlsmsg.PSKModeDHEKE}}
	withOrWithoutDHE = &tlsmsg.PSKKeyExchangeModes{Modes: []tlsmsg.PSKKeyExchangeMode{tlsmsg.PSKModeDHEKE, tlsmsg.PSKModeKE}}
)

// serverHello13 takes a ServerHello of TLS 1.3, or a HelloRetryRequest.
func (c *Client) serverHello13(hello *tlsmsg.ServerHello) error {
	if err := c.checkHello13(hello); err != nil {
		return err
	}
	place := inHello13
	if hello.IsHelloRetryRequest() {
		place = inRetry
	}
	c.ctx.Version, c.table = c.state.Version, &client13
	if c.compressible() {
		c.table = &client13Compressed
	}
	c.out.version = tlsmsg.VersionTLS12 // RFC 9846, section 5.1
	if err := hello.CheckExtensions(); err != nil {
		return repeated(err)
	}
	if err := c.answered(block{place: place, form: hello.Form(), list: hello.Extensions, message: hello}); err != nil {
		return err
	}
	if place == inRetry {
		return c.retry(hello)
	}
	s, err := c.chosenShare(hello)
	if err != nil {
		return err
	}
	if err := c.flightOver(); err != nil {
		return err
	}
	if !c.retried() {
		c.useSuite(suite.Lookup13(hello.CipherSuite))
	}
	c.transcript.Drop() // what is signed is a hash
	c.phase = phaseEncryptedExtensions
	c.reach(StageHelloReceived)
	if s == nil {
		c.negotiated()
		c.after = (*Client).handshakeKeys
		return nil
	}
	c.state.Group = s.group
	c.negotiated()
	c.yield(SharedSecretWork{Private: s.private, PeerKey: c.tls13.chosen.Shares[0].KeyExchange}, (*Client).agreed13)
	return nil
}

// checkHello13 checks what both messages have but for their extensions (RFC 9846,
// section 4.2.3).
func (c *Client) checkHello13(hello *tlsmsg.ServerHello) error {
	name := hello.Form().Heading()
	switch known := suite.Lookup13(hello.CipherSuite); {
	case hello.Version != tlsmsg.VersionTLS12:
		return refuse(tlsmsg.AlertProtocolVersion, name+".legacy_version", "%v, expected %v with %v in supported_versions",
			hello.Version, tlsmsg.VersionTLS12, c.state.Version)
	case !slices.Equal(hello.SessionID, c.sessionID()):
		return refuse(tlsmsg.AlertIllegalParameter, name+".legacy_session_id_echo", "%x, expected %x as in the ClientHello", hello.SessionID, c.sessionID())
	case !c.offersSuite(hello.CipherSuite):
		return refuse(tlsmsg.AlertIllegalParameter, name+".cipher_suite", "%v %s", hello.CipherSuite, c.notToBeChosen(hello.CipherSuite))
	case known == nil && suite.Lookup(hello.CipherSuite) != nil:
		return refuse(tlsmsg.AlertIllegalParameter, name+".cipher_suite", "%v is not a suite of %v", hello.CipherSuite, c.state.Version)
	case known == nil:
		return refuse(tlsmsg.AlertHandshakeFailure, name+".cipher_suite", "%v was offered for its number alone: this side cannot finish it", hello.CipherSuite)
	case c.retried() && hello.IsHelloRetryRequest():
		return refuse(tlsmsg.AlertUnexpectedMessage, name, "a second one in this connection")
	case c.retried() && hello.CipherSuite != c.tls13.retry:
		return refuse(tlsmsg.AlertIllegalParameter, name+".cipher_suite", "%v, expected %v as in the HelloRetryRequest", hello.CipherSuite, c.tls13.retry)
	case hello.CompressionMethod != tlsmsg.CompressionNull:
		return refuse(tlsmsg.AlertIllegalParameter, name+".legacy_compression_method", "%v, expected %v", hello.CompressionMethod, tlsmsg.CompressionNull)
	}
	return nil
}

// chosenShare returns our half of the key exchange that the server chooses, or nil
// where it goes without one.
func (c *Client) chosenShare(hello *tlsmsg.ServerHello) (*share, error) {
	if tlsmsg.FindExtension(hello.Extensions, tlsmsg.ExtensionKeyShare) < 0 {
		if c.cfg.PSKAlone && c.tls13.psk != nil {
			return nil, nil
		}
		return nil, refuse(tlsmsg.AlertMissingExtension, "ServerHello.extensions", "no %v", tlsmsg.ExtensionKeyShare)
	}
	entry := c.tls13.chosen.Shares[0]
	if len(entry.KeyExchange) == 0 {
		return nil, refuse(tlsmsg.AlertDecodeError, "ServerHello.key_share", "a group without a key, as only a HelloRetryRequest has it")
	}
	i := slices.IndexFunc(c.tls13.shares, func(s share) bool { return s.group == entry.Group })
	if i < 0 {
		return nil, refuse(tlsmsg.AlertIllegalParameter, "ServerHello.key_share", "%v, of which the ClientHello has no key", entry.Group)
	}
	return &c.tls13.shares[i], nil
}

// retry takes a HelloRetryRequest, and answers it (RFC 9846, section 4.2.4).
func (c *Client) retry(hello *tlsmsg.ServerHello) error {
	t := c.tls13
	if tlsmsg.FindExtension(hello.Extensions, tlsmsg.ExtensionKeyShare) >= 0 {
		t.asked = t.chosen.Shares[0].Group
		switch {
		case len(t.chosen.Shares[0].KeyExchange) > 0:
			return refuse(tlsmsg.AlertDecodeError, "HelloRetryRequest.key_share", "a key, expected a group alone")
		case !slices.Contains(c.cfg.Groups, t.asked) || !suite.Shares(t.asked):
			return refuse(tlsmsg.AlertIllegalParameter, "HelloRetryRequest.key_share", "%v %s", t.asked, c.unoffered(uint16(t.asked), greaseGroup))
		case slices.ContainsFunc(t.shares, func(s share) bool { return s.group == t.asked }):
			return refuse(tlsmsg.AlertIllegalParameter, "HelloRetryRequest.key_share", "%v, of which the ClientHello has a key", t.asked)
		}
		t.forgetShares()
	} else if t.cookie == nil {
		return refuse(tlsmsg.AlertIllegalParameter, "HelloRetryRequest.extensions", "neither %v nor %v: nothing that changes the ClientHello",
			tlsmsg.ExtensionKeyShare, tlsmsg.ExtensionCookie)
	}
	if err := c.flightOver(); err != nil {
		return err
	}
	c.refuseEarly("the server asks for another ClientHello")
	t.retry = hello.CipherSuite
	c.useSuite(suite.Lookup13(hello.CipherSuite))
	c.transcript.ReplaceByHash()
	c.decide("hello_retry", "the ClientHello is sent again, as the server asks: %s", t.wish())
	c.phase = phaseFlight
	c.after = (*Client).answerRetry
	return nil
}

// wish says what a HelloRetryRequest asked for.
func (t *tls13) wish() string {
	switch {
	case t.asked == 0:
		return "with its cookie"
	case t.cookie == nil:
		return "with a key in " + t.asked.String()
	}
	return "with a key in " + t.asked.String() + " and its cookie"
}

// answerRetry makes the second ClientHello once the HelloRetryRequest is in the
// transcript.
func (c *Client) answerRetry() error {
	if err := c.sendSpec(c.tls13); err != nil {
		return err
	}
	c.makeShares()
	return nil
}

// agreed13 makes the secrets of the handshake.
func (c *Client) agreed13(r Result) error {
	result, ok := r.(SharedSecretResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.Err != nil {
		return peerOrInternal(result.Err, suite.ErrPeerKey, tlsmsg.AlertIllegalParameter, "ServerHello.key_share", "agreeing on a key")
	}
	if c.events != nil {
		c.events(PreMasterEvent{bytes.Clone(result.Secret)})
	}
	defer clear(result.Secret)
	return c.deriveHandshake(result.Secret)
}

// handshakeKeys makes the secrets of the handshake of a PSK alone.
func (c *Client) handshakeKeys() error { return c.deriveHandshake(nil) }

func (c *Client) deriveHandshake(agreed []byte) error {
	t := c.tls13
	t.schedule = c.suite.NewSchedule13(t.psk)
	t.schedule.Agreed(agreed)
	t.ours, t.theirs = t.schedule.Handshake(c.transcript.Sum())
	t.forgetShares()
	c.tellSecret13(suite.SecretClientHandshake, t.ours)
	c.tellSecret13(suite.SecretServerHandshake, t.theirs)
	if err := c.sendSpec(t); err != nil {
		return err
	}
	if c.state.EarlyData != EarlyDataOffered { // else not before its end
		if err := c.protect13(EpochHandshake, t.ours); err != nil {
			return err
		}
	}
	return c.unlock13(EpochHandshake, t.theirs)
}

// encryptedExtensions takes what the server answers that need not be readable to
// all (RFC 9846, section 4.4.1).
func (c *Client) encryptedExtensions(raw []byte) error {
	m := &c.tls13.encrypted
	if err := c.decode(m, raw); err != nil {
		return err
	}
	if err := m.CheckExtensions(); err != nil {
		return repeated(err)
	}
	if err := c.answered(block{place: inEncrypted, form: m.Type(), list: m.Extensions, message: m}); err != nil {
		return err
	}
	c.negotiated()
	if err := c.earlyAnswered(); err != nil {
		return err
	}
	if c.tls13.psk != nil {
		c.resume13()
	}
	return nil
}
