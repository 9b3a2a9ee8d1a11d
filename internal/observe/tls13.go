// Decrypts records of TLS 1.3.

package observe

import (
	"bytes"
	"fmt"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// half13 is what a direction has beside its state in TLS 1.3.
type half13 struct {
	epoch   handshake.Epoch
	traffic []byte // the secret that its state is made of; nil: none
	dark    int    // records that were not decrypted since the last that was, for want of a secret
}

// labels13 are the key log's labels of the secrets of TLS 1.3, as they are told.
var labels13 = []string{
	suite.SecretClientEarly, suite.SecretEarlyExporter, suite.SecretClientHandshake, suite.SecretServerHandshake,
	suite.SecretClientApplication, suite.SecretServerApplication, suite.SecretExporter,
}

// label13 is the label of the secret that a side uses in an epoch.
func label13(e handshake.Epoch, client bool) string {
	switch {
	case e == handshake.EpochEarly:
		return suite.SecretClientEarly
	case e == handshake.EpochHandshake && client:
		return suite.SecretClientHandshake
	case e == handshake.EpochHandshake:
		return suite.SecretServerHandshake
	case client:
		return suite.SecretClientApplication
	}
	return suite.SecretServerApplication
}

// enter lets a direction go on in an epoch, whose secret is looked up when a record
// needs it.
func (h *half) enter(e handshake.Epoch) {
	h.half13 = half13{epoch: e}
	h.state, h.broken = nil, false
}

// begin13 takes note of a ServerHello of TLS 1.3, after which both sides encrypt.
func (c *Connection) begin13(f *transcript.Frame) {
	for dir := range c.halves {
		h := &c.halves[dir]
		h.finished = false
		if transcript.Dir(dir) == c.clientDir() && h.epoch == handshake.EpochEarly {
			continue // until its EndOfEarlyData
		}
		h.enter(handshake.EpochHandshake)
	}
	if c.shared.suite == nil {
		c.noKeys(f, "unknown_suite", fmt.Sprintf("from here on it is encrypted, and not decrypted: %v is not a suite that is known here in %v", c.shared.cipherSuite, c.shared.version))
		return
	}
	for _, label := range labels13 {
		c.secret13(f, label)
	}
}

// secret13 looks up a secret of TLS 1.3, or returns nil. A key log may still get it:
// it is asked for again, ever more seldom.
func (c *Connection) secret13(f *transcript.Frame, label string) []byte {
	a := &c.shared
	if s := a.found[label]; s != nil || c.secrets == nil {
		return s
	}
	if a.asked == nil {
		a.asked, a.found = map[string]int{}, map[string][]byte{}
	}
	n := a.asked[label]
	if a.asked[label] = n + 1; n&(n-1) != 0 {
		return nil
	}
	w := a.wanted
	w.Resumed = false // each connection of TLS 1.3 has secrets of its own
	s, _ := c.secrets(&w, label)
	if s == nil || a.suite != nil && len(s) != a.suite.Hash.Size() {
		return nil
	}
	a.found[label] = s
	c.recorder.Observed(f, handshake.SecretEvent{Label: label, ClientRandom: bytes.Clone(a.clientRandom[:]), Secret: bytes.Clone(s)})
	return s
}

// open13 decrypts a record of TLS 1.3, if that is possible.
func (c *Connection) open13(dir transcript.Dir, h *half, f *transcript.Frame, e *handshake.RecordEvent) ([]byte, bool) {
	if h.broken {
		return nil, false
	}
	client := dir == c.clientDir()
	known := c.secret13(f, label13(h.epoch, client)) != nil
	for epoch := h.epoch; epoch <= handshake.EpochApplication; epoch++ {
		secret := h.traffic
		if epoch != h.epoch || secret == nil {
			secret = c.secret13(f, label13(epoch, client))
		}
		if plaintext, ok := c.openIn(h, epoch, secret, e); ok {
			c.entered(h, f)
			return plaintext, true
		}
		if !h.mayHaveChanged(epoch, c.shared.incomplete) {
			break
		}
	}
	switch {
	case h.epoch == handshake.EpochEarly && !known:
		c.noEarlyKeys(f)
	case h.epoch == handshake.EpochEarly:
	case !known:
		c.noSecret13(f)
	default:
		c.notDecrypted(dir, h, f, suite.ErrBadRecordMAC)
	}
	c.shared.dark = true
	h.dark = min(h.dark+1, maxLostRecords)
	return nil, false
}

// entered takes note of an epoch that began with a Finished which was not seen.
func (c *Connection) entered(h *half, f *transcript.Frame) {
	if h.epoch == handshake.EpochApplication && !h.finished {
		h.finished = true
		c.handshakeOver(f)
	}
}

// mayHaveChanged reports whether the direction may have gone on to another epoch
// unseen: where early data is refused nothing says so, and what ends an epoch may be
// among what is missing or was not decrypted.
func (h *half) mayHaveChanged(e handshake.Epoch, incomplete bool) bool {
	return e == handshake.EpochEarly || h.dark > 0 || incomplete
}

// openIn tries to decrypt a record in an epoch, and goes on in that if it can.
func (c *Connection) openIn(h *half, epoch handshake.Epoch, secret []byte, e *handshake.RecordEvent) ([]byte, bool) {
	if secret == nil {
		return nil, false
	}
	for _, s := range c.suites13(epoch, secret) {
		state, tries := h.state, h.uncertain+1
		if epoch != h.epoch || state == nil {
			state, _ = s.NewState(s.TrafficKeys(secret), false)
			tries += h.dark
		}
		for i := range tries {
			inner, plaintext, err := state.Open(e.Type, e.Version, bytes.Clone(e.Wire[tlsmsg.RecordHeaderLen:]))
			if err == nil {
				h.half13 = half13{epoch: epoch, traffic: secret}
				h.state, h.uncertain = state, 0
				e.Inner, e.Epoch = inner, epoch
				e.Padding = len(e.Wire) - tlsmsg.RecordHeaderLen - state.Overhead() - len(plaintext)
				return plaintext, true
			}
			if i+1 == tries && state == h.state { // it was no record of this epoch
				state.Uncount()
			}
		}
	}
	return nil, false
}

// suites13 are the suites that a secret may be for: the one that was chosen, or for
// early data one that was offered, before anybody has chosen.
func (c *Connection) suites13(epoch handshake.Epoch, secret []byte) (list []*suite.Suite) {
	a := &c.shared
	if epoch != handshake.EpochEarly {
		if a.suite != nil {
			list = append(list, a.suite)
		}
		return list
	}
	for _, id := range a.offered13 {
		if s := suite.Lookup13(id); s != nil && s.Hash.Size() == len(secret) {
			list = append(list, s)
		}
	}
	return list
}

func (c *Connection) noSecret13(f *transcript.Frame) {
	if c.shared.suite == nil {
		return // as was said
	}
	c.noKeys(f, "no_secret", "this is TLS 1.3, where all that follows the ServerHello is encrypted, and the secrets of this client random are not at hand: --keylog names a key log, and a capture may hold its secrets itself. Without them the certificate stays hidden, too")
}

// noEarlyKeys says once that early data stays dark.
func (c *Connection) noEarlyKeys(f *transcript.Frame) {
	if !c.shared.saidNoEarly {
		c.shared.saidNoEarly = true
		c.remark(f, transcript.TLS, "no_secret", "this is early data of TLS 1.3, and no "+suite.SecretClientEarly+" for this client random is at hand")
	}
}

// retry takes note of a HelloRetryRequest: in the transcript a hash takes the place of
// the first ClientHello (RFC 9846, section 4.1).
func (a *agreement) retry(m *tlsmsg.ServerHello) {
	if a.suite = suite.Lookup13(m.CipherSuite); a.suite == nil {
		return
	}
	a.transcript.Choose(a.suite.Hash)
	a.transcript.ReplaceByHash()
	a.retried = true
}

// finished13 is the verify_data that a side's Finished should hold, or nil.
func (c *Connection) finished13(client bool) []byte {
	a := &c.shared
	secret := a.found[label13(handshake.EpochHandshake, client)]
	if secret == nil || a.suite == nil {
		return nil
	}
	return a.suite.VerifyData13(secret, a.transcript.Sum())
}

// messageKeys changes a direction's keys where a message of TLS 1.3 says so.
func (c *Connection) messageKeys(dir transcript.Dir, h *half, m tlsmsg.Message) {
	switch m.(type) {
	case *tlsmsg.Finished:
		h.enter(handshake.EpochApplication)
	case *tlsmsg.EndOfEarlyData:
		if dir == c.clientDir() {
			h.enter(handshake.EpochHandshake)
		}
	case *tlsmsg.KeyUpdate:
		if h.traffic == nil || c.shared.suite == nil {
			return
		}
		h.traffic = c.shared.suite.NextTraffic(h.traffic)
		h.state, _ = c.shared.suite.NewState(c.shared.suite.TrafficKeys(h.traffic), false)
	}
}

// offers13 takes note of what a ClientHello may be followed by.
func (c *Connection) offers13(m *tlsmsg.ClientHello) {
	h := &c.halves[c.clientDir()]
	if tlsmsg.FindExtension(m.Extensions, tlsmsg.ExtensionEarlyData) >= 0 {
		c.shared.offered13 = m.CipherSuites
		h.enter(handshake.EpochEarly)
	} else if h.epoch == handshake.EpochEarly { // a second ClientHello
		h.enter(handshake.EpochInitial)
	}
}
