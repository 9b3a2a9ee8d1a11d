// What both sides derive from the suite: the master secret, the connection
// states that ChangeCipherSpec activates (RFC 5246, sections 6.1 and 7.1), and
// the two Finished messages.

package handshake

import (
	"bytes"
	"crypto/subtle"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// pendingStates are the connection states that the next ChangeCipherSpec of
// either direction activates.
type pendingStates struct{ read, write *suite.State }

// useSuite sets what follows from the suite: the form of the key exchange
// messages, the hash. The messages themselves are kept on: see Transcript.Drop.
func (c *conn[S]) useSuite(s *suite.Suite) {
	c.suite = s
	c.ctx.KeyExchange = s.KeyExchange
	c.transcript.Choose(s.Hash)
}

// deriveMaster makes the master secret (RFC 5246, section 8.1; RFC 7627,
// section 4: over the messages up to and including ClientKeyExchange) and
// clears pre.
func (c *conn[S]) deriveMaster(pre []byte) {
	if c.state.ExtendedMasterSecret {
		c.master = c.suite.ExtendedMasterSecret(pre, c.transcript.Sum())
	} else {
		c.master = c.suite.MasterSecret(pre, &c.state.ClientRandom, &c.state.ServerRandom)
	}
	if c.events != nil {
		c.events(PreMasterEvent{bytes.Clone(pre)})
	}
	clear(pre)
	c.tellSecret()
}

// tellSecret tells a listener what decrypts the connection.
func (c *conn[S]) tellSecret() {
	if c.events != nil {
		c.events(SecretEvent{Label: "CLIENT_RANDOM",
			ClientRandom: bytes.Clone(c.state.ClientRandom[:]), Secret: bytes.Clone(c.master[:])})
	}
}

// prepareStates derives the keys of both directions (RFC 5246, section 6.3).
// They are in use once each side has sent its ChangeCipherSpec.
func (c *conn[S]) prepareStates() error {
	write, read := c.suite.Keys(c.master[:], &c.state.ClientRandom, &c.state.ServerRandom)
	if !c.isClient {
		write, read = read, write
	}
	var err error
	if c.pending.write, err = c.suite.NewState(write, c.state.EncryptThenMAC); err != nil {
		return &InternalError{What: "write keys", Err: err}
	}
	if c.pending.read, err = c.suite.NewState(read, c.state.EncryptThenMAC); err != nil {
		return &InternalError{What: "read keys", Err: err}
	}
	return nil
}

// sendChangeCipherSpec makes ChangeCipherSpec, and what follows under the
// pending keys (RFC 5246, section 7.1).
func (c *conn[S]) sendChangeCipherSpec() error {
	ccs := tlsmsg.ChangeCipherSpec{Value: 1}
	raw := ccs.Append(c.takeScratch())
	defer c.giveScratch(raw)
	if err := c.sendContent(tlsmsg.ContentChangeCipherSpec, 0, raw); err != nil {
		return err
	}
	c.protect(EpochApplication, c.pending.write)
	c.out.limit, c.out.next = c.out.next, 0
	c.pending.write = nil
	return nil
}

// protect takes the keys of an epoch into use for what this side sends.
func (c *conn[S]) protect(e Epoch, s *suite.State) {
	c.out.state, c.epochs.out = s, e
}

// unlock takes the keys of an epoch into use for what the peer sends.
func (c *conn[S]) unlock(e Epoch, s *suite.State) {
	c.in.state, c.epochs.in = s, e
}

// sendVerifyData makes our Finished (RFC 5246, section 7.4.9).
func (c *conn[S]) sendVerifyData() error {
	c.verifyData = c.suite.VerifyData(c.master[:], c.isClient, c.transcript.Sum())
	c.finishedMessage.VerifyData = c.verifyData[:]
	return c.send(&c.finishedMessage)
}

// changeCipherSpec takes the peer's keys into use (RFC 5246, section 7.1).
func (c *conn[S]) changeCipherSpec(content []byte) error {
	m, err := tlsmsg.ParseChangeCipherSpec(content)
	if err != nil {
		return &ProtocolError{Alert: tlsmsg.AlertUnexpectedMessage, Reason: err.Error(), Err: err}
	}
	if m.Value != 1 {
		return refuse(tlsmsg.AlertIllegalParameter, "ChangeCipherSpec.type", "%d, expected 1", m.Value)
	}
	c.unlock(EpochApplication, c.pending.read)
	c.in.limit, c.in.next = c.in.next, 0
	c.pending.read = nil
	return nil
}

// checkVerifyData checks that the peer saw the handshake that we saw. It is
// called before its Finished joins the transcript.
func (c *conn[S]) checkVerifyData(raw []byte) error {
	m := &c.finishedMessage
	if err := c.decode(m, raw); err != nil {
		return err
	}
	want := c.suite.VerifyData(c.master[:], !c.isClient, c.transcript.Sum())
	if subtle.ConstantTimeCompare(m.VerifyData, want[:]) != 1 {
		return refuse(tlsmsg.AlertDecryptError, "Finished.verify_data", "it does not match the handshake as this side saw it")
	}
	return nil
}

// negotiated tells a listener what is agreed so far.
func (c *conn[S]) negotiated() {
	if c.events != nil {
		s := &c.state
		c.events(NegotiatedEvent{Version: s.Version, CipherSuite: s.CipherSuite, Group: s.Group,
			ALPN: s.ALPN, ExtendedMasterSecret: s.ExtendedMasterSecret, EncryptThenMAC: s.EncryptThenMAC, Resumed: s.Resumed})
	}
}

// handshakeDone frees what only the handshake needed, and reports its end.
func (c *conn[S]) handshakeDone() {
	c.transcript.Reset()
	if c.pool == nil { // nor will there be another use of it
		c.transcript = suite.Transcript{}
	}
	c.scratch, c.finishedMessage = nil, tlsmsg.Finished{}
	c.in.messages.Trim()
	c.reach(StageFinished)
	if c.events != nil {
		c.events(FinishedEvent{})
	}
}
