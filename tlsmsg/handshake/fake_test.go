package handshake_test

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// fake is a server in the test's own hands: it makes each message as it should
// be, and lets a test change it, leave it out, or put something before it.
type fake struct {
	t       testing.TB
	kind    string // of its key
	id      tlsmsg.CipherSuite
	request *tlsmsg.CertificateRequest
	status  bool // send CertificateStatus
	ticket  bool // send NewSessionTicket
	lenient bool // a client's Finished that does not authenticate draws bad_record_mac, not the test's end
	done    bool // the client's Finished was good

	editHello    func(*tlsmsg.ServerHello)
	editParams   func(*tlsmsg.ServerKeyExchange) // before it is signed
	editExchange func(*tlsmsg.ServerKeyExchange) // after
	editFinished func(*tlsmsg.Finished)

	hello   tlsmsg.ClientHello
	random  [32]byte
	ctx     tlsmsg.Context
	key     *ecdh.PrivateKey
	tr      suite.Transcript
	in, out *suite.State
	ems     bool
}

// part is one message of the fake's, made when it is due.
type part struct {
	name string
	wire func() []byte
}

func newFake(t testing.TB) *fake {
	f := &fake{t: t, kind: "ecdsa256", id: tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, random: [32]byte{1, 2, 3}}
	f.ctx = tlsmsg.Context{Version: tlsmsg.VersionTLS12, KeyExchange: tlsmsg.KeyExchangeECDHE}
	return f
}

func (f *fake) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// record makes a record, protected once the fake has changed its cipher spec.
func (f *fake) record(typ tlsmsg.ContentType, content []byte) []byte {
	b := tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: typ, Version: tlsmsg.VersionTLS12, Fragment: content})
	if f.out == nil {
		return b
	}
	b, err := f.out.Seal(b[:5], typ, tlsmsg.VersionTLS12, content)
	f.must(err)
	binary.BigEndian.PutUint16(b[3:], uint16(len(b)-5))
	return b
}

func (f *fake) message(m tlsmsg.Message) part {
	return part{m.Type().Heading(), func() []byte {
		raw := tlsmsg.Append(nil, m, f.ctx)
		f.tr.Add(raw)
		return f.record(tlsmsg.ContentHandshake, raw)
	}}
}

// first answers a ClientHello.
func (f *fake) first(out []byte) (parts []part) {
	rec, _, err := tlsmsg.NextRecord(out)
	f.must(err)
	f.must(tlsmsg.ParseInto(&f.hello, rec.Fragment, f.ctx))
	f.tr.Add(rec.Fragment)
	f.tr.Choose(suite.Lookup(f.id).Hash)
	parts = append(parts, f.message(f.serverHello()))
	cert := theAuthority().cert(f.kind)
	parts = append(parts, f.message(&tlsmsg.Certificate{Chain: cert.Certificate}))
	if f.status {
		parts = append(parts, f.message(&tlsmsg.CertificateStatus{StatusType: tlsmsg.StatusTypeOCSP, Response: []byte("ocsp")}))
	}
	parts = append(parts, f.message(f.serverKeyExchange(cert.PrivateKey.(crypto.Signer))))
	if f.request != nil {
		parts = append(parts, f.message(f.request))
	}
	return append(parts, f.message(&tlsmsg.ServerHelloDone{}))
}

func (f *fake) serverHello() *tlsmsg.ServerHello {
	m := &tlsmsg.ServerHello{Version: tlsmsg.VersionTLS12, Random: f.random, CipherSuite: f.id, HasExtensions: true}
	add := func(v tlsmsg.ExtensionData) {
		if tlsmsg.FindExtension(f.hello.Extensions, v.ExtensionType()) >= 0 {
			m.Extensions = append(m.Extensions, tlsmsg.NewExtension(v, tlsmsg.TypeServerHello))
		}
	}
	add(&tlsmsg.RenegotiationInfo{})
	add(&tlsmsg.ExtendedMasterSecret{})
	if f.status {
		add(&tlsmsg.StatusRequest{})
	}
	if f.ticket {
		add(&tlsmsg.SessionTicket{})
	}
	if f.editHello != nil {
		f.editHello(m)
	}
	f.ems = tlsmsg.FindExtension(m.Extensions, tlsmsg.ExtensionExtendedMasterSecret) >= 0
	return m
}

func (f *fake) serverKeyExchange(signer crypto.Signer) *tlsmsg.ServerKeyExchange {
	var err error
	f.key, err = ecdh.P256().NewPrivateKey(bytes.Repeat([]byte{7}, 32))
	f.must(err)
	m := &tlsmsg.ServerKeyExchange{CurveType: tlsmsg.CurveNamed, Group: tlsmsg.GroupSecp256r1, PublicKey: f.key.PublicKey().Bytes(),
		Scheme: suite.SchemesFor(signer.Public())[0]}
	if f.editParams != nil {
		f.editParams(m)
	}
	signed := slices.Concat(f.hello.Random[:], f.random[:], m.AppendParams(nil, f.ctx))
	m.Signature, err = suite.Sign(signer, m.Scheme, signed, zeros{})
	f.must(err)
	if f.editExchange != nil {
		f.editExchange(m)
	}
	return m
}

// zeros is randomness that is none.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// second answers the client's flight.
func (f *fake) second(out []byte) (parts []part) {
	s := suite.Lookup(f.id)
	var master [48]byte
	var client, server suite.DirectionKeys
	for len(out) > 0 {
		rec, n, err := tlsmsg.NextRecord(out)
		f.must(err)
		if n == 0 {
			f.t.Fatalf("half a record: %x", out)
		}
		out = out[n:]
		switch {
		case rec.Type == tlsmsg.ContentChangeCipherSpec:
			client, server = s.Keys(master[:], &f.hello.Random, &f.random)
			f.in, err = s.NewState(client, false)
			f.must(err)
			continue
		case f.in != nil:
			rec.Fragment, err = f.in.Open(rec.Type, rec.Version, rec.Fragment)
			if err != nil && f.lenient {
				return []part{{"Alert", func() []byte { return f.record(tlsmsg.ContentAlert, []byte{2, 20}) }}}
			}
			f.must(err)
			want := s.VerifyData(master[:], true, f.tr.Sum())
			f.done = bytes.Equal(rec.Fragment[4:], want[:])
		}
		f.tr.Add(rec.Fragment)
		if tlsmsg.HandshakeType(rec.Fragment[0]) != tlsmsg.TypeClientKeyExchange {
			continue
		}
		var m tlsmsg.ClientKeyExchange
		f.must(tlsmsg.ParseInto(&m, rec.Fragment, f.ctx))
		peer, err := ecdh.P256().NewPublicKey(m.PublicKey)
		f.must(err)
		pre, err := f.key.ECDH(peer)
		f.must(err)
		master = s.MasterSecret(pre, &f.hello.Random, &f.random)
		if f.ems {
			master = s.ExtendedMasterSecret(pre, f.tr.Sum())
		}
	}
	if f.ticket {
		parts = append(parts, f.message(&tlsmsg.NewSessionTicket{LifetimeHint: 60, Ticket: []byte("ticket")}))
	}
	parts = append(parts, part{"ChangeCipherSpec", func() []byte {
		ccs := f.record(tlsmsg.ContentChangeCipherSpec, []byte{1})
		var err error
		f.out, err = s.NewState(server, false)
		f.must(err)
		return ccs
	}})
	return append(parts, part{"Finished", func() []byte {
		verify := s.VerifyData(master[:], false, f.tr.Sum())
		m := &tlsmsg.Finished{VerifyData: verify[:]}
		if f.editFinished != nil {
			f.editFinished(m)
		}
		return f.message(m).wire()
	}})
}

// config is that of the clients that meet a fake.
func (f *fake) config() handshake.Config {
	return handshake.Config{Random: [32]byte{9}, ServerName: serverName, SessionTicket: f.ticket,
		CipherSuites: []tlsmsg.CipherSuite{f.id}, Groups: []tlsmsg.NamedGroup{tlsmsg.GroupSecp256r1}}
}

// meeting is a client and a fake that meet, message by message.
type meeting struct {
	c *handshake.Client
	w *worker.Worker
	f *fake
}

func (f *fake) meet(cfg handshake.Config) *meeting {
	return &meeting{c: handshake.NewClient(cfg), w: theAuthority().worker(), f: f}
}

// upTo goes on until the fake would send the message called name, and returns
// what is left: that message and those after it of the same flight. An empty
// name: the whole handshake. A client that is over goes nowhere.
func (m *meeting) upTo(name string) []part {
	m.c.Start()
	parts := m.f.first(m.c.Next())
	for flight := 0; ; flight++ {
		for i, p := range parts {
			if p.name == name {
				return parts[i:]
			}
			m.feed(p.wire())
		}
		if flight == 1 || m.c.Err() != nil {
			return nil
		}
		parts = m.f.second(m.c.Next())
	}
}

func (m *meeting) feed(wire []byte) {
	m.c.Receive(wire)
	m.w.Finish(m.c)
}

// alert returns the alert that the client has to send, and whether one.
func (m *meeting) alert() (a tlsmsg.Alert, ok bool) {
	for out := m.c.Next(); len(out) > 0; {
		rec, n, err := tlsmsg.NextRecord(out)
		m.f.must(err)
		out = out[n:]
		if m.f.in != nil {
			rec.Fragment, err = m.f.in.Open(rec.Type, rec.Version, rec.Fragment)
			m.f.must(err)
		}
		if rec.Type == tlsmsg.ContentAlert {
			a, err = tlsmsg.ParseAlert(rec.Fragment)
			m.f.must(err)
			ok = true
		}
	}
	return a, ok
}
