package tlsmsg_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

func TestNumbersAreNamedAsTheirRegistriesSpellThem(t *testing.T) {
	for _, tc := range []struct {
		v    fmt.Stringer
		want string
	}{
		{tlsmsg.TypeClientHello, "client_hello"},
		{tlsmsg.TypeServerHelloDone, "server_hello_done"},
		{tlsmsg.HandshakeType(200), "200"},
		{tlsmsg.ContentChangeCipherSpec, "change_cipher_spec"},
		{tlsmsg.ContentType(99), "99"},
		{tlsmsg.VersionTLS12, "TLS 1.2"},
		{tlsmsg.Version(0x0305), "0x0305"},
		{tlsmsg.Version(0x7F1C), "TLS 1.3 draft 28"},
		{tlsmsg.Version(0x8A8A), "GREASE (0x8A8A)"},
		{tlsmsg.CipherSuite(0xC02B), "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
		{tlsmsg.CipherSuite(0x1306), "TLS_AEGIS_256_SHA512"},
		{tlsmsg.CipherSuite(0xFFAB), "0xFFAB"},
		{tlsmsg.CipherSuite(0x0A0A), "GREASE (0x0A0A)"},
		{tlsmsg.CipherSuite(0x0A1A), "0x0A1A"},
		{tlsmsg.ExtensionALPN, "application_layer_protocol_negotiation"},
		{tlsmsg.ExtensionType(12345), "12345"},
		{tlsmsg.ExtensionType(0xFAFA), "GREASE (0xFAFA)"},
		{tlsmsg.GroupSecp256r1, "secp256r1"},
		{tlsmsg.GroupFFDHE2048, "ffdhe2048"},
		{tlsmsg.NamedGroup(0x11EC), "X25519MLKEM768"},
		{tlsmsg.NamedGroup(999), "999"},
		{tlsmsg.NamedGroup(0x2A2A), "GREASE (0x2A2A)"},
		{tlsmsg.SchemeRSAPKCS1SHA256, "rsa_pkcs1_sha256"},
		{tlsmsg.SchemeECDSASecp256r1SHA256, "ecdsa_secp256r1_sha256"},
		{tlsmsg.SchemeRSAPSSRSAESHA256, "rsa_pss_rsae_sha256"},
		{tlsmsg.SchemeEd25519, "ed25519"},
		{tlsmsg.SignatureScheme(0x0402), "dsa_sha256"},
		{tlsmsg.SignatureScheme(0x0101), "rsa_pkcs1_md5"},
		{tlsmsg.SignatureScheme(0x0303), "ecdsa_sha224"},
		{tlsmsg.SignatureScheme(0x4444), "0x4444"},
		{tlsmsg.SignatureScheme(0x1A1A), "GREASE (0x1A1A)"},
		{tlsmsg.PointUncompressed, "uncompressed"},
		{tlsmsg.CurveNamed, "named_curve"},
		{tlsmsg.CertificateTypeECDSASign, "ecdsa_sign"},
		{tlsmsg.LevelFatal, "fatal"},
		{tlsmsg.AlertHandshakeFailure, "handshake_failure"},
		{tlsmsg.AlertDescription(255), "255"},
		{tlsmsg.CompressionNull, "null"},
		{tlsmsg.PSKModeDHEKE, "psk_dhe_ke"},
		{tlsmsg.PSKKeyExchangeMode(0x2A), "GREASE (42)"},
		{tlsmsg.PSKKeyExchangeMode(7), "7"},
		{tlsmsg.KeyExchangeECDHE, "ECDHE"},
	} {
		if got := tc.v.String(); got != tc.want {
			t.Errorf("%T: %q, want %q", tc.v, got, tc.want)
		}
	}
}

func TestHeadingsAreThoseOfRFC5246(t *testing.T) {
	for got, want := range map[string]string{
		tlsmsg.TypeServerKeyExchange.Heading():   "ServerKeyExchange",
		tlsmsg.HandshakeType(99).Heading():       "HandshakeType 99",
		tlsmsg.ContentChangeCipherSpec.Heading(): "ChangeCipherSpec",
		tlsmsg.ContentType(99).Heading():         "ContentType 99",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestNamesPeopleUseAreFound(t *testing.T) {
	for name, want := range map[string]tlsmsg.CipherSuite{
		"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": 0xC02B,
		"tls_ecdhe_ecdsa_with_aes_128_gcm_sha256": 0xC02B,
		"ECDHE-ECDSA-AES128-GCM-SHA256":           0xC02B,
		"ECDHE-RSA-CHACHA20-POLY1305":             0xCCA8,
		"DES-CBC3-SHA":                            0x000A,
		"EDH-RSA-DES-CBC3-SHA":                    0x0016,
		"0xC02B":                                  0xC02B,
		"0xc0,0x2b":                               0xC02B,
		"0xFFAB":                                  0xFFAB,
		"47":                                      0x002F,
	} {
		if got, err := tlsmsg.ParseCipherSuite(name); err != nil || got != want {
			t.Errorf("suite %s: %s, %v; want %s", name, got, err, want)
		}
	}
	for name, want := range map[string]tlsmsg.NamedGroup{
		"secp256r1": 23, "P-256": 23, "p-256": 23, "prime256v1": 23, "X25519": 29, "x25519": 29,
		"P-384": 24, "ffdhe2048": 256, "brainpoolP256r1": 26, "29": 29, "0x001D": 29,
	} {
		if got, err := tlsmsg.ParseNamedGroup(name); err != nil || got != want {
			t.Errorf("group %s: %s, %v; want %s", name, got, err, want)
		}
	}
	for name, want := range map[string]tlsmsg.Version{
		"TLS 1.2": 0x0303, "TLSv1.2": 0x0303, "tls1_2": 0x0303, "1.2": 0x0303, "0x0303": 0x0303, "TLS1.3": 0x0304, "SSLv3": 0x0300,
	} {
		if got, err := tlsmsg.ParseVersion(name); err != nil || got != want {
			t.Errorf("version %s: %s, %v; want %s", name, got, err, want)
		}
	}
	for name, want := range map[string]tlsmsg.HandshakeType{"server_hello": 2, "ServerHello": 2, "20": 20} {
		if got, err := tlsmsg.ParseHandshakeType(name); err != nil || got != want {
			t.Errorf("message %s: %s, %v; want %s", name, got, err, want)
		}
	}
	if got, err := tlsmsg.ParseSignatureScheme("RSA-PSS+SHA256"); err != nil || got != tlsmsg.SchemeRSAPSSRSAESHA256 {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := tlsmsg.ParseExtensionType("ALPN"); err != nil || got != tlsmsg.ExtensionALPN {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := tlsmsg.ParseAlertDescription("handshake_failure"); err != nil || got != tlsmsg.AlertHandshakeFailure {
		t.Errorf("%s, %v", got, err)
	}
}

func TestListsAreSeparatedAsCurlAndOpenSSLDo(t *testing.T) {
	got, err := tlsmsg.ParseCipherSuites("ECDHE-RSA-AES128-GCM-SHA256:0xC02B, TLS_RSA_WITH_AES_128_CBC_SHA")
	if err != nil || fmt.Sprint(got) != "[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 TLS_RSA_WITH_AES_128_CBC_SHA]" {
		t.Errorf("%v, %v", got, err)
	}
	groups, err := tlsmsg.ParseNamedGroups("X25519:P-256")
	if err != nil || fmt.Sprint(groups) != "[x25519 secp256r1]" {
		t.Errorf("%v, %v", groups, err)
	}
	if _, err := tlsmsg.ParseSignatureSchemes(" , "); err == nil || err.Error() != "empty list, expected at least one signature scheme" {
		t.Errorf("%v", err)
	}
}

func TestUnknownNamesAreAnsweredWithNearOnes(t *testing.T) {
	for name, want := range map[string]string{
		"ECDHE-RSA-AES128-GCM-SHA265": `unknown cipher suite "ECDHE-RSA-AES128-GCM-SHA265"; did you mean ECDHE-RSA-AES128-GCM-SHA256, `,
		"TLS_ECDHE_RSA_AES_128_GCM_SHA256": `unknown cipher suite "TLS_ECDHE_RSA_AES_128_GCM_SHA256"; ` +
			`did you mean TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, `,
		"\x1b[31m":                `unknown cipher suite "\x1b[31m"`,
		"0x1C02B":                 `unknown cipher suite "0x1C02B"`,
		"":                        `unknown cipher suite ""`,
		strings.Repeat("A", 1000): `unknown cipher suite "` + strings.Repeat("A", 80) + `"…`,
	} {
		_, err := tlsmsg.ParseCipherSuite(name)
		var unknown *tlsmsg.UnknownNameError
		if !errors.As(err, &unknown) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	_, err := tlsmsg.ParseNamedGroup("x2551")
	if want := `unknown group "x2551"; did you mean x25519, `; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func TestSuitesTellTheirKeyExchange(t *testing.T) {
	for suite, want := range map[tlsmsg.CipherSuite]tlsmsg.KeyExchange{
		tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: tlsmsg.KeyExchangeECDHE,
		tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA:      tlsmsg.KeyExchangeECDHE,
		tlsmsg.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256:     tlsmsg.KeyExchangeDHE,
		0x0013:                                 tlsmsg.KeyExchangeDHE, // DHE_DSS
		tlsmsg.TLS_RSA_WITH_AES_128_GCM_SHA256: tlsmsg.KeyExchangeRSA,
		0x0094:                                 tlsmsg.KeyExchangeUnknown, // RSA_PSK
		0xC035:                                 tlsmsg.KeyExchangeUnknown, // ECDHE_PSK
		0x0034:                                 tlsmsg.KeyExchangeUnknown, // DH_anon
		tlsmsg.TLS_AES_128_GCM_SHA256:          tlsmsg.KeyExchangeUnknown,
		0xFFFF:                                 tlsmsg.KeyExchangeUnknown,
	} {
		if got := suite.KeyExchange(); got != want {
			t.Errorf("%s: %s, want %s", suite, got, want)
		}
	}
}

func TestSuiteNamesAgreeWithGo(t *testing.T) {
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		want := s.Name
		if got := tlsmsg.CipherSuite(s.ID).String(); got != want {
			t.Errorf("0x%04X is %s, in Go %s", s.ID, got, want)
		}
	}
}

func TestSuiteNamesAgreeWithOpenSSL(t *testing.T) {
	out, err := exec.Command("openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0").Output()
	if err != nil {
		missing(t, fmt.Sprintf("no openssl to compare with: %v", err))
	}
	checked := 0
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		f := strings.Fields(s.Text()) // 0xC0,0x2B - TLS_… - ECDHE-…
		number, err := tlsmsg.ParseCipherSuite(f[0])
		must(t, err)
		if got := number.String(); got != f[2] {
			t.Errorf("%s is %s, in OpenSSL %s", f[0], got, f[2])
		}
		if got, err := tlsmsg.ParseCipherSuite(f[4]); err != nil || got != number {
			t.Errorf("%s is %s, %v; in OpenSSL %s", f[4], got, err, f[2])
		}
		checked++
	}
	if checked < 50 {
		t.Errorf("only %d suites compared", checked)
	}
}
