package handshake_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// Every handshake type, ChangeCipherSpec and application data in every state of a
// server of TLS 1.3. This table is RFC 9846's, appendix A.2, written a second time.
func TestEachStateOfAServerOfTLS13TakesTheMessagesOfItsTurnAndNoOther(t *testing.T) {
	plain := func(*fakeClient13) {}
	request := func(f *fakeClient13) { f.request = true }
	retry := func(f *fakeClient13) { f.retry = true }
	early := func(f *fakeClient13) { f.early = true }
	compressed := func(f *fakeClient13) { f.request, f.compress = true, zlibbed }
	for _, tc := range []struct {
		before string
		setup  func(*fakeClient13)
		takes  []string
	}{
		{"ClientHello", plain, []string{"ClientHello"}},
		{"ClientHello", retry, []string{"ClientHello", "ChangeCipherSpec"}},
		{"EndOfEarlyData", early, []string{"ApplicationData", "EndOfEarlyData", "ChangeCipherSpec"}},
		{"Finished", early, []string{"Finished", "ChangeCipherSpec"}},
		{"Certificate", request, []string{"Certificate", "ChangeCipherSpec"}},
		{"Certificate", compressed, []string{"Certificate", "CompressedCertificate", "ChangeCipherSpec"}},
		{"CertificateVerify", compressed, []string{"CertificateVerify", "ChangeCipherSpec"}},
		{"", compressed, []string{"ApplicationData", "KeyUpdate"}},
		{"", func(f *fakeClient13) { f.later, f.compress = true, zlibbed }, []string{"ApplicationData", "KeyUpdate", "Certificate", "CompressedCertificate"}},
		{"CertificateVerify", request, []string{"CertificateVerify", "ChangeCipherSpec"}},
		{"Finished", request, []string{"Finished", "ChangeCipherSpec"}},
		{"Finished", plain, []string{"Finished", "ChangeCipherSpec"}},
		{"", plain, []string{"ApplicationData", "KeyUpdate"}},
		{"", early, []string{"ApplicationData", "KeyUpdate"}},
		{"", func(f *fakeClient13) { f.later = true }, []string{"ApplicationData", "KeyUpdate", "Certificate"}},
	} {
		seed := newFakeClient13(t)
		tc.setup(seed)
		cfg, w := seed.config()
		if seed.early {
			seed.resumable(&cfg, w)
		}
		try := func(name string, typ tlsmsg.ContentType, content string) {
			f := newFakeClient13(t)
			tc.setup(f)
			f.session = seed.session
			if w.Sessions != nil { // else the ticket has come with early data before
				w.Sessions = newSessions()
			}
			if parts := f.upTo(cfg, w, tc.before); f.s.Err() != nil || (parts == nil) != (tc.before == "") {
				t.Fatalf("before %q: %v", tc.before, f.s.Err())
			}
			if f.later && !f.s.RequestCertificate([]byte("context")) {
				t.Fatal("the client cannot be asked")
			}
			f.s.Next()
			f.feed(f.record(typ, []byte(content)))
			var e *handshake.ProtocolError
			refused := errors.As(f.s.Err(), &e) && e.Alert == tlsmsg.AlertUnexpectedMessage
			if refused == slices.Contains(tc.takes, name) {
				t.Errorf("%s where %q is due: %v", name, tc.before, f.s.Err())
			}
		}
		for typ := range 256 {
			if typ > 25 && typ < 254 && tc.before != "CertificateVerify" {
				continue // of no meaning: as good as any other, once
			}
			try(tlsmsg.HandshakeType(typ).Heading(), tlsmsg.ContentHandshake, string([]byte{byte(typ), 0, 0, 0}))
		}
		try("ChangeCipherSpec", tlsmsg.ContentChangeCipherSpec, "\x01")
		try("ApplicationData", tlsmsg.ContentApplicationData, "data")
	}
}

// newSessions take each other's tickets.
func newSessions() *worker.Sessions { return &worker.Sessions{Key: make([]byte, 32)} }

// What a client of TLS 1.3 must not say draws its alert.
func TestWhatAClientOfTLS13MustNotSayDrawsItsAlert(t *testing.T) {
	add := func(v tlsmsg.ExtensionData) tlsmsg.Extension { return tlsmsg.NewExtension(v, tlsmsg.TypeClientHello) }
	hello := func(edit func(*tlsmsg.ClientHello)) func(*fakeClient13) {
		return func(f *fakeClient13) { f.editHello = edit }
	}
	again := func(edit func(*tlsmsg.ClientHello)) func(*fakeClient13) {
		return func(f *fakeClient13) { f.retry, f.editAgain = true, edit }
	}
	without := func(typ tlsmsg.ExtensionType) func(*tlsmsg.ClientHello) {
		return func(m *tlsmsg.ClientHello) {
			m.Extensions = slices.DeleteFunc(m.Extensions, func(e tlsmsg.Extension) bool { return e.Type == typ })
		}
	}
	replace := func(v tlsmsg.ExtensionData) func(*tlsmsg.ClientHello) {
		return func(m *tlsmsg.ClientHello) {
			m.Extensions[tlsmsg.FindExtension(m.Extensions, v.ExtensionType())] = add(v)
		}
	}
	share := func(entries ...tlsmsg.KeyShareEntry) func(*tlsmsg.ClientHello) {
		return replace(&tlsmsg.KeyShare{Shares: entries})
	}
	resumed := func(edit func(*fakeClient13)) func(*fakeClient13) {
		return func(f *fakeClient13) {
			f.session = &handshake.Session{} // to be had
			edit(f)
		}
	}
	key := bytes.Repeat([]byte{9}, 32)
	wrong := []byte("wrong wrong wrong wrong wrong wr")
	request := func(edit func(*fakeClient13)) func(*fakeClient13) {
		return func(f *fakeClient13) { f.request = true; edit(f) }
	}
	for name, tc := range map[string]struct {
		setup func(*fakeClient13)
		alert tlsmsg.AlertDescription
		want  string
	}{
		"nothing wrong": {func(*fakeClient13) {}, 0, ""},
		"a second try":  {again(nil), 0, ""},
		"a certificate": {request(func(*fakeClient13) {}), 0, ""},
		"a session":     {resumed(func(*fakeClient13) {}), 0, ""},
		"early data":    {resumed(func(f *fakeClient13) { f.early = true }), 0, ""},
		"compression":   {hello(func(m *tlsmsg.ClientHello) { m.CompressionMethods = []tlsmsg.CompressionMethod{0, 1} }), tlsmsg.AlertIllegalParameter, "legacy_compression_methods"},
		"no suite":      {hello(func(m *tlsmsg.ClientHello) { m.CipherSuites = []tlsmsg.CipherSuite{0x1304, gcmECDHE} }), tlsmsg.AlertHandshakeFailure, "cipher_suites"},
		"no group": {hello(func(m *tlsmsg.ClientHello) {
			replace(&tlsmsg.SupportedGroups{Groups: []tlsmsg.NamedGroup{30}})(m)
			share()(m)
		}), tlsmsg.AlertHandshakeFailure, "supported_groups"},
		"no scheme":          {hello(replace(&tlsmsg.SignatureAlgorithms{Schemes: []tlsmsg.SignatureScheme{tlsmsg.SchemeRSAPKCS1SHA256}})), tlsmsg.AlertHandshakeFailure, "signature_algorithms"},
		"no schemes at all":  {hello(without(tlsmsg.ExtensionSignatureAlgorithms)), tlsmsg.AlertMissingExtension, "signature_algorithms"},
		"no groups at all":   {hello(without(tlsmsg.ExtensionSupportedGroups)), tlsmsg.AlertMissingExtension, "supported_groups"},
		"no shares at all":   {hello(without(tlsmsg.ExtensionKeyShare)), tlsmsg.AlertMissingExtension, "key_share"},
		"two of a group":     {hello(share(tlsmsg.KeyShareEntry{Group: 29, KeyExchange: key}, tlsmsg.KeyShareEntry{Group: 29, KeyExchange: key})), tlsmsg.AlertIllegalParameter, "two keys"},
		"one not offered":    {hello(share(tlsmsg.KeyShareEntry{Group: 24, KeyExchange: key})), tlsmsg.AlertIllegalParameter, "not among supported_groups"},
		"a useless key":      {hello(share(tlsmsg.KeyShareEntry{Group: 29, KeyExchange: make([]byte, 32)})), tlsmsg.AlertIllegalParameter, "ClientHello.key_share"},
		"a short key":        {hello(share(tlsmsg.KeyShareEntry{Group: 29, KeyExchange: key[:31]})), tlsmsg.AlertIllegalParameter, "ClientHello.key_share"},
		"an extension twice": {hello(func(m *tlsmsg.ClientHello) { m.Extensions = append(m.Extensions, m.Extensions[1]) }), tlsmsg.AlertIllegalParameter, "a second time"},
		"an old version":     {hello(func(m *tlsmsg.ClientHello) { m.Version = tlsmsg.VersionTLS11 }), tlsmsg.AlertProtocolVersion, "legacy_version"},
		"a new version":      {hello(func(m *tlsmsg.ClientHello) { m.Version = tlsmsg.VersionTLS13 }), tlsmsg.AlertProtocolVersion, "legacy_version"},
		"a cookie unasked":   {hello(func(m *tlsmsg.ClientHello) { m.Extensions = append(m.Extensions, add(&tlsmsg.Cookie{Cookie: key})) }), tlsmsg.AlertIllegalParameter, "no HelloRetryRequest"},

		"another random":      {again(func(m *tlsmsg.ClientHello) { m.Random[3] = 3 }), tlsmsg.AlertIllegalParameter, "differs from the first"},
		"another session ID":  {again(func(m *tlsmsg.ClientHello) { m.SessionID = nil }), tlsmsg.AlertIllegalParameter, "differs from the first"},
		"another suite":       {again(func(m *tlsmsg.ClientHello) { m.CipherSuites[0] = tlsmsg.TLS_CHACHA20_POLY1305_SHA256 }), tlsmsg.AlertIllegalParameter, "differs from the first"},
		"another name":        {again(without(tlsmsg.ExtensionServerName)), tlsmsg.AlertIllegalParameter, "differs from the first"},
		"TLS 1.2 then":        {again(without(tlsmsg.ExtensionSupportedVersions)), tlsmsg.AlertIllegalParameter, "as in the first"},
		"the old share again": {again(share(tlsmsg.KeyShareEntry{Group: 29, KeyExchange: key})), tlsmsg.AlertIllegalParameter, "as the HelloRetryRequest asks"},
		"one share too many":  {again(share(tlsmsg.KeyShareEntry{Group: 23, KeyExchange: key}, tlsmsg.KeyShareEntry{Group: 29, KeyExchange: key})), tlsmsg.AlertIllegalParameter, "expected one key"},
		"a cookie not sent":   {again(func(m *tlsmsg.ClientHello) { m.Extensions = append(m.Extensions, add(&tlsmsg.Cookie{Cookie: key})) }), tlsmsg.AlertIllegalParameter, "ClientHello.cookie"},
		"early data then":     {again(func(m *tlsmsg.ClientHello) { m.Extensions = append(m.Extensions, add(&tlsmsg.EarlyData{})) }), tlsmsg.AlertIllegalParameter, "early_data"},

		"the PSK again": {resumed(func(f *fakeClient13) { f.retry = true }), 0, ""},
		"no PSK then":   {resumed(func(f *fakeClient13) { f.retry, f.pskAgain = true, "gone" }), tlsmsg.AlertMissingExtension, "gone after the HelloRetryRequest"},
		"another then":  {resumed(func(f *fakeClient13) { f.retry, f.pskAgain = true, "another" }), tlsmsg.AlertIllegalParameter, "is gone after"},

		"no modes":       {resumed(func(f *fakeClient13) { f.editHello = without(tlsmsg.ExtensionPSKKeyExchangeModes) }), tlsmsg.AlertMissingExtension, "psk_key_exchange_modes"},
		"a wrong binder": {resumed(func(f *fakeClient13) { f.editBinder = func(p *tlsmsg.PreSharedKey) { p.Binders[0] = wrong } }), tlsmsg.AlertDecryptError, "binder"},
		"a binder more": {resumed(func(f *fakeClient13) {
			f.editBinder = func(p *tlsmsg.PreSharedKey) { p.Binders = append(p.Binders, wrong) }
		}), tlsmsg.AlertIllegalParameter, "2 binders of 1"},
		"an identity more": {resumed(func(f *fakeClient13) {
			f.editBinder = func(p *tlsmsg.PreSharedKey) { p.Identities = append(p.Identities, p.Identities[0]) }
		}), tlsmsg.AlertIllegalParameter, "1 binders of 2"},
		"a chain's context": {request(func(f *fakeClient13) { f.editCert = func(m *tlsmsg.Certificate) { m.RequestContext = []byte{1} } }), tlsmsg.AlertIllegalParameter, "certificate_request_context"},
		"an entry with more": {request(func(f *fakeClient13) {
			f.editCert = func(m *tlsmsg.Certificate) {
				m.EntryExtensions = [][]tlsmsg.Extension{{add(&tlsmsg.ALPN{Protocols: []string{"h2"}})}}
			}
		}), tlsmsg.AlertUnsupportedExtension, "was not asked for"},
		"PKCS #1": {request(func(f *fakeClient13) {
			f.editVerify = func(m *tlsmsg.CertificateVerify) { m.Scheme = tlsmsg.SchemeRSAPKCS1SHA256 }
		}), tlsmsg.AlertIllegalParameter, "CertificateVerify.algorithm"},
		"another curve": {request(func(f *fakeClient13) {
			f.editVerify = func(m *tlsmsg.CertificateVerify) { m.Scheme = tlsmsg.SchemeECDSASecp384r1SHA384 }
		}), tlsmsg.AlertIllegalParameter, "needs a key on"},
		"SHA-1": {request(func(f *fakeClient13) {
			f.editVerify = func(m *tlsmsg.CertificateVerify) { m.Scheme = tlsmsg.SchemeECDSASHA1 }
		}), tlsmsg.AlertIllegalParameter, "was not offered"},
		"a bad proof":    {request(func(f *fakeClient13) { f.editVerify = func(m *tlsmsg.CertificateVerify) { m.Signature[9] ^= 1 } }), tlsmsg.AlertDecryptError, "CertificateVerify.signature"},
		"a bad Finished": {func(f *fakeClient13) { f.editFinish = func(m *tlsmsg.Finished) { m.VerifyData[0] ^= 1 } }, tlsmsg.AlertDecryptError, "Finished.verify_data"},
		"a long one": {func(f *fakeClient13) {
			f.editFinish = func(m *tlsmsg.Finished) { m.VerifyData = append(m.VerifyData, 0) }
		}, tlsmsg.AlertDecodeError, "Finished.verify_data"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeClient13(t)
			tc.setup(f)
			cfg, w := f.config()
			if f.session != nil {
				f.resumable(&cfg, w)
			}
			f.upTo(cfg, w, "")
			var e *handshake.ProtocolError
			switch err := f.s.Err(); {
			case tc.alert == 0:
				if err != nil || f.s.Stage() != handshake.StageFinished || f.s.State().Resumed != (f.session != nil) || (f.s.State().EarlyData == handshake.EarlyDataAccepted) != f.early {
					t.Errorf("%v, %v, %+v", f.s.Stage(), err, f.s.State())
				}
			case !errors.As(err, &e) || e.Alert != tc.alert || !strings.Contains(err.Error(), tc.want):
				t.Errorf("%v, expected %v and %q", err, tc.alert, tc.want)
			}
		})
	}
}

// What costs a client little to send and a server something to take is bounded.
func TestFloodsToAServerOfTLS13AreBounded(t *testing.T) {
	update := func(ask byte) func(*fakeClient13) []byte {
		return func(f *fakeClient13) []byte {
			b := f.record(tlsmsg.ContentHandshake, []byte{24, 0, 0, 1, ask})
			f.clientApp = f.suite().NextTraffic(f.clientApp)
			f.out = f.state(f.clientApp)
			return b
		}
	}
	spec := func(f *fakeClient13) []byte { return f.record(tlsmsg.ContentChangeCipherSpec, []byte{1}) }
	skipped := func(f *fakeClient13) []byte {
		return tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: tlsmsg.ContentApplicationData, Version: tlsmsg.VersionTLS12, Fragment: make([]byte, 1024)})
	}
	early := func(f *fakeClient13) []byte { return f.record(tlsmsg.ContentApplicationData, make([]byte, 100)) }
	empty := func(f *fakeClient13) []byte { return f.record(tlsmsg.ContentApplicationData, nil) }
	canceled := func(f *fakeClient13) []byte { return f.record(tlsmsg.ContentAlert, []byte{1, 90}) }
	for name, tc := range map[string]struct {
		setup  func(*fakeClient13)
		before string
		make   func(*fakeClient13) []byte
	}{
		"KeyUpdates":                      {func(*fakeClient13) {}, "", update(0)},
		"KeyUpdates that ask":             {func(*fakeClient13) {}, "", update(1)},
		"empty records":                   {func(*fakeClient13) {}, "", empty},
		"ChangeCipherSpecs":               {func(*fakeClient13) {}, "Finished", spec},
		"ChangeCipherSpecs after a retry": {func(f *fakeClient13) { f.retry = true }, "ClientHello", spec},
		"user_canceled alerts":            {func(*fakeClient13) {}, "Finished", canceled},
		"early data":                      {func(f *fakeClient13) { f.early = true }, "EndOfEarlyData", early},
		"empty early data":                {func(f *fakeClient13) { f.early = true }, "EndOfEarlyData", empty},
		"early data that is not taken": {func(f *fakeClient13) {
			f.editHello = func(m *tlsmsg.ClientHello) {
				m.Extensions = append(m.Extensions, tlsmsg.NewExtension(&tlsmsg.EarlyData{}, tlsmsg.TypeClientHello))
			}
		}, "Finished", skipped},
		"the same before another ClientHello": {func(f *fakeClient13) {
			f.retry, f.editHello = true, func(m *tlsmsg.ClientHello) {
				m.Extensions = append(m.Extensions, tlsmsg.NewExtension(&tlsmsg.EarlyData{}, tlsmsg.TypeClientHello))
			}
		}, "ClientHello", skipped},
	} {
		f := newFakeClient13(t)
		tc.setup(f)
		cfg, w := f.config()
		if f.early {
			f.resumable(&cfg, w)
		}
		f.upTo(cfg, w, tc.before)
		f.s.Next()
		n := 0
		for ; f.s.Err() == nil && n < 100; n++ {
			f.feed(tc.make(f))
			f.s.Discard(len(f.s.Peek()))
		}
		var e *handshake.ProtocolError
		if !errors.As(f.s.Err(), &e) || e.Alert != tlsmsg.AlertUnexpectedMessage || n < 4 || n > 40 {
			t.Errorf("%s: %d, %v", name, n, f.s.Err())
		}
		if out := f.s.Next(); len(out) > 40 { // an alert, and no answers
			t.Errorf("%s: %d bytes of answers", name, len(out))
		}
	}
}
