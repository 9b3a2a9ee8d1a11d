// What the two sides say to each other in TLS, and agree on.

package observe

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// agreement is what the two sides have said and agreed on so far.
type agreement struct {
	any        bool // there was a record
	incomplete bool // something of it is missing from the capture

	haveClientHello, haveServerHello bool
	clientRandom, serverRandom       [32]byte
	wanted                           Wanted // what identifies its secret
	serverName                       string

	version      tlsmsg.Version
	cipherSuite  tlsmsg.CipherSuite
	group        tlsmsg.NamedGroup
	alpn         string
	ems, etm     bool
	resumed      bool
	context      tlsmsg.Context
	suite        *suite.Suite // nil: not known here
	transcript   suite.Transcript
	sum          bool // the transcript is whole
	kept         int  // bytes that it holds
	master       []byte
	sought       bool // the secret was looked for
	saidNoSecret bool

	// Of TLS 1.3:
	retried     bool // there was a HelloRetryRequest
	offered13   []tlsmsg.CipherSuite
	found       map[string][]byte // secrets, by label
	asked       map[string]int    // how often a label was looked up in vain
	saidNoEarly bool
	dark        bool // a record was not decrypted
	ech         bool // the ClientHello has another inside (RFC 9849), or what looks like one
	hidden      bool // the server has answered that one
}

// handshakeMessage takes note of what a message says. An undecodable one has
// already been shown as such.
func (c *Connection) handshakeMessage(dir transcript.Dir, h *half, f *transcript.Frame, raw []byte) {
	c.roles(dir, f, tlsmsg.HandshakeType(raw[0]))
	a := &c.shared
	m, err := tlsmsg.ParseMessage(raw, a.context)
	if err != nil {
		c.remark(f, transcript.TLS, "undecodable", fmt.Sprintf("the %s's %s cannot be read to its end: %v",
			sideOf(dir), tlsmsg.HandshakeType(raw[0]).Heading(), err))
	}
	after := a.version >= tlsmsg.VersionTLS13 && h.finished
	switch m := m.(type) {
	case *tlsmsg.ClientHello:
		if err == nil && dir == c.clientDir() {
			c.clientHello(f, m)
		}
	case *tlsmsg.HelloRequest:
		return // it is not part of the handshake (RFC 5246, section 7.4.1.1)
	case *tlsmsg.Finished:
		if err == nil {
			c.finished(dir, h, f, m)
		}
	case *tlsmsg.ServerHello:
		if err == nil && dir != c.clientDir() && m.IsHelloRetryRequest() {
			a.retry(m)
		}
	}
	if !after { // what comes after the handshake of TLS 1.3 is no part of it
		a.note(raw)
	}
	if err != nil {
		return
	}
	if a.version >= tlsmsg.VersionTLS13 {
		c.messageKeys(dir, h, m)
	}
	switch m := m.(type) {
	case *tlsmsg.ServerHello:
		if dir != c.clientDir() {
			c.serverHello(f, m)
		}
	case *tlsmsg.Certificate:
		a.wanted.Resumed = false
		if dir != c.clientDir() && c.judge != nil {
			c.judged(f, m.Chain)
		}
	case *tlsmsg.CompressedCertificate:
		if dir == c.clientDir() || c.judge == nil {
			break
		}
		if inside, err := worker.Decompress(m); err == nil {
			c.judged(f, inside.Chain)
		}
	case *tlsmsg.EncryptedExtensions:
		if dir != c.clientDir() {
			c.encryptedExtensions(f, m)
		}
	case *tlsmsg.ServerHelloDone:
		a.wanted.Resumed = false
	case *tlsmsg.ServerKeyExchange:
		if m.Group != 0 && dir != c.clientDir() {
			a.group = m.Group
			c.negotiated(f)
		}
	}
}

// judged lets the judge judge the server's chain, as of the moment when it went
// by.
func (c *Connection) judged(f *transcript.Frame, chain [][]byte) {
	server := c.Flow.Server.Addr()
	if c.turned {
		server = c.Flow.Client.Addr()
	}
	verdict, saying := c.judge(chain, c.shared.serverName, server, c.start.Add(f.At))
	var faults *worker.Verdict
	if c.shared.ech && errors.As(verdict.Verdict, &faults) && faults.Reason == worker.WrongName && len(faults.Faults) == 1 {
		return // it may be good for the name in the ClientHello inside
	}
	c.story.Chain(verdict)
	if saying {
		c.recorder.Observed(f, handshake.VerdictEvent{Err: verdict.Verdict})
	}
}

// note adds a message to the handshake's transcript. Until the suite is known,
// its bytes are kept, within a bound.
func (a *agreement) note(raw []byte) {
	if a.suite == nil {
		if a.kept += len(raw); a.kept > 2*maxMessage {
			a.sum = false
			return
		}
	}
	a.transcript.Add(raw)
}

func (c *Connection) clientHello(f *transcript.Frame, m *tlsmsg.ClientHello) {
	a := &c.shared
	again := *a
	if !a.haveClientHello || a.haveServerHello { // the first one, or renegotiation
		c.shared = agreement{any: true, serverName: a.serverName, sum: true, saidNoSecret: a.saidNoSecret}
		if again.retried { // by a HelloRetryRequest
			a.version, a.context, a.suite, a.transcript, a.sum = again.version, again.context, again.suite, again.transcript, again.sum
		}
	}
	c.offers13(m)
	a.haveClientHello = true
	var ech tlsmsg.EncryptedClientHello
	a.ech = find(m.Extensions, &ech, m.Type()) && ech.Form == tlsmsg.ECHOuter
	a.clientRandom, a.wanted = m.Random, Want(m)
	var name tlsmsg.ServerName
	if find(m.Extensions, &name, m.Type()) && name.HostName() != "" {
		a.serverName = name.HostName()
	}
	c.ending.helloAt(f)
}

func (c *Connection) serverHello(f *transcript.Frame, m *tlsmsg.ServerHello) {
	a := &c.shared
	in := m.Form()
	a.version, a.cipherSuite, a.serverRandom = m.Version, m.CipherSuite, m.Random
	var selected tlsmsg.SupportedVersions
	if find(m.Extensions, &selected, in) && len(selected.Versions) == 1 {
		a.version = selected.Versions[0]
	}
	a.context = tlsmsg.Context{Version: a.version, KeyExchange: m.CipherSuite.KeyExchange()}
	if m.IsHelloRetryRequest() && a.version >= tlsmsg.VersionTLS13 {
		c.remark(f, transcript.TLS, "hello_retry", "the server asks for another ClientHello: this ServerHello is a HelloRetryRequest (RFC 9846, section 4.2.4)")
		a.haveServerHello = true
		return
	}
	var share tlsmsg.KeyShare
	if a.version >= tlsmsg.VersionTLS13 && find(m.Extensions, &share, in) && len(share.Shares) == 1 {
		a.group = share.Shares[0].Group
	}
	a.haveServerHello = true
	var alpn tlsmsg.ALPN
	if find(m.Extensions, &alpn, in) && len(alpn.Protocols) > 0 {
		a.alpn = alpn.Protocols[0]
	}
	a.ems = tlsmsg.FindExtension(m.Extensions, tlsmsg.ExtensionExtendedMasterSecret) >= 0
	a.etm = tlsmsg.FindExtension(m.Extensions, tlsmsg.ExtensionEncryptThenMAC) >= 0
	a.resumed = len(m.SessionID) > 0 && bytes.Equal(m.SessionID, a.wanted.SessionID)
	if a.version >= tlsmsg.VersionTLS13 {
		a.resumed = tlsmsg.FindExtension(m.Extensions, tlsmsg.ExtensionPreSharedKey) >= 0
	}
	if known := suite.Of(a.version, m.CipherSuite); known != nil {
		if a.suite == nil { // else a HelloRetryRequest has chosen it
			a.transcript.Choose(known.Hash)
		}
		a.suite = known
	}
	a.transcript.Drop()
	c.negotiated(f)
	if a.version >= tlsmsg.VersionTLS13 {
		c.begin13(f)
	}
}

// encryptedExtensions takes note of what a server of TLS 1.3 agrees to.
func (c *Connection) encryptedExtensions(f *transcript.Frame, m *tlsmsg.EncryptedExtensions) {
	var alpn tlsmsg.ALPN
	if find(m.Extensions, &alpn, m.Type()) && len(alpn.Protocols) > 0 {
		c.shared.alpn = alpn.Protocols[0]
		c.negotiated(f)
	}
}

func (c *Connection) negotiated(f *transcript.Frame) {
	a := &c.shared
	c.recorder.Observed(f, handshake.NegotiatedEvent{Version: a.version, CipherSuite: a.cipherSuite, Group: a.group,
		ALPN: a.alpn, ExtendedMasterSecret: a.ems, EncryptThenMAC: a.etm, Resumed: a.resumed})
}

// meansNothing reports whether a record is a ChangeCipherSpec that changes no
// keys: in TLS 1.3 it never does (RFC 9846, appendix E.4), and before a
// ServerHello there are no keys, unless the ServerHello is missing from the
// capture.
func (c *Connection) meansNothing(dir transcript.Dir, typ tlsmsg.ContentType) bool {
	a := &c.shared
	if typ != tlsmsg.ContentChangeCipherSpec {
		return false
	}
	if a.version >= tlsmsg.VersionTLS13 {
		return true
	}
	return !a.haveServerHello && a.haveClientHello && !a.incomplete && (dir == transcript.In || c.streams[transcript.Out].answered)
}

// otherContent takes note of content other than handshake messages.
func (c *Connection) otherContent(dir transcript.Dir, h *half, f *transcript.Frame, typ tlsmsg.ContentType, plaintext []byte) {
	switch typ {
	case tlsmsg.ContentChangeCipherSpec:
		if !c.meansNothing(dir, typ) {
			c.changeCipherSpec(dir, h, f)
		}
	case tlsmsg.ContentAlert:
		if alert, err := tlsmsg.ParseAlert(plaintext); err == nil {
			c.alert(dir, f, alert)
		}
	case tlsmsg.ContentApplicationData:
		c.ending.data = true
	}
}

func (c *Connection) alert(dir transcript.Dir, f *transcript.Frame, alert tlsmsg.Alert) {
	if alert.Level == tlsmsg.LevelFatal && alert.Description != tlsmsg.AlertCloseNotify {
		c.ending.alert = fmt.Sprintf("the %s sent the alert %v", sideOf(dir), alert.Description)
		c.remark(f, transcript.TLS, "alert_seen", c.ending.alert+": the connection is over")
	}
}

// finished checks a Finished against all messages before it.
func (c *Connection) finished(dir transcript.Dir, h *half, f *transcript.Frame, m *tlsmsg.Finished) {
	a := &c.shared
	h.finished = true
	switch want := c.verifyData(dir); {
	case want == nil:
	case bytes.Equal(want, m.VerifyData):
		c.ending.verified++
	case a.dark, a.hidden: // messages before it, perhaps
	case a.ech:
		a.hidden = true
		c.remark(f, transcript.TLS, "ech_read", "the server has read the ClientHello that is encrypted in the client's, and answers that one: what it asks for is not known here, nor what the two Finished cover")
	default:
		c.remark(f, transcript.TLS, "finished_wrong", fmt.Sprintf("the %s's Finished.verify_data does not match the messages that went by here: somebody altered the handshake, or the other side saw another one", sideOf(dir)))
	}
	c.handshakeOver(f)
}

// verifyData is what a side's Finished should hold, or nil where that is not known.
func (c *Connection) verifyData(dir transcript.Dir) []byte {
	a, client := &c.shared, dir == c.clientDir()
	switch {
	case !a.sum || a.incomplete:
		return nil
	case a.version >= tlsmsg.VersionTLS13:
		return c.finished13(client)
	case a.suite == nil || a.master == nil || !c.halves[dir].encrypted:
		return nil
	}
	v := a.suite.VerifyData(a.master, client, a.transcript.Sum())
	return v[:]
}

// sealed takes note of a record that cannot be decrypted here.
func (c *Connection) sealed(dir transcript.Dir, h *half, f *transcript.Frame, e *handshake.RecordEvent) {
	switch {
	case e.Type == tlsmsg.ContentApplicationData:
		c.ending.data = true
	case e.Type == tlsmsg.ContentHandshake && !h.finished:
		// The first message under new keys is the Finished (RFC 5246, section 7.4.9).
		h.finished = true
		c.handshakeOver(f)
	}
}

// handshakeOver records the end of the handshake once both sides have sent
// their Finished.
func (c *Connection) handshakeOver(f *transcript.Frame) {
	if !c.halves[0].finished || !c.halves[1].finished || c.ending.over {
		return
	}
	c.ending.handshakeAt(f)
	if c.ending.verified >= 2 {
		c.recorder.Observed(f, handshake.FinishedEvent{})
		return
	}
	c.remark(f, transcript.TLS, "handshake_over", "both sides have sent a message under the new keys, which is where Finished stands: the handshake is complete, as far as can be told without its secrets")
}

// find decodes an extension of the list into v, and reports whether it is there.
func find(list []tlsmsg.Extension, v tlsmsg.ExtensionData, in tlsmsg.HandshakeType) bool {
	i := tlsmsg.FindExtension(list, v.ExtensionType())
	return i >= 0 && list[i].Decode(v, in) == nil
}
