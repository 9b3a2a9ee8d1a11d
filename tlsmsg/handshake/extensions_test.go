package handshake_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// What each extension's answer may be, and what it is answered with otherwise.
func TestAnswersOfExtensionsAreCheckedByTheirRFC(t *testing.T) {
	type setup func(*fake, *handshake.Config)
	limit := func(offered uint16, data string) setup {
		return func(f *fake, cfg *handshake.Config) {
			cfg.RecordSizeLimit = offered
			extend(tlsmsg.ExtensionRecordSizeLimit, data)(f)
		}
	}
	cbc := func(f *fake, cfg *handshake.Config) {
		f.id, cfg.CipherSuites = cbcECDSA, []tlsmsg.CipherSuite{cbcECDSA}
	}
	for _, tc := range []struct {
		name  string
		setup setup
		alert tlsmsg.AlertDescription
		want  string // "": it is taken
	}{
		{"encrypt_then_mac", func(f *fake, cfg *handshake.Config) { cbc(f, cfg); f.etm = true }, 0, ""},
		{"encrypt_then_mac with AEAD", func(f *fake, cfg *handshake.Config) {
			cfg.CipherSuites = append(cfg.CipherSuites, cbcECDSA)
			extend(tlsmsg.ExtensionEncryptThenMAC, "")(f)
		}, tlsmsg.AlertIllegalParameter, "which is not of CBC mode"},
		{"encrypt_then_mac with data", func(f *fake, cfg *handshake.Config) {
			cbc(f, cfg)
			extend(tlsmsg.ExtensionEncryptThenMAC, "x")(f)
		}, tlsmsg.AlertDecodeError, "encrypt_then_mac"},
		{"record_size_limit", limit(512, "\x00\x40"), 0, ""},
		{"record_size_limit too small", limit(512, "\x00\x3f"), tlsmsg.AlertIllegalParameter, "63, expected 64 to 16384"},
		{"record_size_limit too large", limit(512, "\x40\x01"), tlsmsg.AlertIllegalParameter, "16385, expected 64 to 16384"},
		{"record_size_limit cut off", limit(512, "\x40"), tlsmsg.AlertDecodeError, "record_size_limit"},
		{"record_size_limit not offered", limit(0, "\x10\x00"), tlsmsg.AlertUnsupportedExtension, "was not offered"},
		{"timestamps", func(f *fake, _ *handshake.Config) { extend(tlsmsg.ExtensionSCT, "\x00\x03\x00\x01x")(f) }, 0, ""},
		{"no timestamp", func(f *fake, _ *handshake.Config) { extend(tlsmsg.ExtensionSCT, "\x00\x00")(f) },
			tlsmsg.AlertDecodeError, "sct_list"},
		{"padding", func(f *fake, cfg *handshake.Config) { cfg.PadTo = 700; extend(tlsmsg.ExtensionPadding, "")(f) },
			tlsmsg.AlertUnsupportedExtension, "padding must not be answered"},
		{"GREASE", func(f *fake, cfg *handshake.Config) { cfg.GREASE = true; extend(0x0A0A, "")(f) },
			tlsmsg.AlertUnsupportedExtension, "GREASE (0x0A0A) stands for nothing, was offered"},
		{"GREASE that was not sent", func(f *fake, cfg *handshake.Config) { cfg.GREASE = true; extend(0x5A5A, "")(f) },
			tlsmsg.AlertUnsupportedExtension, "GREASE (0x5A5A) was not offered"},
		{"GREASE by one that sends none", func(f *fake, _ *handshake.Config) { extend(0x0A0A, "")(f) }, tlsmsg.AlertUnsupportedExtension, "GREASE (0x0A0A) was not offered"},
		{"GREASE as a suite", func(f *fake, cfg *handshake.Config) {
			cfg.GREASE = true
			f.editHello = func(h *tlsmsg.ServerHello) { h.CipherSuite = 0x0A0A }
		}, tlsmsg.AlertIllegalParameter, "stands for nothing, was offered"},
		{"GREASE as a group", func(f *fake, cfg *handshake.Config) {
			cfg.GREASE = true
			f.editExchange = func(m *tlsmsg.ServerKeyExchange) { m.Group = 0x0A0A }
		}, tlsmsg.AlertIllegalParameter, "stands for nothing, was offered"},
		{"a signal as a suite", func(f *fake, cfg *handshake.Config) {
			cfg.FallbackSCSV = true
			f.editHello = func(h *tlsmsg.ServerHello) { h.CipherSuite = tlsmsg.TLS_FALLBACK_SCSV }
		}, tlsmsg.AlertIllegalParameter, "is a signal"},
		{"a number of the user's", func(f *fake, cfg *handshake.Config) {
			cfg.Extensions = []tlsmsg.Extension{{Type: 0x1234, Data: []byte("x")}}
			extend(0x1234, "anything")(f)
		}, 0, ""},
		{"another number", func(f *fake, cfg *handshake.Config) {
			cfg.Extensions = []tlsmsg.Extension{{Type: 0x1234, Data: []byte("x")}}
			extend(0x1235, "anything")(f)
		}, tlsmsg.AlertUnsupportedExtension, "was not offered"},
		{"ALPN of the user's bytes", func(f *fake, cfg *handshake.Config) {
			cfg.Extensions = []tlsmsg.Extension{{Type: tlsmsg.ExtensionALPN, Data: []byte("\x00\x03\x02h9")}}
			extend(tlsmsg.ExtensionALPN, "\x00\x03\x02h9")(f)
		}, 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			cfg := f.config()
			tc.setup(f, &cfg)
			m := f.meet(cfg)
			m.upTo("")
			if tc.want != "" {
				expectRefusal(t, m, tc.alert, tc.want)
			} else if m.c.Err() != nil || !f.done {
				t.Error(m.c.Err())
			}
		})
	}
}

func TestWhatIsAnsweredIsReported(t *testing.T) {
	f := newFake(t)
	extend(tlsmsg.ExtensionSCT, "\x00\x06\x00\x01x\x00\x01y")(f)
	m := f.meet(f.config())
	m.upTo("")
	s := m.c.State()
	if len(s.SCTs) != 2 || string(s.SCTs[1]) != "y" || tlsmsg.FindExtension(s.Extensions, tlsmsg.ExtensionSCT) < 0 {
		t.Errorf("timestamps %q, extensions %v", s.SCTs, s.Extensions)
	}
}

// Both sides keep to the other's limit on records once they are protected.
func TestRecordsKeepToTheirSizeLimit(t *testing.T) {
	f := newFake(t)
	extend(tlsmsg.ExtensionRecordSizeLimit, "\x00\x64")(f)
	cfg := f.config()
	cfg.RecordSizeLimit = 200
	m := f.meet(cfg)
	m.upTo("")
	if n := m.c.Write(make([]byte, 1000)); n != 1000 {
		t.Fatalf("%d bytes taken, %v", n, m.c.Err())
	}
	for out := m.c.Next(); len(out) > 0; {
		rec, n, err := tlsmsg.NextRecord(out)
		f.must(err)
		_, p, err := f.in.Open(rec.Type, rec.Version, rec.Fragment)
		f.must(err)
		if len(p) != 100 {
			t.Errorf("a record of %d bytes", len(p))
		}
		out = out[n:]
	}
	m.feed(f.record(tlsmsg.ContentApplicationData, make([]byte, 200)))
	if len(m.c.Peek()) != 200 {
		t.Fatalf("%d bytes read, %v", len(m.c.Peek()), m.c.Err())
	}
	m.c.Discard(200)
	m.feed(f.record(tlsmsg.ContentApplicationData, make([]byte, 201)))
	expectRefusal(t, m, tlsmsg.AlertRecordOverflow, "with 201 bytes, expected at most 200")
}

// In TLS 1.0 application data in CBC mode goes as a byte and the rest; nothing
// else does, and no other version.
func TestDataIsSplitWhereTheIVIsKnown(t *testing.T) {
	for v := tlsmsg.VersionTLS10; v <= tlsmsg.VersionTLS12; v++ {
		f := newFake(t)
		f.version, f.id = v, cbcECDSA
		m := f.meet(f.config())
		m.upTo("")
		m.c.Write([]byte("0123456789"))
		var sizes []int
		for out := m.c.Next(); len(out) > 0; {
			rec, n, err := tlsmsg.NextRecord(out)
			f.must(err)
			_, p, err := f.in.Open(rec.Type, rec.Version, rec.Fragment)
			f.must(err)
			sizes, out = append(sizes, len(p)), out[n:]
		}
		want := []int{10}
		if v == tlsmsg.VersionTLS10 {
			want = []int{1, 9}
		}
		if !slices.Equal(sizes, want) {
			t.Errorf("%v: records of %v bytes, expected %v", v, sizes, want)
		}
	}
}

func helloOf(t *testing.T, cfg handshake.Config) (m tlsmsg.ClientHello, length int) {
	t.Helper()
	cfg.Random[0] |= 1
	c := handshake.NewClient(cfg)
	c.Start()
	rec, _, err := tlsmsg.NextRecord(c.Next())
	if err == nil {
		err = tlsmsg.ParseInto(&m, bytes.Clone(rec.Fragment), tlsmsg.Context{})
	}
	if err == nil {
		err = m.CheckExtensions()
	}
	if err != nil || c.Err() != nil {
		t.Fatal(err, c.Err())
	}
	return m, len(rec.Fragment)
}

func TestOptionsOfTheClientHelloAreInIt(t *testing.T) {
	has := func(m *tlsmsg.ClientHello, typ tlsmsg.ExtensionType) bool {
		return tlsmsg.FindExtension(m.Extensions, typ) >= 0
	}
	for _, n := range []int{400, 500, 517, 1000} {
		if _, got := helloOf(t, handshake.Config{PadTo: n}); got != n {
			t.Errorf("padded to %d bytes, expected %d", got, n)
		}
	}
	if m, _ := helloOf(t, handshake.Config{PadTo: 10}); has(&m, tlsmsg.ExtensionPadding) {
		t.Error("padded although it is longer")
	}
	m, _ := helloOf(t, handshake.Config{FallbackSCSV: true})
	if m.CipherSuites[len(m.CipherSuites)-1] != tlsmsg.TLS_FALLBACK_SCSV {
		t.Error("no TLS_FALLBACK_SCSV at the end")
	}
	for seed := range 256 {
		m, _ = helloOf(t, handshake.Config{GREASE: true, Random: [32]byte(bytes.Repeat([]byte{byte(seed)}, 32))})
		var groups tlsmsg.SupportedGroups
		i := tlsmsg.FindExtension(m.Extensions, tlsmsg.ExtensionSupportedGroups)
		if err := m.Extensions[i].Decode(&groups, tlsmsg.TypeClientHello); err != nil {
			t.Fatal(err)
		}
		var schemes tlsmsg.SignatureAlgorithms
		i = tlsmsg.FindExtension(m.Extensions, tlsmsg.ExtensionSignatureAlgorithms)
		if err := m.Extensions[i].Decode(&schemes, tlsmsg.TypeClientHello); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{m.CipherSuites[0].String(), groups.Groups[0].String(), m.Extensions[0].Type.String(), schemes.Schemes[0].String(),
			m.Extensions[len(m.Extensions)-1].Type.String()} {
			if !strings.HasPrefix(name, "GREASE") {
				t.Errorf("%s stands where a GREASE value should", name)
			}
		}
	}
	m, _ = helloOf(t, handshake.Config{MaxVersion: tlsmsg.VersionTLS11})
	if m.Version != tlsmsg.VersionTLS11 || has(&m, tlsmsg.ExtensionSignatureAlgorithms) {
		t.Errorf("%v, signature_algorithms %v", m.Version, has(&m, tlsmsg.ExtensionSignatureAlgorithms))
	}
	m, _ = helloOf(t, handshake.Config{CipherSuites: []tlsmsg.CipherSuite{gcmECDHE}})
	if has(&m, tlsmsg.ExtensionEncryptThenMAC) {
		t.Error("encrypt_then_mac without a suite of CBC mode")
	}
	raw := []tlsmsg.Extension{{Type: 0x1234, Data: []byte("abc")}, {Type: tlsmsg.ExtensionSupportedGroups, Data: []byte{0, 2, 0, 29}}}
	m, _ = helloOf(t, handshake.Config{Extensions: raw, Omit: []tlsmsg.ExtensionType{tlsmsg.ExtensionSupportedGroups}})
	for _, e := range raw {
		if i := tlsmsg.FindExtension(m.Extensions, e.Type); i < 0 || !bytes.Equal(m.Extensions[i].Data, e.Data) {
			t.Errorf("%v is not sent as it is", e.Type)
		}
	}
}

// Weak suites and schemes are offered by Legacy alone, or by name.
func TestLegacyIsOfferedWhenAskedFor(t *testing.T) {
	plain, _ := helloOf(t, handshake.Config{})
	legacy, _ := helloOf(t, handshake.Config{Legacy: true})
	named, _ := helloOf(t, handshake.Config{CipherSuites: []tlsmsg.CipherSuite{tlsmsg.TLS_RSA_WITH_RC4_128_SHA}})
	for _, id := range suite.LegacyIDs() {
		if slices.Contains(plain.CipherSuites, id) || !slices.Contains(legacy.CipherSuites, id) {
			t.Errorf("%v", id)
		}
	}
	if len(named.CipherSuites) != 1 {
		t.Errorf("%v", named.CipherSuites)
	}
	schemes := func(m *tlsmsg.ClientHello) []tlsmsg.SignatureScheme {
		var v tlsmsg.SignatureAlgorithms
		if err := m.Extensions[tlsmsg.FindExtension(m.Extensions, tlsmsg.ExtensionSignatureAlgorithms)].Decode(&v, tlsmsg.TypeClientHello); err != nil {
			t.Fatal(err)
		}
		return v.Schemes
	}
	for _, s := range suite.LegacySchemes() {
		if slices.Contains(schemes(&plain), s) || !slices.Contains(schemes(&legacy), s) {
			t.Errorf("%v", s)
		}
	}
	if slices.Contains(schemes(&legacy), suite.SchemeRSAPKCS1MD5SHA1) {
		t.Error("a scheme without a number is offered")
	}
}

// A server answers record_size_limit where it is to, and both keep to it.
func TestAServerKeepsToTheSizeLimitsOfBothSides(t *testing.T) {
	for _, answered := range []bool{true, false} {
		p := newPair(t, func(c *handshake.Config) { c.RecordSizeLimit = 100 }, func(c *handshake.ServerConfig) {
			if answered {
				c.RecordSizeLimit = 200
			}
		})
		longest := map[bool]int{}
		p.filter = func(fromClient bool, wire []byte) []byte {
			for _, rec := range splitRecords(t, wire) {
				if rec[0] == byte(tlsmsg.ContentApplicationData) {
					longest[fromClient] = max(longest[fromClient], len(rec)-tlsmsg.RecordHeaderLen-24) // of GCM: nonce and tag
				}
			}
			return wire
		}
		if err := p.shake(); err != nil {
			t.Fatal(err)
		}
		data := make([]byte, 1000)
		if got := p.say(p.c, p.s, data); len(got) != len(data) {
			t.Errorf("client to server: %d bytes, %v", len(got), p.s.Err())
		}
		if got := p.say(p.s, p.c, data); len(got) != len(data) {
			t.Errorf("server to client: %d bytes, %v", len(got), p.c.Err())
		}
		want := map[bool]int{true: 200, false: 100}
		if !answered {
			want = map[bool]int{true: 1000, false: 1000}
		}
		if longest[true] != want[true] || longest[false] != want[false] {
			t.Errorf("answered=%v: records of %v bytes (true: the client's), expected %v", answered, longest, want)
		}
	}
	p := newPair(t, func(c *handshake.Config) {
		c.Extensions = []tlsmsg.Extension{{Type: tlsmsg.ExtensionRecordSizeLimit, Data: []byte{0, 63}}}
	}, func(c *handshake.ServerConfig) { c.RecordSizeLimit = 200 })
	p.shake()
	if !refusedBy(tlsmsg.AlertIllegalParameter)(p.s.Err()) {
		t.Errorf("a limit of 63 bytes: %v", p.s.Err())
	}
}

// A server never answers with a limit that a client would have to refuse.
func TestAServerBringsItsSizeLimitIntoBounds(t *testing.T) {
	for set, want := range map[uint16]uint16{1: 64, 200: 200, 65535: 1 << 14} {
		p := newPair(t, func(c *handshake.Config) { c.RecordSizeLimit = 100 }, func(c *handshake.ServerConfig) { c.RecordSizeLimit = set })
		if err := p.shake(); err != nil {
			t.Fatal(err)
		}
		if got := p.c.State().RecordSizeLimit; got != want {
			t.Errorf("a limit of %d was answered as %d, expected %d", set, got, want)
		}
	}
}
