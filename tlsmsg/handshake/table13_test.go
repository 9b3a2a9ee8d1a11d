package handshake_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// Every handshake type, ChangeCipherSpec and application data in every state of a
// client of TLS 1.3. This table is RFC 9846's, appendix A.1, written a second time.
func TestEachStateOfTLS13TakesTheMessagesOfItsTurnAndNoOther(t *testing.T) {
	plain := func(*fake13) {}
	request := func(f *fake13) { f.request = true }
	retry := func(f *fake13) { f.retry = tlsmsg.GroupSecp256r1; f.group = f.retry }
	compressed := func(f *fake13) { f.compress = zlibbed }
	both := func(f *fake13) { f.request, f.compress = true, zlibbed }
	for _, tc := range []struct {
		before string
		setup  func(*fake13)
		takes  []string
	}{
		{"ServerHello", plain, []string{"ServerHello", "HelloRequest"}}, // of TLS 1.2
		{"ServerHello", retry, []string{"ServerHello", "ChangeCipherSpec"}},
		{"EncryptedExtensions", plain, []string{"EncryptedExtensions", "ChangeCipherSpec"}},
		{"Certificate", plain, []string{"CertificateRequest", "Certificate", "ChangeCipherSpec"}},
		{"Certificate", request, []string{"Certificate", "ChangeCipherSpec"}},
		{"Certificate", compressed, []string{"CertificateRequest", "Certificate", "CompressedCertificate", "ChangeCipherSpec"}},
		{"Certificate", both, []string{"Certificate", "CompressedCertificate", "ChangeCipherSpec"}},
		{"CertificateVerify", compressed, []string{"CertificateVerify", "ChangeCipherSpec"}},
		{"", compressed, []string{"ApplicationData", "NewSessionTicket", "KeyUpdate"}},
		{"CertificateVerify", plain, []string{"CertificateVerify", "ChangeCipherSpec"}},
		{"Finished", request, []string{"Finished", "ChangeCipherSpec"}},
		{"", plain, []string{"ApplicationData", "NewSessionTicket", "KeyUpdate"}},
		{"", retry, []string{"ApplicationData", "NewSessionTicket", "KeyUpdate"}},
		{"", func(f *fake13) { f.later = true }, []string{"ApplicationData", "NewSessionTicket", "KeyUpdate", "CertificateRequest"}},
	} {
		try := func(name string, typ tlsmsg.ContentType, content string) {
			f := newFake13(t)
			tc.setup(f)
			if parts := f.upTo(f.config(), tc.before); f.c.Err() != nil || (parts == nil) != (tc.before == "") {
				t.Fatalf("before %q: %v", tc.before, f.c.Err())
			}
			f.c.Next()
			if typ == tlsmsg.ContentChangeCipherSpec {
				f.feed(tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: typ, Version: tlsmsg.VersionTLS12, Fragment: []byte(content)}))
			} else {
				f.feed(f.record(typ, []byte(content)))
			}
			var e *handshake.ProtocolError
			refused := errors.As(f.c.Err(), &e) && e.Alert == tlsmsg.AlertUnexpectedMessage
			if refused == slices.Contains(tc.takes, name) {
				t.Errorf("%s where %q is due: %v", name, tc.before, f.c.Err())
			}
		}
		for typ := range 256 {
			if typ > 25 && typ < 254 && tc.before != "EncryptedExtensions" {
				continue // of no meaning: as good as any other, once
			}
			try(tlsmsg.HandshakeType(typ).Heading(), tlsmsg.ContentHandshake, string([]byte{byte(typ), 0, 0, 0}))
		}
		try("ChangeCipherSpec", tlsmsg.ContentChangeCipherSpec, "\x01")
		try("ApplicationData", tlsmsg.ContentApplicationData, "data")
	}
}

// What a server of TLS 1.3 must not say draws its alert.
func TestWhatAServerOfTLS13MustNotSayDrawsItsAlert(t *testing.T) {
	add := func(v tlsmsg.ExtensionData, in tlsmsg.HandshakeType) tlsmsg.Extension {
		return tlsmsg.NewExtension(v, in)
	}
	hello := func(edit func(*tlsmsg.ServerHello)) func(*fake13) {
		return func(f *fake13) { f.editHello = edit }
	}
	share := func(g tlsmsg.NamedGroup, key []byte) func(*tlsmsg.ServerHello) {
		return func(m *tlsmsg.ServerHello) {
			m.Extensions[1] = add(&tlsmsg.KeyShare{Shares: []tlsmsg.KeyShareEntry{{Group: g, KeyExchange: key}}}, tlsmsg.TypeServerHello)
		}
	}
	retry := func(edit func(*tlsmsg.ServerHello)) func(*fake13) {
		return func(f *fake13) { f.retry, f.editRetry, f.group = tlsmsg.GroupSecp256r1, edit, tlsmsg.GroupSecp256r1 }
	}
	afterRetry := func(edit func(*tlsmsg.ServerHello)) func(*fake13) {
		return func(f *fake13) { f.retry, f.group, f.editHello = tlsmsg.GroupSecp256r1, tlsmsg.GroupSecp256r1, edit }
	}
	ee := func(e tlsmsg.Extension) func(*fake13) {
		return func(f *fake13) {
			f.editEE = func(m *tlsmsg.EncryptedExtensions) { m.Extensions = append(m.Extensions, e) }
		}
	}
	alpn := add(&tlsmsg.ALPN{Protocols: []string{"h3"}}, tlsmsg.TypeEncryptedExtensions)
	for name, tc := range map[string]struct {
		setup func(*fake13)
		alert tlsmsg.AlertDescription
		want  string
	}{
		"nothing wrong":            {func(*fake13) {}, 0, ""},
		"a second try":             {retry(nil), 0, ""},
		"a cookie alone":           {func(f *fake13) { f.cookie = []byte("again") }, 0, ""},
		"a request":                {func(f *fake13) { f.request = true }, 0, ""},
		"legacy_version":           {hello(func(m *tlsmsg.ServerHello) { m.Version = tlsmsg.VersionTLS13 }), tlsmsg.AlertProtocolVersion, "legacy_version"},
		"version of a draft":       {hello(func(m *tlsmsg.ServerHello) { m.Extensions[0].Data = []byte{0x7F, 28} }), tlsmsg.AlertIllegalParameter, "supported_versions"},
		"an older version there":   {hello(func(m *tlsmsg.ServerHello) { m.Extensions[0].Data = []byte{3, 3} }), tlsmsg.AlertIllegalParameter, "supported_versions"},
		"another session ID":       {hello(func(m *tlsmsg.ServerHello) { m.SessionID = []byte{1} }), tlsmsg.AlertIllegalParameter, "legacy_session_id_echo"},
		"no session ID":            {hello(func(m *tlsmsg.ServerHello) { m.SessionID = nil }), tlsmsg.AlertIllegalParameter, "legacy_session_id_echo"},
		"compression":              {hello(func(m *tlsmsg.ServerHello) { m.CompressionMethod = 1 }), tlsmsg.AlertIllegalParameter, "legacy_compression_method"},
		"a suite of TLS 1.2":       {hello(func(m *tlsmsg.ServerHello) { m.CipherSuite = gcmECDHE }), tlsmsg.AlertIllegalParameter, "is not a suite of TLS 1.3"},
		"a suite not offered":      {hello(func(m *tlsmsg.ServerHello) { m.CipherSuite = 0x1304 }), tlsmsg.AlertIllegalParameter, "was not offered"},
		"no share":                 {hello(func(m *tlsmsg.ServerHello) { m.Extensions = m.Extensions[:1] }), tlsmsg.AlertMissingExtension, "no key_share"},
		"a share of another group": {hello(share(tlsmsg.GroupSecp256r1, make([]byte, 65))), tlsmsg.AlertIllegalParameter, "of which the ClientHello has no key"},
		"a share without a key":    {hello(share(tlsmsg.GroupX25519, nil)), tlsmsg.AlertDecodeError, "key_share"},
		"a useless share":          {hello(share(tlsmsg.GroupX25519, make([]byte, 32))), tlsmsg.AlertIllegalParameter, "ServerHello.key_share"},
		"a short share":            {hello(share(tlsmsg.GroupX25519, make([]byte, 31))), tlsmsg.AlertIllegalParameter, "ServerHello.key_share"},
		"ALPN in the wrong place":  {hello(func(m *tlsmsg.ServerHello) { m.Extensions = append(m.Extensions, alpn) }), tlsmsg.AlertIllegalParameter, "must not stand there"},
		"a cookie in ServerHello": {hello(func(m *tlsmsg.ServerHello) {
			m.Extensions = append(m.Extensions, add(&tlsmsg.Cookie{Cookie: []byte{1}}, 2))
		}), tlsmsg.AlertUnsupportedExtension, "was not offered"},
		"an extension twice": {hello(func(m *tlsmsg.ServerHello) { m.Extensions = append(m.Extensions, m.Extensions[0]) }), tlsmsg.AlertIllegalParameter, "a second time"},

		"a retry for what is there":   {func(f *fake13) { f.retry = tlsmsg.GroupX25519 }, tlsmsg.AlertIllegalParameter, "of which the ClientHello has a key"},
		"a retry for what is not":     {func(f *fake13) { f.retry = tlsmsg.GroupSecp384r1 }, tlsmsg.AlertIllegalParameter, "was not offered"},
		"a retry for nothing":         {retry(func(m *tlsmsg.ServerHello) { m.Extensions = m.Extensions[:1] }), tlsmsg.AlertIllegalParameter, "nothing that changes the ClientHello"},
		"a retry without a version":   {retry(func(m *tlsmsg.ServerHello) { m.Extensions = m.Extensions[1:] }), tlsmsg.AlertMissingExtension, "HelloRetryRequest"},
		"a retry with an answer":      {retry(func(m *tlsmsg.ServerHello) { m.Extensions = append(m.Extensions, alpn) }), tlsmsg.AlertIllegalParameter, "must not stand there"},
		"an empty cookie":             {func(f *fake13) { f.cookie = []byte{} }, tlsmsg.AlertDecodeError, "cookie"},
		"a second retry":              {afterRetry(func(m *tlsmsg.ServerHello) { m.Random = tlsmsg.HelloRetryRequestRandom() }), tlsmsg.AlertUnexpectedMessage, "a second one"},
		"another suite after a retry": {afterRetry(func(m *tlsmsg.ServerHello) { m.CipherSuite = tlsmsg.TLS_CHACHA20_POLY1305_SHA256 }), tlsmsg.AlertIllegalParameter, "as in the HelloRetryRequest"},
		"TLS 1.2 after a retry":       {afterRetry(func(m *tlsmsg.ServerHello) { m.Extensions, m.CipherSuite = nil, gcmECDHE }), tlsmsg.AlertIllegalParameter, "HelloRetryRequest"},
		"the first share once more":   {func(f *fake13) { f.retry = tlsmsg.GroupSecp256r1 }, tlsmsg.AlertIllegalParameter, "of which the ClientHello has no key"},

		"an answer not asked for":  {ee(add(&tlsmsg.SessionTicket{}, 8)), tlsmsg.AlertUnsupportedExtension, "EncryptedExtensions.extensions"},
		"a protocol not offered":   {ee(alpn), tlsmsg.AlertIllegalParameter, "was not offered"},
		"supported_versions there": {ee(add(selected13, 8)), tlsmsg.AlertIllegalParameter, "must not stand there"},
		"extended_master_secret":   {ee(add(&tlsmsg.ExtendedMasterSecret{}, 8)), tlsmsg.AlertIllegalParameter, "must not stand there"},
		"a tiny limit":             {ee(add(&tlsmsg.RecordSizeLimit{Limit: 63}, 8)), tlsmsg.AlertIllegalParameter, "record_size_limit"},
		"a request without schemes": {func(f *fake13) {
			f.request = true
			f.editRequest = func(m *tlsmsg.CertificateRequest) { m.Extensions = nil }
		}, tlsmsg.AlertMissingExtension, "signature_algorithms"},
		"a request with a context": {func(f *fake13) {
			f.request = true
			f.editRequest = func(m *tlsmsg.CertificateRequest) { m.RequestContext = []byte{1} }
		}, tlsmsg.AlertIllegalParameter, "certificate_request_context"},
		"a chain with a context": {func(f *fake13) { f.editCert = func(m *tlsmsg.Certificate) { m.RequestContext = []byte{1} } }, tlsmsg.AlertIllegalParameter, "certificate_request_context"},
		"no chain":               {func(f *fake13) { f.editCert = func(m *tlsmsg.Certificate) { m.Chain = nil } }, tlsmsg.AlertDecodeError, "empty"},
		"an entry with ALPN": {func(f *fake13) {
			f.editCert = func(m *tlsmsg.Certificate) { m.EntryExtensions = [][]tlsmsg.Extension{{alpn}} }
		}, tlsmsg.AlertIllegalParameter, "must not stand there"},
		"PKCS #1": {func(f *fake13) {
			f.editVerify = func(m *tlsmsg.CertificateVerify) { m.Scheme = tlsmsg.SchemeRSAPKCS1SHA256 }
		}, tlsmsg.AlertIllegalParameter, "CertificateVerify.algorithm"},
		"another curve": {func(f *fake13) {
			f.editVerify = func(m *tlsmsg.CertificateVerify) { m.Scheme = tlsmsg.SchemeECDSASecp384r1SHA384 }
		}, tlsmsg.AlertIllegalParameter, "needs a key on"},
		"a scheme of SHA-1": {func(f *fake13) {
			f.editVerify = func(m *tlsmsg.CertificateVerify) { m.Scheme = tlsmsg.SchemeECDSASHA1 }
		}, tlsmsg.AlertIllegalParameter, "was not offered"},
		"a bad signature":     {func(f *fake13) { f.editVerify = func(m *tlsmsg.CertificateVerify) { m.Signature[9] ^= 1 } }, tlsmsg.AlertDecryptError, "CertificateVerify.signature"},
		"a bad Finished":      {func(f *fake13) { f.editFinished = func(m *tlsmsg.Finished) { m.VerifyData[0] ^= 1 } }, tlsmsg.AlertDecryptError, "Finished.verify_data"},
		"a Finished too long": {func(f *fake13) { f.editFinished = func(m *tlsmsg.Finished) { m.VerifyData = append(m.VerifyData, 0) } }, tlsmsg.AlertDecodeError, "Finished.verify_data"},
	} {
		f := newFake13(t)
		tc.setup(f)
		cfg := f.config()
		if tc.want != "" && strings.Contains(name, "ALPN") || name == "a protocol not offered" || name == "a retry with an answer" {
			cfg.ALPN = []string{"h2"}
		}
		if name == "a tiny limit" {
			cfg.RecordSizeLimit = 1000
		}
		f.feedAll(cfg)
		var e *handshake.ProtocolError
		switch err := f.c.Err(); {
		case tc.alert == 0:
			if err != nil || f.c.Stage() != handshake.StageFinished {
				t.Errorf("%s: %v, %v", name, f.c.Stage(), err)
			}
		case !errors.As(err, &e) || e.Alert != tc.alert || !strings.Contains(err.Error(), tc.want):
			t.Errorf("%s: %v, expected %v and %q", name, err, tc.alert, tc.want)
		}
	}
}

// feedAll hands a whole flight over, as far as the client takes it.
func (f *fake13) feedAll(cfg handshake.Config) {
	parts := f.upTo(cfg, "ServerHello")
	for _, p := range parts {
		if f.c.Err() != nil {
			return
		}
		f.feed(p.wire())
	}
}

// A server of TLS 1.2 that says it could speak more, to one that offers more, has
// been lied to; and one that "resumes" what was no session has not read it.
func TestADowngradeIsNoticed(t *testing.T) {
	for name, tc := range map[string]struct {
		random string
		least  tlsmsg.Version
		echo   bool
		want   string
	}{
		"no mark":       {"", tlsmsg.VersionTLS12, false, ""},
		"TLS 1.3":       {tlsmsg.DowngradeTLS12, tlsmsg.VersionTLS12, false, "was changed on the way"},
		"TLS 1.2":       {tlsmsg.DowngradeTLS11, tlsmsg.VersionTLS12, false, "was changed on the way"},
		"the false ID":  {"", tlsmsg.VersionTLS12, true, "names no session"},
		"TLS 1.3 alone": {"", tlsmsg.VersionTLS13, false, "TLS 1.2, expected TLS 1.3"},
	} {
		f := newFake(t)
		copy(f.random[24:], tc.random)
		cfg := f.config()
		cfg.MinVersion, cfg.MaxVersion = tc.least, tlsmsg.VersionTLS13
		cfg.CipherSuites = append(suite.IDs13(), cfg.CipherSuites...)
		f.editHello = func(m *tlsmsg.ServerHello) {
			if tc.echo {
				m.SessionID = f.hello.SessionID
			}
		}
		m := f.meet(cfg)
		m.c.Start()
		m.w.Finish(m.c)
		for _, p := range f.first(m.c.Next()) {
			if m.c.Err() == nil {
				m.feed(p.wire())
			}
		}
		if err := m.c.Err(); (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What stands beside other certificates than the leaf is not the leaf's.
func TestOnlyTheLeafsEntryCounts(t *testing.T) {
	f := newFake13(t)
	f.editCert = func(m *tlsmsg.Certificate) {
		m.Chain = append(slices.Clone(m.Chain), theAuthority().root.Raw)
		scts := func(b byte) []tlsmsg.Extension {
			return []tlsmsg.Extension{
				tlsmsg.NewExtension(&tlsmsg.SignedCertificateTimestamps{List: [][]byte{{b, b, b}}}, tlsmsg.TypeCertificate),
				tlsmsg.NewExtension(&tlsmsg.StatusRequest{StatusType: tlsmsg.StatusTypeOCSP, Response: []byte{b}}, tlsmsg.TypeCertificate)}
		}
		m.EntryExtensions = [][]tlsmsg.Extension{scts(1), scts(2)}
	}
	f.upTo(f.config(), "")
	st := f.c.State()
	if f.c.Stage() != handshake.StageFinished || len(st.SCTs) != 1 || string(st.SCTs[0]) != "\x01\x01\x01" || string(st.OCSPResponse) != "\x01" || st.Status != handshake.StatusUnusable {
		t.Errorf("%v, %x, %x, %v, %v", f.c.Stage(), st.SCTs, st.OCSPResponse, st.Status, f.c.Err())
	}
}

// What costs little to send and something to take is bounded.
func TestFloodsOfTLS13AreBounded(t *testing.T) {
	update := func(f *fake13, ask byte) []byte {
		b := f.record(tlsmsg.ContentHandshake, []byte{24, 0, 0, 1, ask})
		f.serverApp = f.suite().NextTraffic(f.serverApp)
		f.protect(f.serverApp)
		return b
	}
	ticket := func(f *fake13) []byte {
		m := &tlsmsg.NewSessionTicket{LifetimeHint: 60, Ticket: []byte("ticket"), Nonce: []byte{1}}
		return f.record(tlsmsg.ContentHandshake, tlsmsg.Append(nil, m, f.ctx))
	}
	spec := func(*fake13) []byte {
		return tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: 20, Version: 0x303, Fragment: []byte{1}})
	}
	for name, tc := range map[string]struct {
		before string
		make   func(*fake13) []byte
	}{
		"KeyUpdates":           {"", func(f *fake13) []byte { return update(f, 0) }},
		"KeyUpdates that ask":  {"", func(f *fake13) []byte { return update(f, 1) }},
		"tickets":              {"", ticket},
		"empty records":        {"", func(f *fake13) []byte { return f.record(tlsmsg.ContentApplicationData, nil) }},
		"ChangeCipherSpecs":    {"Certificate", spec},
		"user_canceled alerts": {"Certificate", func(f *fake13) []byte { return f.record(tlsmsg.ContentAlert, []byte{1, 90}) }},
	} {
		f := newFake13(t)
		f.upTo(f.config(), tc.before)
		f.c.Next()
		n := 0
		for ; f.c.Err() == nil && n < 100; n++ {
			f.feed(tc.make(f))
		}
		var e *handshake.ProtocolError
		if !errors.As(f.c.Err(), &e) || e.Alert != tlsmsg.AlertUnexpectedMessage || n < 4 || n > 40 {
			t.Errorf("%s: %d, %v", name, n, f.c.Err())
		}
		if out := f.c.Next(); len(out) > 40 { // an alert, and no answers
			t.Errorf("%s: %d bytes of answers", name, len(out))
		}
	}
}
