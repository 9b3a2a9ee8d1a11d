package handshake_test

import (
	"bytes"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

const (
	gcmRSA   = tlsmsg.TLS_RSA_WITH_AES_128_GCM_SHA256
	gcmDHE   = tlsmsg.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256
	gcmECDHE = tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
	cbcRSA   = tlsmsg.TLS_RSA_WITH_AES_128_CBC_SHA
	cbcECDSA = tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA
)

// mersenne is a prime of 1279 bits that is not a safe one, 2^1279-1.
var mersenne = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 1279), big.NewInt(1)).Bytes()

// Each thing that a server must not do in the choice of version, suite, key
// exchange and keys draws its alert, and an option that takes it takes it.
func TestWhatAServerMustNotChooseDrawsItsAlert(t *testing.T) {
	type setup func(*fake, *handshake.Config)
	server := func(kind string, id tlsmsg.CipherSuite, more ...setup) setup {
		return func(f *fake, cfg *handshake.Config) {
			f.kind, f.id, cfg.CipherSuites = kind, id, []tlsmsg.CipherSuite{id}
			for _, m := range more {
				m(f, cfg)
			}
		}
	}
	params := func(edit func(*tlsmsg.ServerKeyExchange)) setup {
		return func(f *fake, _ *handshake.Config) { f.editParams = edit }
	}
	hello := func(edit func(*tlsmsg.ServerHello)) setup {
		return func(f *fake, _ *handshake.Config) { f.editHello = edit }
	}
	version := func(v, low, high tlsmsg.Version) setup {
		return func(f *fake, cfg *handshake.Config) { f.version, cfg.MinVersion, cfg.MaxVersion = v, low, high }
	}
	mark := func(f *fake, _ *handshake.Config) { copy(f.random[24:], tlsmsg.DowngradeTLS11) }
	for _, tc := range []struct {
		name  string
		setup setup
		alert tlsmsg.AlertDescription // close_notify: it is taken
		want  string
	}{
		{"a version below", server("ecdsa256", cbcECDSA, version(0x302, 0x303, 0x303)), tlsmsg.AlertProtocolVersion, "TLS 1.1, expected TLS 1.2"},
		{"a version above", server("ecdsa256", cbcECDSA, version(0x303, 0x301, 0x302)), tlsmsg.AlertProtocolVersion, "TLS 1.2, expected TLS 1.0 to TLS 1.1"},
		{"a version between", server("ecdsa256", cbcECDSA, version(0x302, 0x301, 0x303)), 0, ""},
		{"a version forced", server("ecdsa256", cbcECDSA, version(0x302, 0x301, 0x303), mark), tlsmsg.AlertIllegalParameter, "was changed on the way"},
		{"the mark where TLS 1.2 was not offered", server("ecdsa256", cbcECDSA, version(0x302, 0x301, 0x302), mark), 0, ""},
		{"the mark with TLS 1.2", server("ecdsa256", cbcECDSA, mark), 0, ""},
		{"a suite of a later version", server("ecdsa256", cbcECDSA, version(0x302, 0x302, 0x303), func(_ *fake, cfg *handshake.Config) {
			cfg.CipherSuites = append(cfg.CipherSuites, 0xC02B)
		}, hello(func(m *tlsmsg.ServerHello) { m.CipherSuite = 0xC02B })), tlsmsg.AlertIllegalParameter, "is not a suite of TLS 1.1"},

		{"RSA", server("rsa", gcmRSA), 0, ""},
		{"RSA in TLS 1.0", server("rsa", cbcRSA, version(0x301, 0x301, 0x303)), 0, ""},
		{"RSA with a key of ECDSA", server("ecdsa256", gcmRSA), tlsmsg.AlertIllegalParameter, "does not go with a key"},
		{"a key of 1024 bits", server("rsa1024", gcmECDHE), tlsmsg.AlertInsufficientSecurity, "an RSA key of 1024 bits, expected at least 2048"},
		{"a key of 1024 bits, legacy", server("rsa1024", gcmECDHE, func(_ *fake, cfg *handshake.Config) { cfg.Legacy = true }), 0, ""},
		{"a key below the bound", server("rsa", gcmRSA, func(_ *fake, cfg *handshake.Config) { cfg.MinRSABits = 2049 }),
			tlsmsg.AlertInsufficientSecurity, "expected at least 2049"},
		{"EdDSA before TLS 1.2", server("ed25519", cbcECDSA, version(0x301, 0x301, 0x301)), tlsmsg.AlertIllegalParameter, "does not go with a key"},
		{"ECDSA before TLS 1.2", server("ecdsa521", cbcECDSA, version(0x301, 0x301, 0x301)), 0, ""},

		{"DHE", server("rsa", gcmDHE), 0, ""},
		{"a small group", server("rsa", gcmDHE, func(f *fake, _ *handshake.Config) { f.p = mersenne }),
			tlsmsg.AlertInsufficientSecurity, "an unregistered 1279-bit group: a prime of 1279 bits, expected at least 2048"},
		{"a small group, legacy", server("rsa", gcmDHE, func(f *fake, cfg *handshake.Config) { f.p, cfg.Legacy = mersenne, true }), 0, ""},
		{"a group at the bound", server("rsa", gcmDHE, func(f *fake, cfg *handshake.Config) { f.p, cfg.MinDHBits = mersenne, 1279 }), 0, ""},
		{"a group of no prime", server("rsa", gcmDHE, func(f *fake, _ *handshake.Config) {
			f.p = bytes.Clone(f.p)
			f.p[100] ^= 4
		}), tlsmsg.AlertIllegalParameter, "p is not a prime"},
		{"a generator of one", server("rsa", gcmDHE, func(f *fake, _ *handshake.Config) { f.g = []byte{1} }),
			tlsmsg.AlertIllegalParameter, "ServerKeyExchange.params: the Diffie-Hellman group is not usable: g does not lie"},
		{"a huge group", server("rsa", gcmDHE, func(f *fake, _ *handshake.Config) { f.p = bytes.Repeat([]byte{255}, 2000) }),
			tlsmsg.AlertIllegalParameter, "expected at most 8192"},
		{"a public value of one", server("rsa", gcmDHE, params(func(m *tlsmsg.ServerKeyExchange) { m.DHPublic = []byte{1} })),
			tlsmsg.AlertIllegalParameter, "ServerKeyExchange.params.public"},
		{"ECDHE over a finite field", server("rsa", gcmECDHE, func(_ *fake, cfg *handshake.Config) { cfg.Groups = append(cfg.Groups, 256) },
			params(func(m *tlsmsg.ServerKeyExchange) { m.Group = 256 })), tlsmsg.AlertIllegalParameter, "ffdhe2048 was not offered"},

		{"SHA-1", server("rsa", gcmECDHE, params(func(m *tlsmsg.ServerKeyExchange) { m.Scheme = tlsmsg.SchemeRSAPKCS1SHA1 })),
			tlsmsg.AlertIllegalParameter, "rsa_pkcs1_sha1 was not offered"},
		{"SHA-1, legacy", server("rsa", gcmECDHE, params(func(m *tlsmsg.ServerKeyExchange) { m.Scheme = tlsmsg.SchemeRSAPKCS1SHA1 }),
			func(_ *fake, cfg *handshake.Config) { cfg.Legacy = true }), 0, ""},
		{"the scheme that has no number", server("rsa", gcmECDHE, params(func(m *tlsmsg.ServerKeyExchange) { m.Scheme = suite.SchemeRSAPKCS1MD5SHA1 }),
			func(_ *fake, cfg *handshake.Config) { cfg.Legacy = true }), tlsmsg.AlertIllegalParameter, "was not offered"},
		{"a bad signature before TLS 1.2", server("rsa", tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, version(0x301, 0x301, 0x301),
			func(f *fake, _ *handshake.Config) {
				f.editExchange = func(m *tlsmsg.ServerKeyExchange) { m.Signature[9] ^= 1 }
			}), tlsmsg.AlertDecryptError, "ServerKeyExchange.signature"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t)
			cfg := f.config()
			tc.setup(f, &cfg)
			m := f.meet(cfg)
			m.upTo("")
			if tc.want != "" {
				expectRefusal(t, m, tc.alert, tc.want)
			} else if m.c.Err() != nil || !f.done || m.c.Stage() != handshake.StageFinished {
				t.Errorf("stage %v, %v", m.c.Stage(), m.c.Err())
			}
		})
	}
}

func TestAnOddGroupIsReported(t *testing.T) {
	f := newFake(t)
	f.kind, f.id, f.p = "rsa", gcmDHE, mersenne
	cfg := f.config()
	cfg.MinDHBits = 1024
	var told []string
	cfg.Events = func(e handshake.Event) {
		if d, ok := e.(handshake.DecisionEvent); ok {
			told = append(told, d.Text)
		}
	}
	m := f.meet(cfg)
	m.upTo("")
	const want = "an unregistered 1279-bit group, whose prime is not a safe one"
	if d := m.c.State().DH; d.String() != want || !strings.Contains(strings.Join(told, "\n"), want) {
		t.Errorf("%v, told %q (%v)", d, told, m.c.Err())
	}
}

// The bounds of a Config that cannot be are said before anything is sent.
func TestAConfigThatCannotBeIsRefused(t *testing.T) {
	for name, cfg := range map[string]handshake.Config{
		"SSL 3.0":               {MinVersion: tlsmsg.VersionSSL30},
		"TLS 1.4":               {MaxVersion: tlsmsg.VersionTLS13 + 1},
		"a share of no group":   {MaxVersion: tlsmsg.VersionTLS13, Groups: []tlsmsg.NamedGroup{tlsmsg.GroupX25519}, KeyShares: []tlsmsg.NamedGroup{tlsmsg.GroupSecp256r1}},
		"a share without a key": {MaxVersion: tlsmsg.VersionTLS13, Groups: []tlsmsg.NamedGroup{tlsmsg.GroupX448}, KeyShares: []tlsmsg.NamedGroup{tlsmsg.GroupX448}},
		"none between":          {MinVersion: tlsmsg.VersionTLS12, MaxVersion: tlsmsg.VersionTLS11},
		"a tiny limit":          {RecordSizeLimit: 63},
		"a huge limit":          {RecordSizeLimit: 16385},
		"endless extension":     {Extensions: []tlsmsg.Extension{{Type: 1, Data: make([]byte, 65530)}}},
	} {
		cfg.Random[0] = 1
		c := handshake.NewClient(cfg)
		c.Start()
		if c.Err() == nil || c.Next() != nil {
			t.Errorf("%s: %v", name, c.Err())
		}
	}
}

// Randomness that the driver forgot is told by name, and nothing of it leaves.
func TestARandomThatNobodyDrewIsRefused(t *testing.T) {
	c := handshake.NewClient(handshake.Config{ServerName: serverName})
	c.Start()
	if err := c.Err(); !errors.Is(err, handshake.ErrInternal) || !strings.Contains(err.Error(), "Config.Random is zero") || c.Next() != nil {
		t.Errorf("a client: %v", err)
	}
	cfg, _ := theAuthority().serverConfig(t, "ecdsa256")
	cfg.Random = [32]byte{}
	s := handshake.NewServer(cfg)
	whole := handshake.NewClient(handshake.Config{Random: [32]byte{1}, ServerName: serverName})
	whole.Start()
	s.Receive(whole.Next())
	if err := s.Err(); !errors.Is(err, handshake.ErrInternal) || !strings.Contains(err.Error(), "ServerConfig.Random is zero") || s.Stage() != handshake.StageNew {
		t.Errorf("a server: %v", err)
	}
}
