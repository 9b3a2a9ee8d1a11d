// What the derivation needs to know of a handshake.

package keyschedule

import (
	"bytes"
	"errors"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// facts are what the handshake says about its keys.
type facts struct {
	client         tlsmsg.ClientHello
	server         tlsmsg.ServerHello
	suite          *suite.Suite
	extended, etm  bool
	secrets        []transcript.Secret
	pre, master    []byte
	shaken         []*transcript.Message // the handshake messages in their order, HelloRequests left out
	firstExchanged int                   // how many of them go up to ClientKeyExchange; 0: there is none
	records        []sealed
	clientDir      transcript.Dir

	version tlsmsg.Version
	dark    bool // an encrypted record was not opened
	retried bool // by a HelloRetryRequest, the second of shaken

	accepted bool // the server has read the ClientHello inside the client's
}

// sealed is an encrypted record.
type sealed struct {
	*transcript.Record
	dir     transcript.Dir
	seq     uint64
	updates int // of its direction's keys before it, in TLS 1.3
}

// gather reads a transcript.
func gather(t *transcript.Transcript) (*facts, error) {
	f := &facts{secrets: t.Secrets, pre: t.PreMaster}
	var seq [2]uint64
	var epoch [2]handshake.Epoch
	var updates [2]int
	for _, e := range t.Entries {
		m := e.Message
		f.accepted = f.accepted || e.Decision != nil && e.Decision.Name == "ech_accepted"
		if m != nil && m.Content == tlsmsg.ContentHandshake && m.Type == tlsmsg.TypeClientHello && len(f.shaken) > 1 && (len(f.shaken) > 2 || !f.retried) {
			break // another handshake, with keys of its own
		}
		switch {
		case e.Dir > transcript.In || m != nil && m.Sealed:
		case e.Message != nil && e.Message.Content == tlsmsg.ContentHandshake && e.Message.Type != tlsmsg.TypeHelloRequest:
			if len(f.shaken) == 0 {
				f.clientDir = e.Dir // ClientHello is the first
			}
			if m.Context.Version < tlsmsg.VersionTLS13 || m.Type != tlsmsg.TypeNewSessionTicket && m.Type != tlsmsg.TypeKeyUpdate {
				f.shaken = append(f.shaken, e.Message)
			}
			f.retried = f.retried || len(f.shaken) == 2 && retriedBy(e.Message)
			if m.Type == tlsmsg.TypeKeyUpdate {
				seq[e.Dir] = 0
				updates[e.Dir]++
			}
		case e.Record != nil && e.Record.Encrypted:
			if e.Record.Epoch != epoch[e.Dir] {
				seq[e.Dir], epoch[e.Dir] = 0, e.Record.Epoch
			}
			f.dark = f.dark || e.Record.Plaintext == nil
			if e.Record.Missing == 0 {
				f.records = append(f.records, sealed{e.Record, e.Dir, seq[e.Dir], updates[e.Dir]})
			}
			seq[e.Dir]++
		}
	}
	return f, f.read()
}

var (
	errNoHello    = errors.New("both hellos are needed, and one is missing")
	errNoSuite    = errors.New("the handshake's cipher suite or version is not one whose keys are made here")
	errNoSecret13 = errors.New("the secrets of TLS 1.3 are not known (a key log would hold them)")
	errNoSecret   = errors.New("the master secret is not known (a key log would hold it)")
)

func (f *facts) read() error {
	var haveClient, haveServer bool
	for i, m := range f.shaken {
		switch {
		case m.Type == tlsmsg.TypeClientHello && !haveClient:
			haveClient = tlsmsg.ParseInto(&f.client, m.Raw, m.Context) == nil
		case m.Type == tlsmsg.TypeServerHello && !haveServer && !retriedBy(m):
			haveServer = tlsmsg.ParseInto(&f.server, m.Raw, m.Context) == nil
		case m.Type == tlsmsg.TypeClientKeyExchange && f.firstExchanged == 0:
			f.firstExchanged = i + 1
		}
	}
	if !haveClient || !haveServer {
		return errNoHello
	}
	f.version = f.server.Version
	var selected tlsmsg.SupportedVersions
	if i := tlsmsg.FindExtension(f.server.Extensions, tlsmsg.ExtensionSupportedVersions); i >= 0 &&
		f.server.Extensions[i].Decode(&selected, f.server.Form()) == nil && len(selected.Versions) == 1 {
		f.version = selected.Versions[0]
	}
	if f.suite = suite.Of(f.version, f.server.CipherSuite); f.suite == nil {
		return errNoSuite
	}
	if f.version >= tlsmsg.VersionTLS13 {
		return nil
	}
	f.extended = tlsmsg.FindExtension(f.server.Extensions, tlsmsg.ExtensionExtendedMasterSecret) >= 0
	f.etm = tlsmsg.FindExtension(f.server.Extensions, tlsmsg.ExtensionEncryptThenMAC) >= 0
	for _, s := range f.secrets {
		if s.Label == "CLIENT_RANDOM" && bytes.Equal(s.ClientRandom, f.client.Random[:]) {
			f.master = s.Secret
		}
	}
	if len(f.master) != suite.MasterSecretLen {
		return errNoSecret
	}
	return nil
}

// hash is the hash of the first n handshake messages.
func (f *facts) hash(n int) []byte {
	h := f.suite.Hash.New()
	for _, m := range f.shaken[:n] {
		h.Write(m.Raw)
	}
	return h.Sum(nil)
}
