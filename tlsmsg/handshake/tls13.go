// What a side keeps of a TLS 1.3 connection besides what all versions need, and
// what both sides do with it.

package handshake

import (
	"bytes"
	"crypto/subtle"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// tls13 is the state of a TLS 1.3 connection. A connection of TLS 1.2 has none.
type tls13 struct {
	version   tlsmsg.SupportedVersions // of the ServerHello
	sessionID [32]byte                 // sent for middlebox compatibility
	seed      [32]byte                 // of the shares; zero: there is none
	inner     *innerHello              // what the server may answer; nil: no ClientHello is encrypted, or it was not read
	shares    []share
	sent      []OfferedShare     // in the first ClientHello
	cookie    []byte             // to send back
	retry     tlsmsg.CipherSuite // of a HelloRetryRequest; 0: there was none
	asked     tlsmsg.NamedGroup  // by one; 0: it did not ask
	chosen    tlsmsg.KeyShare    // of the ServerHello
	encrypted tlsmsg.EncryptedExtensions

	psk                []byte // that the server has taken; nil: none
	schedule           *suite.Schedule13
	ours, theirs       []byte // the traffic secrets in use
	ourFirst, theirNew []byte // of the application data, until they are used
	exporter           []byte
	resumption         []byte

	whole   *suite.Transcript // of the handshake, where the server may ask for a certificate after it
	updates int               // of the peer's keys since the last application data
	tickets int               // since then
	given   []ReceivedTicket
	owed    bool // the peer has asked for new keys of ours
	half    bool // this server may send before the client's Finished
	spec    bool // the ChangeCipherSpec for middlebox compatibility was sent
}

// innerHello is the ClientHello that stands encrypted inside another.
type innerHello struct {
	random [32]byte
	raw    []byte // whole; a server does not keep it
}

// share is a key pair that was made for key_share.
type share struct {
	group   tlsmsg.NamedGroup
	public  []byte
	private any // the driver's
}

// again returns t, or a new one, as it is before a connection. The lists that
// messages are decoded into are used again.
func (t *tls13) again() *tls13 {
	if t == nil {
		return new(tls13)
	}
	t.forgetShares()
	t.encrypted.Extensions = t.encrypted.Extensions[:0]
	*t = tls13{version: t.version, shares: t.shares, sent: t.sent[:0], chosen: t.chosen, encrypted: t.encrypted, given: t.given[:0]}
	return t
}

// forgetShares lets go of the keys, and keeps the room for others.
func (t *tls13) forgetShares() {
	clear(t.shares)
	t.shares = t.shares[:0]
}

// hybridWith returns the key of a hybrid with a group in it, or nil.
func (t *tls13) hybridWith(g tlsmsg.NamedGroup) any {
	for i := range t.shares {
		if suite.HybridCurve(t.shares[i].group) == g {
			return t.shares[i].private
		}
	}
	return nil
}

// ownSeed returns the seed, or nil.
func (t *tls13) ownSeed() []byte {
	if t.seed == [32]byte{} {
		return nil
	}
	return t.seed[:]
}

// is13 reports whether TLS 1.3 was chosen.
func (c *conn[S]) is13() bool { return c.ctx.Version == tlsmsg.VersionTLS13 }

// innerOf is the inner ClientHello that goes with an outer one.
func (c *conn[S]) innerOf(typ tlsmsg.HandshakeType) []byte {
	if typ != tlsmsg.TypeClientHello || c.tls13 == nil || c.tls13.inner == nil {
		return nil
	}
	return bytes.Clone(c.tls13.inner.raw)
}

// tellSecret13 tells a listener of one of the secrets.
//
// With an encrypted ClientHello it is told twice: by the random that stands on the
// wire, and by the inner one, by which a key log has it.
func (c *conn[S]) tellSecret13(label string, secret []byte) {
	if c.events == nil {
		return
	}
	c.events(SecretEvent{Label: label, ClientRandom: bytes.Clone(c.state.ClientRandom[:]), Secret: bytes.Clone(secret)})
	if inner := c.tls13.inner; inner != nil {
		c.events(SecretEvent{Label: label, ClientRandom: bytes.Clone(inner.random[:]), Secret: bytes.Clone(secret)})
	}
}

// protect13 takes the keys of a traffic secret into use for what this side sends.
func (c *conn[S]) protect13(e Epoch, secret []byte) error {
	s, err := c.suite.NewState(c.suite.TrafficKeys(secret), false)
	if err != nil {
		return &InternalError{What: "write keys", Err: err}
	}
	c.protect(e, s)
	return nil
}

// unlock13 takes the keys of a traffic secret into use for what the peer sends.
// No message of its may lie on both sides of the change (RFC 9846, section 5.1).
func (c *conn[S]) unlock13(e Epoch, secret []byte) error {
	s, err := c.suite.NewState(c.suite.TrafficKeys(secret), false)
	if err != nil {
		return &InternalError{What: "read keys", Err: err}
	}
	c.unlock(e, s)
	return nil
}

// sendSpec makes the ChangeCipherSpec that a client sends for middlebox
// compatibility, before its second flight (RFC 9846, appendix E.4).
func (c *conn[S]) sendSpec(t *tls13) error {
	if t.spec {
		return nil
	}
	t.spec = true
	return c.sendContent(tlsmsg.ContentChangeCipherSpec, 0, []byte{1})
}

// sendFinished13 makes our Finished (RFC 9846, section 4.5.3).
func (c *conn[S]) sendFinished13(secret []byte) error {
	return c.send(&tlsmsg.Finished{VerifyData: c.suite.VerifyData13(secret, c.transcript.Sum())})
}

// checkFinished13 checks that the peer saw the handshake that we saw. It is called
// before its Finished joins the transcript.
func (c *conn[S]) checkFinished13(raw, secret []byte) error {
	m := &c.finishedMessage
	if err := c.decode(m, raw); err != nil {
		return err
	}
	want := c.suite.VerifyData13(secret, c.transcript.Sum())
	if len(m.VerifyData) != len(want) {
		return refuse(tlsmsg.AlertDecodeError, "Finished.verify_data", "%d bytes, expected %d", len(m.VerifyData), len(want))
	}
	if subtle.ConstantTimeCompare(m.VerifyData, want) != 1 {
		return refuse(tlsmsg.AlertDecryptError, "Finished.verify_data", "it does not match the handshake as this side saw it")
	}
	return nil
}

// The contexts of CertificateVerify's signatures (RFC 9846, section 4.5.2).
const (
	serverSigns = "TLS 1.3, server CertificateVerify"
	clientSigns = "TLS 1.3, client CertificateVerify"
)

// signedContent appends what a CertificateVerify signs.
func (c *conn[S]) signedContent(b []byte, context string) []byte {
	b = append(b, spaces...)
	b = append(append(b, context...), 0)
	return append(b, c.transcript.Sum()...)
}

var spaces = bytes.Repeat([]byte{' '}, 64)
