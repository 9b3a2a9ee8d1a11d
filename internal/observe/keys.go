// Decrypts records, if somebody has the secret.

package observe

import (
	"bytes"
	"fmt"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// maxLostRecords bounds the records lost in a gap, after which the sequence
// number is still found by trying.
const maxLostRecords = 64

// maxUncertain bounds the records lost in all gaps since the last decrypted
// record. Each of them costs one more try at the next record.
const maxUncertain = 16 * maxLostRecords

// changeCipherSpec switches a direction to its new keys, if their secret is
// known.
func (c *Connection) changeCipherSpec(dir transcript.Dir, h *half, f *transcript.Frame) {
	a := &c.shared
	h.encrypted, h.state, h.broken, h.finished = true, nil, false, false
	if c.ending.over { // a new handshake inside the connection
		c.ending.over, c.ending.verified = false, 0
		c.halves[1-dir].finished = false
	}
	if !a.haveClientHello || !a.haveServerHello {
		c.noKeys(f, "no_hello", "from here on it is encrypted, and nothing can be decrypted: the capture does not hold the two hellos, whose randoms the keys are made of")
		return
	}
	c.seekSecret(f)
	switch {
	case a.suite == nil:
		c.noKeys(f, "unknown_suite", fmt.Sprintf("from here on it is encrypted, and not decrypted: %v is not a suite that is known here in %v", a.cipherSuite, a.version))
	case a.master == nil:
		if a.wanted.Resumed {
			c.noKeys(f, "no_secret", "from here on it is encrypted, and no secret is at hand, neither for this client random nor for the earlier session that it resumes: --keylog names a key log, and a capture may hold its secrets itself")
			return
		}
		c.noKeys(f, "no_secret", "from here on it is encrypted, and no secret for this client random is at hand: --keylog names a key log, and a capture may hold its secrets itself")
	default:
		h.state = a.state(dir == c.clientDir())
		h.uncertain = 0
	}
}

func (c *Connection) noKeys(f *transcript.Frame, name, text string) {
	if !c.shared.saidNoSecret {
		c.shared.saidNoSecret = true
		c.remark(f, transcript.TLS, name, text)
	}
}

// seekSecret looks up the master secret, once for each handshake.
func (c *Connection) seekSecret(f *transcript.Frame) {
	a := &c.shared
	if a.sought || c.secrets == nil {
		return
	}
	a.sought = true
	a.wanted.Resumed = a.wanted.Resumed && !a.incomplete
	master, from := c.secrets(&a.wanted, suite.SecretMaster)
	if len(master) == suite.MasterSecretLen {
		a.master = master
		if from != "" {
			c.remark(f, transcript.TLS, "resumed_secret", "from here on it is encrypted, and decrypted here: "+from)
		}
		c.recorder.Observed(f, handshake.SecretEvent{Label: suite.SecretMaster, ClientRandom: bytes.Clone(a.clientRandom[:]), Secret: bytes.Clone(master)})
	}
}

// state is the connection state of a direction (RFC 5246, section 6.3).
func (a *agreement) state(client bool) *suite.State {
	keys, server := a.suite.Keys(a.master, &a.clientRandom, &a.serverRandom)
	if !client {
		keys = server
	}
	s, err := a.suite.NewState(keys, a.etm && a.suite.CBC())
	if err != nil {
		return nil
	}
	return s
}

// open decrypts a record, if that is possible.
func (c *Connection) open(dir transcript.Dir, h *half, f *transcript.Frame, e *handshake.RecordEvent) ([]byte, bool) {
	if c.shared.version >= tlsmsg.VersionTLS13 || h.epoch == handshake.EpochEarly {
		return c.open13(dir, h, f, e)
	}
	if h.state == nil || h.broken {
		return nil, false
	}
	fragment := e.Wire[tlsmsg.RecordHeaderLen:]
	var err error
	for range h.uncertain + 1 {
		var plaintext []byte
		if _, plaintext, err = h.state.Open(e.Type, e.Version, bytes.Clone(fragment)); err == nil {
			h.uncertain = 0
			return plaintext, true
		}
		// Each try advances the sequence number, as if one more record had been
		// lost.
	}
	c.notDecrypted(dir, h, f, err)
	return nil, false
}

// notDecrypted gives up a direction.
func (c *Connection) notDecrypted(dir transcript.Dir, h *half, f *transcript.Frame, err error) {
	h.broken = true
	why := "it was altered on its way, or the secret is another connection's"
	if c.shared.incomplete {
		why = "too much is missing from the capture before it"
	}
	c.remark(f, transcript.TLS, "not_decrypted", fmt.Sprintf("a record of the %s does not decrypt (%v): %s. What follows in this direction is shown encrypted", sideOf(dir), err, why))
}
