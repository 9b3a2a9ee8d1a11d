package handshake_test

import (
	"bytes"
	"crypto"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/rawshake/rawshake/slab"
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
	version tlsmsg.Version
	p, g    []byte             // of DHE
	etm     bool               // agree on encrypt-then-MAC
	session *handshake.Session // resume it
	request *tlsmsg.CertificateRequest
	status  bool // send CertificateStatus
	ticket  bool // send NewSessionTicket
	lenient bool // a client's Finished that does not authenticate draws bad_record_mac, not the test's end
	done    bool // the client's Finished was good

	beforeHello  func()
	editHello    func(*tlsmsg.ServerHello)
	editParams   func(*tlsmsg.ServerKeyExchange) // before it is signed
	editExchange func(*tlsmsg.ServerKeyExchange) // after
	editFinished func(*tlsmsg.Finished)

	hello   tlsmsg.ClientHello
	random  [32]byte
	ctx     tlsmsg.Context
	key     *suite.Key
	tr      suite.Transcript
	in, out *suite.State
	ems     bool

	master         [48]byte
	client, server suite.DirectionKeys

	bound                      []byte // renegotiated_connection; none in a first handshake
	clientVerified, serverSaid []byte // verify_data
}

// part is one message of the fake's, made when it is due.
type part struct {
	name string
	wire func() []byte
}

func newFake(t testing.TB) *fake {
	f := &fake{t: t, kind: "ecdsa256", id: tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, random: [32]byte{1, 2, 3}, version: tlsmsg.VersionTLS12}
	f.p, f.g = suite.DHParameters(tlsmsg.GroupFFDHE2048)
	return f
}

// suite is the fake's suite in its version.
func (f *fake) suite() *suite.Suite { return suite.Lookup(f.id).For(f.version) }

func (f *fake) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// record makes a record, protected once the fake has changed its cipher spec.
func (f *fake) record(typ tlsmsg.ContentType, content []byte) []byte {
	b := tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: typ, Version: f.version, Fragment: content})
	if f.out == nil {
		return b
	}
	b, err := f.out.Seal(b[:5], typ, f.version, content)
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
	f.must(tlsmsg.ParseInto(&f.hello, bytes.Clone(rec.Fragment), f.ctx))
	f.tr.Add(rec.Fragment)
	f.ctx = tlsmsg.Context{Version: f.version, KeyExchange: f.suite().KeyExchange}
	f.tr.Choose(f.suite().Hash)
	parts = append(parts, f.message(f.serverHello()))
	if f.session != nil {
		f.client, f.server = f.suite().Keys(f.session.Master[:], &f.hello.Random, &f.random)
		f.master = f.session.Master
		return append(parts, f.lastParts()...)
	}
	cert := theAuthority().cert(f.kind)
	parts = append(parts, f.message(&tlsmsg.Certificate{Chain: cert.Certificate}))
	if f.status {
		parts = append(parts, f.message(&tlsmsg.CertificateStatus{StatusType: tlsmsg.StatusTypeOCSP, Response: []byte("ocsp")}))
	}
	if f.ctx.KeyExchange != tlsmsg.KeyExchangeRSA {
		parts = append(parts, f.message(f.serverKeyExchange(cert.PrivateKey.(crypto.Signer))))
	}
	if f.request != nil {
		parts = append(parts, f.message(f.request))
	}
	return append(parts, f.message(&tlsmsg.ServerHelloDone{}))
}

func (f *fake) serverHello() *tlsmsg.ServerHello {
	if f.beforeHello != nil {
		f.beforeHello()
	}
	m := &tlsmsg.ServerHello{Version: f.version, Random: f.random, CipherSuite: f.id, HasExtensions: true}
	add := func(v tlsmsg.ExtensionData) {
		if tlsmsg.FindExtension(f.hello.Extensions, v.ExtensionType()) >= 0 {
			m.Extensions = append(m.Extensions, tlsmsg.NewExtension(v, tlsmsg.TypeServerHello))
		}
	}
	add(&tlsmsg.RenegotiationInfo{RenegotiatedConnection: f.bound})
	add(&tlsmsg.ExtendedMasterSecret{})
	if f.status {
		add(&tlsmsg.StatusRequest{})
	}
	if f.ticket {
		add(&tlsmsg.SessionTicket{})
	}
	if f.etm {
		add(&tlsmsg.EncryptThenMAC{})
	}
	if f.session != nil {
		m.SessionID = f.hello.SessionID
	}
	if f.editHello != nil {
		f.editHello(m)
	}
	f.ems = tlsmsg.FindExtension(m.Extensions, tlsmsg.ExtensionExtendedMasterSecret) >= 0
	return m
}

func (f *fake) serverKeyExchange(signer crypto.Signer) *tlsmsg.ServerKeyExchange {
	m := &tlsmsg.ServerKeyExchange{CurveType: tlsmsg.CurveNamed, Group: tlsmsg.GroupSecp256r1, DHPrime: f.p, DHGenerator: f.g,
		Scheme: suite.SchemesFor(signer.Public())[0]}
	if implied := suite.ImpliedScheme(signer.Public()); f.version < tlsmsg.VersionTLS12 && implied != 0 {
		m.Scheme = implied
	}
	var err error
	if f.ctx.KeyExchange == tlsmsg.KeyExchangeDHE {
		if f.key, err = suite.NewDHKey(f.p, f.g, sevens{}); err == nil { // else it is not meant to be used
			m.DHPublic = f.key.PublicKey()
		} else {
			m.DHPublic = []byte{4}
		}
	} else {
		f.key, err = suite.NewKey(tlsmsg.GroupSecp256r1, sevens{})
		f.must(err)
		m.PublicKey = f.key.PublicKey()
	}
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

// sevens is randomness that is none, and good for keys.
type sevens struct{}

func (sevens) Read(p []byte) (int, error) {
	copy(p, bytes.Repeat([]byte{7}, len(p)))
	return len(p), nil
}

// zeros is randomness that is none.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// second answers the client's flight. After an abbreviated handshake there is
// nothing to answer.
func (f *fake) second(out []byte) (parts []part) {
	s := f.suite()
	changed := false
	for len(out) > 0 {
		rec, n, err := tlsmsg.NextRecord(out)
		f.must(err)
		if n == 0 {
			f.t.Fatalf("half a record: %x", out)
		}
		out = out[n:]
		switch {
		case rec.Type == tlsmsg.ContentChangeCipherSpec:
			f.client, f.server = s.Keys(f.master[:], &f.hello.Random, &f.random)
			f.in, err = s.NewState(f.client, f.etm)
			f.must(err)
			changed = true
			continue
		case f.in != nil:
			_, rec.Fragment, err = f.in.Open(rec.Type, rec.Version, rec.Fragment)
			if err != nil && f.lenient {
				return []part{{"Alert", func() []byte { return f.record(tlsmsg.ContentAlert, []byte{2, 20}) }}}
			}
			f.must(err)
		}
		if changed {
			want := s.VerifyData(f.master[:], true, f.tr.Sum())
			f.done = bytes.Equal(rec.Fragment[4:], want[:])
			f.clientVerified = bytes.Clone(rec.Fragment[4:])
		}
		f.tr.Add(rec.Fragment)
		if tlsmsg.HandshakeType(rec.Fragment[0]) == tlsmsg.TypeClientKeyExchange {
			f.clientKeyExchange(rec.Fragment)
		}
	}
	if f.session != nil {
		return nil
	}
	return f.lastParts()
}

func (f *fake) clientKeyExchange(raw []byte) {
	var m tlsmsg.ClientKeyExchange
	f.must(tlsmsg.ParseInto(&m, raw, f.ctx))
	var pre []byte
	var err error
	if f.ctx.KeyExchange == tlsmsg.KeyExchangeRSA {
		pre, err = suite.DecryptPreMaster(theAuthority().cert(f.kind).PrivateKey.(crypto.Decrypter), m.EncryptedPreMasterSecret, f.hello.Version, zeros{})
	} else {
		pre, err = f.key.Agree(m.PublicKey)
	}
	f.must(err)
	f.master = f.suite().MasterSecret(pre, &f.hello.Random, &f.random)
	if f.ems {
		f.master = f.suite().ExtendedMasterSecret(pre, f.tr.Sum())
	}
}

// lastParts are the server's NewSessionTicket, ChangeCipherSpec and Finished.
func (f *fake) lastParts() (parts []part) {
	if f.ticket {
		parts = append(parts, f.message(&tlsmsg.NewSessionTicket{LifetimeHint: 60, Ticket: []byte("ticket")}))
	}
	parts = append(parts, part{"ChangeCipherSpec", func() []byte {
		ccs := f.record(tlsmsg.ContentChangeCipherSpec, []byte{1})
		var err error
		f.out, err = f.suite().NewState(f.server, f.etm)
		f.must(err)
		return ccs
	}})
	return append(parts, part{"Finished", func() []byte {
		verify := f.suite().VerifyData(f.master[:], false, f.tr.Sum())
		f.serverSaid = verify[:]
		m := &tlsmsg.Finished{VerifyData: verify[:]}
		if f.editFinished != nil {
			f.editFinished(m)
		}
		return f.message(m).wire()
	}})
}

// config is that of the clients that meet a fake. In one half of the tests, by
// their names, they have their memory from a pool in which nothing stays as it
// was.
func (f *fake) config() handshake.Config {
	var pool *slab.Pool
	if len(f.t.Name())%2 == 0 {
		pool = &slab.Pool{Poison: true}
	}
	return handshake.Config{Pool: pool, Random: [32]byte{9}, ServerName: serverName, SessionTicket: f.ticket, Session: f.session,
		MinVersion: f.version, MaxVersion: f.version,
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
			_, rec.Fragment, err = m.f.in.Open(rec.Type, rec.Version, rec.Fragment)
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
