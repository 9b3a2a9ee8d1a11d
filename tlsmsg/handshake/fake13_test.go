package handshake_test

import (
	"bytes"
	"crypto"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// fake13 is a server of TLS 1.3 in the test's own hands, as fake is one of TLS 1.2.
type fake13 struct {
	t       testing.TB
	id      tlsmsg.CipherSuite
	group   tlsmsg.NamedGroup
	request bool   // ask for a certificate
	later   bool   // the client may be asked after the handshake
	cookie  []byte // in a HelloRetryRequest
	// compress makes of the body of Certificate what is sent in its place.
	compress func(body []byte) *tlsmsg.CompressedCertificate
	retry    tlsmsg.NamedGroup

	editHello    func(*tlsmsg.ServerHello)
	editRetry    func(*tlsmsg.ServerHello)
	editEE       func(*tlsmsg.EncryptedExtensions)
	editRequest  func(*tlsmsg.CertificateRequest)
	editCert     func(*tlsmsg.Certificate)
	editVerify   func(*tlsmsg.CertificateVerify)
	editFinished func(*tlsmsg.Finished)

	hello    tlsmsg.ClientHello
	ctx      tlsmsg.Context
	tr       suite.Transcript
	out      *suite.State
	schedule *suite.Schedule13

	client, server           []byte // traffic secrets
	clientTraffic, serverApp []byte
	c                        *handshake.Client
	w                        *worker.Worker
}

func newFake13(t testing.TB) *fake13 {
	return &fake13{t: t, id: tlsmsg.TLS_AES_128_GCM_SHA256, group: tlsmsg.GroupX25519, ctx: tlsmsg.Context{Version: tlsmsg.VersionTLS13}}
}

func (f *fake13) suite() *suite.Suite { return suite.Lookup13(f.id) }

func (f *fake13) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// protect takes a secret's keys into use.
func (f *fake13) protect(secret []byte) {
	var err error
	f.out, err = f.suite().NewState(f.suite().TrafficKeys(secret), false)
	f.must(err)
}

func (f *fake13) record(typ tlsmsg.ContentType, content []byte) []byte {
	if f.out == nil {
		return tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: typ, Version: tlsmsg.VersionTLS12, Fragment: content})
	}
	b := tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: tlsmsg.ContentApplicationData, Version: tlsmsg.VersionTLS12})
	b, err := f.out.Seal(b, typ, tlsmsg.VersionTLS12, content)
	f.must(err)
	binary.BigEndian.PutUint16(b[3:], uint16(len(b)-5))
	return b
}

func (f *fake13) message(name string, m tlsmsg.Message) []byte {
	raw := tlsmsg.Append(nil, m, f.ctx)
	f.tr.Add(raw)
	return f.record(tlsmsg.ContentHandshake, raw)
}

// takeHello reads the client's first or second hello.
func (f *fake13) takeHello(out []byte) {
	for len(out) > 0 {
		rec, n, err := tlsmsg.NextRecord(out)
		f.must(err)
		out = out[n:]
		if rec.Type == tlsmsg.ContentHandshake {
			f.must(tlsmsg.ParseInto(&f.hello, bytes.Clone(rec.Fragment), tlsmsg.Context{}))
			f.tr.Add(rec.Fragment)
		}
	}
}

func (f *fake13) serverHello(random [32]byte, exts ...tlsmsg.ExtensionData) *tlsmsg.ServerHello {
	m := &tlsmsg.ServerHello{Version: tlsmsg.VersionTLS12, Random: random, SessionID: f.hello.SessionID, CipherSuite: f.id, HasExtensions: true}
	for _, v := range exts {
		m.Extensions = append(m.Extensions, tlsmsg.NewExtension(v, m.Form()))
	}
	return m
}

var selected13 = &tlsmsg.SupportedVersions{Versions: []tlsmsg.Version{tlsmsg.VersionTLS13}}

// retryHello is a HelloRetryRequest.
func (f *fake13) retryHello() []byte {
	exts := []tlsmsg.ExtensionData{selected13}
	if f.retry != 0 {
		exts = append(exts, &tlsmsg.KeyShare{Shares: []tlsmsg.KeyShareEntry{{Group: f.retry}}})
	}
	if f.cookie != nil {
		exts = append(exts, &tlsmsg.Cookie{Cookie: f.cookie})
	}
	m := f.serverHello(tlsmsg.HelloRetryRequestRandom(), exts...)
	if f.editRetry != nil {
		f.editRetry(m)
	}
	f.tr.Choose(f.suite().Hash)
	f.tr.ReplaceByHash()
	return f.message("HelloRetryRequest", m)
}

// flight is the server's, a part for each message. Each is made when it is due.
func (f *fake13) flight() []part {
	parts := []part{{"ServerHello", f.makeHello}, {"EncryptedExtensions", func() []byte {
		m := &tlsmsg.EncryptedExtensions{}
		if f.editEE != nil {
			f.editEE(m)
		}
		return f.message("EncryptedExtensions", m)
	}}}
	if f.request {
		parts = append(parts, part{"CertificateRequest", func() []byte {
			schemes := &tlsmsg.SignatureAlgorithms{Schemes: []tlsmsg.SignatureScheme{tlsmsg.SchemeECDSASecp256r1SHA256}}
			m := &tlsmsg.CertificateRequest{Extensions: []tlsmsg.Extension{tlsmsg.NewExtension(schemes, tlsmsg.TypeCertificateRequest)}}
			if f.editRequest != nil {
				f.editRequest(m)
			}
			return f.message("CertificateRequest", m)
		}})
	}
	cert := theAuthority().cert("ecdsa256")
	return append(parts, part{"Certificate", func() []byte {
		m := &tlsmsg.Certificate{Chain: cert.Certificate}
		if f.editCert != nil {
			f.editCert(m)
		}
		if f.compress != nil {
			return f.message("Certificate", f.compress(m.AppendBody(nil, f.ctx)))
		}
		return f.message("Certificate", m)
	}}, part{"CertificateVerify", func() []byte {
		signed := append(bytes.Repeat([]byte{' '}, 64), "TLS 1.3, server CertificateVerify\x00"...)
		m := &tlsmsg.CertificateVerify{Scheme: tlsmsg.SchemeECDSASecp256r1SHA256}
		var err error
		m.Signature, err = suite.Sign(cert.PrivateKey.(crypto.Signer), m.Scheme, append(signed, f.tr.Sum()...), zeros{})
		f.must(err)
		if f.editVerify != nil {
			f.editVerify(m)
		}
		return f.message("CertificateVerify", m)
	}}, part{"Finished", func() []byte {
		m := &tlsmsg.Finished{VerifyData: f.suite().VerifyData13(f.server, f.tr.Sum())}
		if f.editFinished != nil {
			f.editFinished(m)
		}
		b := f.message("Finished", m)
		f.schedule.Main()
		f.clientTraffic, f.serverApp, _ = f.schedule.Application(f.tr.Sum())
		f.protect(f.serverApp)
		return b
	}})
}

func (f *fake13) makeHello() []byte {
	var theirs tlsmsg.KeyShare
	_, err := f.hello.DecodeExtension(&theirs)
	f.must(err)
	key, err := suite.NewKey(f.group, sevens{})
	f.must(err)
	m := f.serverHello([32]byte{1, 2, 3}, selected13, &tlsmsg.KeyShare{Shares: []tlsmsg.KeyShareEntry{{Group: f.group, KeyExchange: key.PublicKey()}}})
	if f.editHello != nil {
		f.editHello(m)
	}
	if f.retry == 0 && f.cookie == nil {
		f.tr.Choose(f.suite().Hash)
	}
	b := f.message("ServerHello", m)
	i := slices.IndexFunc(theirs.Shares, func(s tlsmsg.KeyShareEntry) bool { return s.Group == f.group })
	if i < 0 {
		return b // it cannot go on from here
	}
	secret, err := key.Agree(theirs.Shares[i].KeyExchange)
	f.must(err)
	f.schedule = f.suite().NewSchedule13(nil)
	f.schedule.Agreed(secret)
	f.client, f.server = f.schedule.Handshake(f.tr.Sum())
	f.protect(f.server)
	return b
}

func (f *fake13) config() handshake.Config {
	var compressions []tlsmsg.CertificateCompressionAlgorithm
	if f.compress != nil {
		compressions = worker.Compressions()
	}
	return handshake.Config{PostHandshakeAuth: f.later, CompressCertificates: compressions, Random: [32]byte{9}, ServerName: serverName, MinVersion: tlsmsg.VersionTLS12, MaxVersion: tlsmsg.VersionTLS13,
		Groups: []tlsmsg.NamedGroup{tlsmsg.GroupX25519, tlsmsg.GroupSecp256r1}}
}

// upTo goes on until the fake would send the message called name. An empty name:
// the whole handshake.
func (f *fake13) upTo(cfg handshake.Config, name string) []part {
	f.c, f.w = handshake.NewClient(cfg), theAuthority().worker()
	f.c.Start()
	f.w.Finish(f.c)
	f.takeHello(f.c.Next())
	if name == "HelloRetryRequest" {
		return nil
	}
	if f.retry != 0 || f.cookie != nil {
		f.feed(f.retryHello())
		if f.c.Err() != nil {
			return nil
		}
		f.takeHello(f.c.Next())
	}
	parts := f.flight()
	for i, p := range parts {
		if p.name == name {
			return parts[i:]
		}
		f.feed(p.wire())
	}
	return nil
}

func (f *fake13) feed(wire []byte) {
	f.c.Receive(wire)
	f.w.Finish(f.c)
}
