package handshake_test

import (
	"bytes"
	"crypto"
	"encoding/binary"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// fakeClient13 is a client of TLS 1.3 in the test's own hands, as fake13 is a server.
type fakeClient13 struct {
	t       testing.TB
	id      tlsmsg.CipherSuite
	retry   bool // the server wants another group than the first key's
	request bool // the server asks for a certificate
	session *handshake.Session
	early   bool
	later   bool // it may be asked for a certificate after the handshake
	// compress makes of the body of Certificate what is sent in its place.
	compress func(body []byte) *tlsmsg.CompressedCertificate

	editHello  func(*tlsmsg.ClientHello)  // before the binders are made
	editAgain  func(*tlsmsg.ClientHello)  // the second
	pskAgain   string                     // what the second ClientHello does with the PSK: "" keeps it, "gone", "another"
	editBinder func(*tlsmsg.PreSharedKey) // both
	editCert   func(*tlsmsg.Certificate)
	editVerify func(*tlsmsg.CertificateVerify)
	editFinish func(*tlsmsg.Finished)

	ctx      tlsmsg.Context
	key      *suite.Key
	tr       suite.Transcript
	in, out  *suite.State
	schedule *suite.Schedule13
	group    tlsmsg.NamedGroup
	got      []tlsmsg.HandshakeType // of the server's

	client, server, clientApp, serverApp []byte
	s                                    *handshake.Server
	w                                    *worker.Worker
}

func newFakeClient13(t testing.TB) *fakeClient13 {
	return &fakeClient13{t: t, id: tlsmsg.TLS_AES_128_GCM_SHA256, ctx: tlsmsg.Context{Version: tlsmsg.VersionTLS13}, group: tlsmsg.GroupX25519}
}

func (f *fakeClient13) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fakeClient13) suite() *suite.Suite { return suite.Lookup13(f.id) }

func (f *fakeClient13) state(secret []byte) *suite.State {
	s, err := f.suite().NewState(f.suite().TrafficKeys(secret), false)
	f.must(err)
	return s
}

func (f *fakeClient13) record(typ tlsmsg.ContentType, content []byte) []byte {
	if f.out == nil || typ == tlsmsg.ContentChangeCipherSpec {
		return tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: typ, Version: tlsmsg.VersionTLS12, Fragment: content})
	}
	b := tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: tlsmsg.ContentApplicationData, Version: tlsmsg.VersionTLS12})
	b, err := f.out.Seal(b, typ, tlsmsg.VersionTLS12, content)
	f.must(err)
	binary.BigEndian.PutUint16(b[3:], uint16(len(b)-5))
	return b
}

func (f *fakeClient13) message(m tlsmsg.Message) []byte {
	raw := tlsmsg.Append(nil, m, f.ctx)
	f.tr.Add(raw)
	return f.record(tlsmsg.ContentHandshake, raw)
}

// clientHello makes the first ClientHello, or the second.
func (f *fakeClient13) clientHello(again bool) []byte {
	var err error
	f.key, err = suite.NewKey(f.group, sevens{})
	f.must(err)
	m := &tlsmsg.ClientHello{Version: tlsmsg.VersionTLS12, Random: [32]byte{8}, SessionID: make([]byte, 32),
		CipherSuites: []tlsmsg.CipherSuite{f.id}, CompressionMethods: []tlsmsg.CompressionMethod{0}, HasExtensions: true}
	name, err := tlsmsg.AppendHostName(nil, serverName)
	f.must(err)
	m.Extensions = append(m.Extensions, tlsmsg.Extension{Type: tlsmsg.ExtensionServerName, Data: name})
	add := func(v tlsmsg.ExtensionData) {
		m.Extensions = append(m.Extensions, tlsmsg.NewExtension(v, tlsmsg.TypeClientHello))
	}
	add(selected13)
	add(&tlsmsg.SignatureAlgorithms{Schemes: []tlsmsg.SignatureScheme{tlsmsg.SchemeECDSASecp256r1SHA256}})
	add(&tlsmsg.SupportedGroups{Groups: []tlsmsg.NamedGroup{tlsmsg.GroupX25519, tlsmsg.GroupSecp256r1}})
	add(&tlsmsg.KeyShare{Shares: []tlsmsg.KeyShareEntry{{Group: f.group, KeyExchange: f.key.PublicKey()}}})
	add(&tlsmsg.PSKKeyExchangeModes{Modes: []tlsmsg.PSKKeyExchangeMode{tlsmsg.PSKModeDHEKE}})
	if f.later {
		add(&tlsmsg.PostHandshakeAuth{})
	}
	if f.early && !again {
		add(&tlsmsg.EarlyData{})
	}
	if f.editHello != nil && !again {
		f.editHello(m)
	}
	if f.editAgain != nil && again {
		f.editAgain(m)
	}
	if f.session != nil && !(again && f.pskAgain == "gone") {
		psk := &tlsmsg.PreSharedKey{Identities: []tlsmsg.PSKIdentity{{Identity: f.session.Ticket, ObfuscatedTicketAge: f.session.AgeAdd}}, Binders: [][]byte{make([]byte, 32)}}
		if f.editBinder != nil {
			f.editBinder(psk)
		}
		if again && f.pskAgain == "another" {
			psk.Identities[0].Identity = []byte("another identity")
		}
		add(psk)
		raw := tlsmsg.Append(nil, m, tlsmsg.Context{})
		k := f.suite().NewSchedule13(f.session.PSK)
		binder := f.suite().VerifyData13(k.BinderKey(false), f.tr.SumWith(f.suite().Hash, raw[:len(raw)-psk.BindersLen()]))
		for i := range psk.Binders {
			if !bytes.Equal(psk.Binders[i], []byte("wrong wrong wrong wrong wrong wr")) {
				psk.Binders[i] = binder
			}
		}
		m.Extensions[len(m.Extensions)-1] = tlsmsg.NewExtension(psk, tlsmsg.TypeClientHello)
	}
	raw := tlsmsg.Append(nil, m, tlsmsg.Context{})
	f.tr.Add(raw)
	return f.record(tlsmsg.ContentHandshake, raw)
}

// config is that of a server to meet.
func (f *fakeClient13) config() (handshake.ServerConfig, *worker.Worker) {
	cfg, w := theAuthority().serverConfig(f.t, "ecdsa256")
	cfg.MaxVersion = tlsmsg.VersionTLS13
	if f.retry {
		cfg.Groups = []tlsmsg.NamedGroup{tlsmsg.GroupSecp256r1}
	}
	if f.request {
		cfg.ClientAuth = handshake.ClientAuthRequest
	}
	if f.compress != nil {
		cfg.CompressCertificates = worker.Compressions()
	}
	return cfg, w
}

func (f *fakeClient13) feed(wire []byte) {
	f.s.Receive(wire)
	f.w.Finish(f.s)
}

// take reads what the server says.
func (f *fakeClient13) take() {
	for out := bytes.Clone(f.s.Next()); len(out) > 0; {
		rec, n, err := tlsmsg.NextRecord(out)
		f.must(err)
		out = out[n:]
		typ, content := rec.Type, rec.Fragment
		if f.in != nil && typ == tlsmsg.ContentApplicationData {
			typ, content, err = f.in.Open(rec.Type, rec.Version, rec.Fragment)
			f.must(err)
		}
		if typ == tlsmsg.ContentHandshake {
			f.takeMessage(bytes.Clone(content))
		}
	}
}

func (f *fakeClient13) takeMessage(raw []byte) {
	typ := tlsmsg.HandshakeType(raw[0])
	f.got = append(f.got, typ)
	if f.schedule != nil && f.clientApp != nil { // after the handshake
		return
	}
	var hello tlsmsg.ServerHello
	if typ == tlsmsg.TypeServerHello {
		f.must(tlsmsg.ParseInto(&hello, raw, f.ctx))
		if len(f.got) == 1 {
			f.tr.Choose(f.suite().Hash)
		}
		if hello.IsHelloRetryRequest() {
			f.tr.ReplaceByHash()
		}
	}
	f.tr.Add(raw)
	switch {
	case typ == tlsmsg.TypeServerHello && !hello.IsHelloRetryRequest():
		var share tlsmsg.KeyShare
		_, err := hello.DecodeExtension(&share)
		f.must(err)
		secret, err := f.key.Agree(share.Shares[0].KeyExchange)
		f.must(err)
		var psk []byte
		if tlsmsg.FindExtension(hello.Extensions, tlsmsg.ExtensionPreSharedKey) >= 0 {
			psk = f.session.PSK
		}
		f.schedule = f.suite().NewSchedule13(psk)
		f.schedule.Agreed(secret)
		f.client, f.server = f.schedule.Handshake(f.tr.Sum())
		f.in = f.state(f.server)
		if !f.early {
			f.out = f.state(f.client)
		}
	case typ == tlsmsg.TypeFinished:
		f.schedule.Main()
		f.clientApp, f.serverApp, _ = f.schedule.Application(f.tr.Sum())
		f.in = f.state(f.serverApp)
	}
}

// flight is the client's second, a part for each message. Each is made when it is
// due.
func (f *fakeClient13) flight() (parts []part) {
	if f.early {
		parts = append(parts, part{"EndOfEarlyData", func() []byte {
			b := f.message(&tlsmsg.EndOfEarlyData{})
			f.out = f.state(f.client)
			return b
		}})
	}
	if f.request {
		cert := theAuthority().cert("ecdsa256")
		parts = append(parts, part{"Certificate", func() []byte {
			m := &tlsmsg.Certificate{Chain: cert.Certificate}
			if f.editCert != nil {
				f.editCert(m)
			}
			if f.compress != nil {
				return f.message(f.compress(m.AppendBody(nil, f.ctx)))
			}
			return f.message(m)
		}}, part{"CertificateVerify", func() []byte {
			signed := append(bytes.Repeat([]byte{' '}, 64), "TLS 1.3, client CertificateVerify\x00"...)
			m := &tlsmsg.CertificateVerify{Scheme: tlsmsg.SchemeECDSASecp256r1SHA256}
			var err error
			m.Signature, err = suite.Sign(cert.PrivateKey.(crypto.Signer), m.Scheme, append(signed, f.tr.Sum()...), zeros{})
			f.must(err)
			if f.editVerify != nil {
				f.editVerify(m)
			}
			return f.message(m)
		}})
	}
	return append(parts, part{"Finished", func() []byte {
		m := &tlsmsg.Finished{VerifyData: f.suite().VerifyData13(f.client, f.tr.Sum())}
		if f.editFinish != nil {
			f.editFinish(m)
		}
		b := f.message(m)
		f.out = f.state(f.clientApp)
		return b
	}})
}

// upTo goes on until the fake would send the message called name. An empty name:
// the whole handshake.
func (f *fakeClient13) upTo(cfg handshake.ServerConfig, w *worker.Worker, name string) []part {
	f.s, f.w = handshake.NewServer(cfg), w
	if name == "ClientHello" && !f.retry {
		return []part{{"ClientHello", func() []byte { return f.clientHello(false) }}}
	}
	f.feed(f.clientHello(false))
	if f.early {
		early, _ := f.suite().NewSchedule13(f.session.PSK).Early(f.tr.SumWith(f.suite().Hash, nil))
		f.out = f.state(early)
	}
	f.take()
	if f.retry {
		if f.group = tlsmsg.GroupSecp256r1; name == "ClientHello" {
			return []part{{"ClientHello", func() []byte { return f.clientHello(true) }}}
		}
		f.feed(f.clientHello(true))
		f.take()
	}
	if f.s.Err() != nil {
		return nil
	}
	parts := f.flight()
	for i, p := range parts {
		if p.name == name {
			return parts[i:]
		}
		f.feed(p.wire())
		if f.s.Err() != nil {
			return nil
		}
	}
	return nil
}

// resumable lets a client of ours have a session of a server that takes early data.
func (f *fakeClient13) resumable(cfg *handshake.ServerConfig, w *worker.Worker) {
	cfg.Tickets, cfg.EarlyData = true, 1000
	w.Sessions = &worker.Sessions{Key: make([]byte, 32)}
	ccfg, cw := theAuthority().client(f.t, "")
	ccfg.MaxVersion, ccfg.CipherSuites = tlsmsg.VersionTLS13, []tlsmsg.CipherSuite{f.id}
	p := &pair{c: handshake.NewClient(ccfg), s: handshake.NewServer(*cfg), cw: cw, sw: w}
	f.must(p.shake())
	if f.session = p.c.State().Session; f.session == nil {
		f.t.Fatal("no session")
	}
}
