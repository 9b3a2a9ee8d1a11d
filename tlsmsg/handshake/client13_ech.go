// A ClientHello inside another: only the server can read the inner one, which is
// the true one; the outer one is for everybody else (RFC 9849).

package handshake

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// ECH says what became of an encrypted ClientHello.
type ECH uint8

// What becomes of an encrypted ClientHello.
const (
	ECHNone     ECH = iota // none was offered
	ECHGREASE              // one that nobody can open (RFC 9849, section 6.2)
	ECHOffered             // and not answered yet
	ECHRejected            // the server went on with the outer ClientHello
	ECHAccepted
)

var echNames = [...]string{"none", "GREASE", "offered", "rejected", "accepted"}

// String returns it in a word.
func (e ECH) String() string {
	if int(e) < len(echNames) {
		return echNames[e]
	}
	return "ECH?"
}

// An ECHSealer encrypts one ClientHello after the other under one context of HPKE, as
// *hpke.Sender does.
type ECHSealer interface {
	Seal(aad, plaintext []byte) ([]byte, error)
}

// ECHSealWork asks for a context of HPKE that encrypts to the key of a configuration,
// and for randomness beside it. Result: ECHSealResult.
type ECHSealWork struct {
	Config *tlsmsg.ECHConfig
	Suite  tlsmsg.HPKESuite
}

// ECHSealResult is the outcome of ECHSealWork.
type ECHSealResult struct {
	Enc    []byte // HPKE's encapsulated key, to send
	Sealer ECHSealer
	Random [32]byte // ClientHelloInner.random
	Secret [32]byte // what must look like chance is made of it
	Err    error
}

func (ECHSealWork) work()     {}
func (ECHSealResult) result() {}

// ech is what a client keeps of the ClientHello inside its own.
type ech struct {
	status ECH
	config *tlsmsg.ECHConfig
	suite  tlsmsg.HPKESuite
	made   ECHSealResult

	making  echHalf      // which of the two is being made
	offered extensionSet // in it
	payload int          // bytes that the outer one's extension is to hold
	began   int          // where the extension begins, in the buffer of the outer one
	at      int          // and where those bytes do
	sent    []byte       // the extension of the first ClientHello
}

// echHalf is one of the two ClientHellos.
type echHalf uint8

const (
	echNeither echHalf = iota
	echInside
	echOutside
)

// offersECH reports whether a ClientHello with another inside is being made.
func (c *Client) offersECH() bool {
	return c.ech != nil && (c.ech.status == ECHOffered || c.ech.status == ECHAccepted)
}

// inside reports whether the inner ClientHello is being made.
func (c *Client) inside() bool { return c.ech != nil && c.ech.making == echInside }

// outside reports whether the outer ClientHello is being made, or the connection goes
// on with it: whom it names is not whom we want.
func (c *Client) outside() bool {
	return c.ech != nil && (c.ech.making == echOutside || c.ech.status == ECHRejected)
}

// ECH returns what became of the encrypted ClientHello so far.
func (c *Client) ECH() ECH {
	if c.ech == nil {
		return ECHNone
	}
	return c.ech.status
}

// publicName is the name that the outer ClientHello asks for.
func (c *Client) publicName() string { return string(c.ech.config.PublicName) }

// UsableECH returns the first of a list's configurations that this side can encrypt to
// (RFC 9849, sections 4 and 6.1.7), or says why there is none.
func UsableECH(list []tlsmsg.ECHConfig) (*tlsmsg.ECHConfig, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("there is no configuration")
	}
	var why string
	for i := range list {
		misfit := unusableECH(&list[i])
		if misfit == "" {
			return &list[i], nil
		}
		why += fmt.Sprintf("; number %d: %s", i+1, misfit)
	}
	return nil, fmt.Errorf("none of the %d configurations can be used%s", len(list), why)
}

func unusableECH(e *tlsmsg.ECHConfig) string {
	if e.Version != tlsmsg.ECHVersion {
		return fmt.Sprintf("its version is 0x%04X, expected 0x%04X", e.Version, tlsmsg.ECHVersion)
	}
	for i, x := range e.Extensions {
		const mandatory = 1 << 15
		switch {
		case x.Type&mandatory != 0:
			return fmt.Sprintf("its extension %d is mandatory, and not known here", uint16(x.Type))
		case tlsmsg.FindExtension(e.Extensions[:i], x.Type) >= 0:
			return fmt.Sprintf("its extension %d stands twice", uint16(x.Type))
		}
	}
	if !publicHost(string(e.PublicName)) {
		return fmt.Sprintf("its public_name %q is no host name", e.PublicName)
	}
	if _, ok := suite.ECHSuite(e); !ok {
		return fmt.Sprintf("its key is of %v and its suites are %v: none that is spoken here, or no such key", e.KEM, e.Suites)
	}
	return ""
}

// publicHost reports whether a public_name is made of labels of letters, digits and
// hyphens, and is not to be taken for an IPv4 address (RFC 9849, section 6.1.7).
func publicHost(name string) bool {
	labels := strings.Split(name, ".")
	for _, l := range labels {
		if len(l) == 0 || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' || strings.Trim(strings.ToLower(l), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	last := strings.ToLower(labels[len(labels)-1])
	hex, isHex := strings.CutPrefix(last, "0x")
	return strings.Trim(last, "0123456789") != "" && !(isHex && strings.Trim(hex, "0123456789abcdef") == "")
}

// checkECH says what is wrong with a Config that encrypts its ClientHello, or nil.
func (c *Config) checkECH() error {
	if len(c.ECHConfigs) == 0 && !c.GREASEECH {
		return nil
	}
	own := findRaw(c.Extensions, tlsmsg.ExtensionEncryptedClientHello) != nil || slices.Contains(c.Omit, tlsmsg.ExtensionEncryptedClientHello)
	switch {
	case c.MaxVersion < tlsmsg.VersionTLS13:
		return fmt.Errorf("an encrypted ClientHello, which is of %v, with nothing above %v", tlsmsg.VersionTLS13, c.MaxVersion)
	case own:
		return fmt.Errorf("an encrypted ClientHello, with an extension %v of the caller's or without it", tlsmsg.ExtensionEncryptedClientHello)
	case len(c.ECHConfigs) == 0:
		return nil
	}
	_, err := UsableECH(c.ECHConfigs)
	return err
}

// prepareECH has made what an encrypted ClientHello needs, where one is to be offered,
// and then the keys.
func (c *Client) prepareECH() {
	switch {
	case len(c.cfg.ECHConfigs) > 0:
		config, err := UsableECH(c.cfg.ECHConfigs)
		if err != nil {
			c.end(&InternalError{What: "Config.ECHConfigs", Err: err}) // check has looked
			return
		}
		if c.session != nil && c.session.Version < tlsmsg.VersionTLS13 {
			c.decide("session_unfit", "the session is not offered: it is of %v, which an encrypted ClientHello does not offer", c.session.Version)
			c.session = nil
		}
		s, _ := suite.ECHSuite(config)
		c.ech = &ech{status: ECHOffered, config: config, suite: s}
		c.yield(ECHSealWork{config, s}, (*Client).echPrepared)
	case c.cfg.GREASEECH:
		c.ech = &ech{status: ECHGREASE}
		work := KeyPairWork{Group: tlsmsg.GroupX25519, Share: true}
		if c.tls13.ownSeed() != nil { // of it, but not the same as that of key_share
			work.Seed = noise(c.tls13.seed, "GREASE ECH: key", len(c.tls13.seed))
		}
		c.yield(work, (*Client).echGreased)
	default:
		c.makeShares()
	}
}

func (c *Client) echPrepared(r Result) error {
	result, ok := r.(ECHSealResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.Err != nil {
		return &InternalError{What: "encrypting to the key of an ECHConfig", Err: result.Err}
	}
	if result.Random == [32]byte{} || result.Random == c.state.ClientRandom {
		return &InternalError{What: "ECHSealResult.Random: the driver must draw one for the inner ClientHello alone (RFC 9849, section 6.1)"}
	}
	c.ech.made = result
	c.tls13.inner = &innerHello{random: result.Random}
	c.decide("ech_offered", "the ClientHello that asks for %q is encrypted to the key %d of %q, and stands in one that asks for %q",
		c.name, c.ech.config.ConfigID, c.publicName(), c.publicName())
	c.makeShares()
	return nil
}

// makeECH appends a ClientHello with another inside to b (RFC 9849, section 6.1).
func (c *Client) makeECH(b []byte) ([]byte, error) {
	e := c.ech
	defer func() { e.making = echNeither }()
	e.making = echInside
	inner, err := c.appendClientHello(nil)
	if err != nil {
		return b, err
	}
	e.offered, c.offered = c.offered, 0
	e.making, e.payload = echOutside, 0
	outer, err := c.appendClientHello(nil) // with room for nothing: what it holds besides is the same
	if err != nil {
		return b, err
	}
	encoded, err := c.encodeInner(inner, outer)
	if err != nil {
		return b, err
	}
	e.payload = len(encoded) + suite.ECHOverhead
	b, err = c.appendClientHello(b)
	if err != nil {
		return b, err
	}
	sealed, err := e.made.Sealer.Seal(b[tlsmsg.HeaderLen:], encoded)
	if err != nil || len(sealed) != e.payload {
		return b, &InternalError{What: fmt.Sprintf("encrypting the inner ClientHello of %d bytes", len(encoded)), Err: err}
	}
	copy(b[e.at:], sealed)
	if e.sent == nil {
		e.sent = bytes.Clone(b[e.began : e.at+e.payload])
	}
	return b, nil
}

// sendHello sends a ClientHello. Where another inside it is known to be read, that is
// the one that counts.
func (c *Client) sendHello(raw []byte) error {
	if c.ECH() != ECHAccepted {
		return c.sendMessage(tlsmsg.TypeClientHello, raw)
	}
	defer c.giveScratch(raw)
	c.last = lastMessage{any: true, dir: Out, typ: tlsmsg.TypeClientHello}
	c.transcript.Add(c.tls13.inner.raw)
	return c.sendContent(tlsmsg.ContentHandshake, tlsmsg.TypeClientHello, raw)
}

// helloSum is the hash of the first ClientHello: the inner one, where there is one.
func (c *Client) helloSum(h suite.Hash) []byte {
	if !c.offersECH() {
		return c.transcript.SumWith(h, nil)
	}
	return new(suite.Transcript).SumWith(h, c.tls13.inner.raw)
}

// encodeInner brings the inner ClientHello into the order in which it is sent, keeps it
// as the one that counts, and returns it as it is encrypted: without what it has in
// common with the outer one (RFC 9849, section 5.1).
func (c *Client) encodeInner(inner, outer []byte) ([]byte, error) {
	var in, out tlsmsg.ClientHello
	if err := tlsmsg.ParseInto(&in, inner, c.ctx); err != nil {
		return nil, &InternalError{What: "the inner ClientHello", Err: err}
	}
	if err := tlsmsg.ParseInto(&out, outer, c.ctx); err != nil {
		return nil, &InternalError{What: "the outer ClientHello", Err: err}
	}
	alone, common, last := divide(in.Extensions, out.Extensions)
	short := in
	if len(common) > 0 {
		var types tlsmsg.ECHOuterExtensions
		for _, x := range common {
			types.Types = append(types.Types, x.Type)
		}
		short.Extensions = slices.Concat(alone, []tlsmsg.Extension{tlsmsg.NewExtension(&types, inHello)}, last)
	}
	in.Extensions = slices.Concat(alone, common, last)
	c.tls13.inner.raw = tlsmsg.Append(nil, &in, c.ctx)
	if len(last) > 0 { // its binders are of the whole in this order
		c.ech.making = echInside
		c.bind(c.tls13.inner.raw)
		c.ech.making = echOutside
		n := len(last[0].Data)
		short.Extensions[len(short.Extensions)-1].Data = bytes.Clone(c.tls13.inner.raw[len(c.tls13.inner.raw)-n:])
	}
	return tlsmsg.AppendClientHelloInner(nil, &short, c.innerPadding(&short)), nil
}

// divide tells the extensions that the inner ClientHello has alone from those that it
// has in common with the outer one, in whose order they are, and from pre_shared_key,
// which stands last.
func divide(inner, outer []tlsmsg.Extension) (alone, common, last []tlsmsg.Extension) {
	for _, x := range outer {
		i := tlsmsg.FindExtension(inner, x.Type)
		if x.Type == tlsmsg.ExtensionServerName {
			continue // whether the two are the same is nobody's to see
		}
		if i >= 0 && bytes.Equal(inner[i].Data, x.Data) && x.Type != tlsmsg.ExtensionPreSharedKey && len(common) < maxOuterExtensions {
			common = append(common, x)
		}
	}
	for _, x := range inner {
		switch {
		case x.Type == tlsmsg.ExtensionPreSharedKey:
			last = append(last, x)
		case tlsmsg.FindExtension(common, x.Type) < 0:
			alone = append(alone, x)
		}
	}
	return alone, common, last
}

// maxOuterExtensions is how many ech_outer_extensions can name.
const maxOuterExtensions = 127

// innerPadding is how many zeros follow the inner ClientHello, so that its length says
// little about the name in it (RFC 9849, section 6.1.3).
func (c *Client) innerPadding(inner *tlsmsg.ClientHello) int {
	longest, n := int(c.ech.config.MaxNameLen), 0
	var name tlsmsg.ServerName
	if found, err := inner.DecodeExtension(&name); found && err == nil {
		n = max(0, longest-len(name.HostName()))
	} else {
		n = longest + 9
	}
	length := len(tlsmsg.AppendClientHelloInner(nil, inner, n))
	return n + 31 - (length-1)%32
}

// offerECH appends encrypted_client_hello. What it will hold is not known before all
// else is made: zeros stand in its place.
func offerECH(c *Client, b []byte) ([]byte, error) {
	switch e := c.ech; {
	case e == nil || !c.offers13():
		return nil, nil
	case e.making == echInside:
		return append(b, byte(tlsmsg.ECHInner)), nil
	case e.sent != nil && !c.offersECH():
		return append(b, e.sent...), nil
	default:
		v := tlsmsg.EncryptedClientHello{Form: tlsmsg.ECHOuter, Suite: e.suite, ConfigID: e.config.ConfigID, Payload: make([]byte, e.payload)}
		if !c.retried() {
			v.Enc = e.made.Enc
		}
		e.began = len(b)
		b = v.AppendData(b, inHello)
		e.at = len(b) - e.payload
		return b, nil
	}
}

// answerECH takes the configurations to use the next time. Of an encrypted ClientHello
// that was accepted there is nothing more to say (RFC 9849, section 5).
func answerECH(c *Client, b block) error {
	if c.ECH() == ECHAccepted && b.place == inEncrypted {
		return refuse(tlsmsg.AlertUnsupportedExtension, b.field("encrypted_client_hello"), "though the encrypted ClientHello was accepted")
	}
	return b.parse(new(tlsmsg.EncryptedClientHello))
}

// judgeECH finds out which of the two ClientHellos the server goes on with (RFC 9849,
// section 6.1.4), and goes on with it.
func (c *Client) judgeECH(hello *tlsmsg.ServerHello) error {
	if !c.offersECH() {
		return nil
	}
	known := suite.Lookup13(hello.CipherSuite)
	if c.state.Version < tlsmsg.VersionTLS13 {
		return c.rejectedECH("it speaks " + c.state.Version.String())
	}
	if known == nil {
		return nil // what follows refuses it
	}
	confirmed, err := c.confirmed(hello, known.Hash)
	switch {
	case err != nil:
		return err
	case confirmed:
		return c.acceptedECH()
	case c.ech.status == ECHAccepted:
		return refuse(tlsmsg.AlertIllegalParameter, "ServerHello.random", "it does not confirm the encrypted ClientHello, which the HelloRetryRequest has confirmed")
	case hello.IsHelloRetryRequest():
		return c.rejectedECH("its HelloRetryRequest does not confirm it")
	}
	return c.rejectedECH("its ServerHello does not confirm it")
}

// confirmed reports whether a ServerHello or HelloRetryRequest confirms that the inner
// ClientHello was read.
func (c *Client) confirmed(hello *tlsmsg.ServerHello, h suite.Hash) (bool, error) {
	blank, said := *hello, hello.Random[len(hello.Random)-tlsmsg.ECHConfirmationLen:]
	retry := hello.IsHelloRetryRequest()
	if retry {
		i := tlsmsg.FindExtension(hello.Extensions, tlsmsg.ExtensionEncryptedClientHello)
		if i < 0 {
			return false, nil
		}
		if said = hello.Extensions[i].Data; len(said) != tlsmsg.ECHConfirmationLen {
			return false, refuse(tlsmsg.AlertDecodeError, "HelloRetryRequest.encrypted_client_hello", "%d bytes, expected %d", len(said), tlsmsg.ECHConfirmationLen)
		}
		blank.Extensions = slices.Clone(hello.Extensions)
		blank.Extensions[i].Data = make([]byte, tlsmsg.ECHConfirmationLen)
	} else {
		clear(blank.Random[len(blank.Random)-tlsmsg.ECHConfirmationLen:])
	}
	before := &c.transcript // in which the inner ClientHello stands once it is accepted
	if c.ech.status != ECHAccepted {
		before = new(suite.Transcript)
		before.Add(c.tls13.inner.raw)
		before.Choose(h)
		if retry {
			before.ReplaceByHash()
		}
	}
	raw := tlsmsg.Append(nil, &blank, tlsmsg.Context{Version: tlsmsg.VersionTLS13})
	return bytes.Equal(said, suite.ECHConfirmation(h, c.ech.made.Random, before.SumWith(h, raw), retry)), nil
}

// acceptedECH goes on as if the inner ClientHello had been sent (RFC 9849, section
// 6.1.5).
func (c *Client) acceptedECH() error {
	c.offered = c.ech.offered
	if c.ech.status == ECHAccepted {
		return nil
	}
	c.ech.status = ECHAccepted
	c.transcript.Reset()
	c.transcript.Add(c.tls13.inner.raw)
	c.decide("ech_accepted", "the server has read the encrypted ClientHello, and answers it")
	return nil
}

// rejectedECH goes on with the outer ClientHello, so as to hear from the server that its
// name speaks for which configurations it has now (RFC 9849, section 6.1.6).
func (c *Client) rejectedECH(why string) error {
	c.ech.status = ECHRejected
	c.name, c.session = c.publicName(), nil
	if c.tls13 != nil {
		c.tls13.inner = nil
	}
	c.decide("ech_rejected", "the server has not read the encrypted ClientHello: %s. The handshake goes on with the one that asks for %q, to learn its configurations, and ends there", why, c.name)
	return nil
}

// rejected ends a connection whose handshake is done with a server that has not read
// the encrypted ClientHello: it counts for nothing but what the server says of its keys.
func (c *Client) rejected() error {
	if c.ech == nil || c.ech.status != ECHRejected {
		return nil
	}
	err := &ECHRejectedError{PublicName: c.name, Verified: c.state.Verified(), Version: c.state.Version}
	if !c.trusted() { // RFC 9849, section 6.1.7
		c.sendAlert(tlsmsg.LevelFatal, tlsmsg.AlertBadCertificate, err.Error())
		return err
	}
	if i := tlsmsg.FindExtension(c.encryptedExtensionsSeen(), tlsmsg.ExtensionEncryptedClientHello); i >= 0 {
		err.RetryConfigs = bytes.Clone(c.encryptedExtensionsSeen()[i].Data)
	}
	c.sendAlert(tlsmsg.LevelFatal, tlsmsg.AlertECHRequired, err.Error())
	return err
}

func (c *Client) encryptedExtensionsSeen() []tlsmsg.Extension {
	if c.tls13 == nil {
		return nil
	}
	return c.tls13.encrypted.Extensions
}
