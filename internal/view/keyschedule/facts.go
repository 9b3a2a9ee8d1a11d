// What the derivation needs to know of a handshake.

package keyschedule

import (
	"bytes"
	"errors"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
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
}

// sealed is an encrypted record.
type sealed struct {
	*transcript.Record
	dir transcript.Dir
	seq uint64
}

// gather reads a transcript.
func gather(t *transcript.Transcript) (*facts, error) {
	f := &facts{secrets: t.Secrets, pre: t.PreMaster}
	var seq [2]uint64
	for _, e := range t.Entries {
		m := e.Message
		if m != nil && m.Content == tlsmsg.ContentHandshake && m.Type == tlsmsg.TypeClientHello && len(f.shaken) > 1 {
			break // another handshake, with keys of its own
		}
		switch {
		case e.Dir > transcript.In || m != nil && m.Sealed:
		case e.Message != nil && e.Message.Content == tlsmsg.ContentHandshake && e.Message.Type != tlsmsg.TypeHelloRequest:
			if len(f.shaken) == 0 {
				f.clientDir = e.Dir // ClientHello is the first
			}
			f.shaken = append(f.shaken, e.Message)
		case e.Record != nil && e.Record.Encrypted:
			if e.Record.Missing == 0 {
				f.records = append(f.records, sealed{e.Record, e.Dir, seq[e.Dir]})
			}
			seq[e.Dir]++
		}
	}
	return f, f.read()
}

var (
	errNoHello  = errors.New("both hellos are needed, and one is missing")
	errNoSuite  = errors.New("the handshake's cipher suite or version is not one whose keys are made here")
	errNoSecret = errors.New("the master secret is not known (a key log would hold it)")
)

func (f *facts) read() error {
	var haveClient, haveServer bool
	for i, m := range f.shaken {
		switch {
		case m.Type == tlsmsg.TypeClientHello && !haveClient:
			haveClient = tlsmsg.ParseInto(&f.client, m.Raw, m.Context) == nil
		case m.Type == tlsmsg.TypeServerHello && !haveServer:
			haveServer = tlsmsg.ParseInto(&f.server, m.Raw, m.Context) == nil
		case m.Type == tlsmsg.TypeClientKeyExchange && f.firstExchanged == 0:
			f.firstExchanged = i + 1
		}
	}
	if !haveClient || !haveServer {
		return errNoHello
	}
	if s := suite.Lookup(f.server.CipherSuite); s != nil {
		f.suite = s.For(f.server.Version)
	}
	if f.suite == nil {
		return errNoSuite
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
