package dictionary_test

import (
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/view/dictionary"
	"github.com/rawshake/rawshake/tlsmsg"
)

// Every value that a registry here has a name for, and that a reader may meet, is
// explained.
func TestEveryNamedValueIsExplained(t *testing.T) {
	d := dictionary.English()
	want := func(key, name string) {
		t.Helper()
		if e, ok := d.Value(key, name, ""); !ok || e.Source == "" || !strings.HasSuffix(e.Text, ".") {
			t.Errorf("%s = %s: %+v", key, name, e)
		}
	}
	for i := range 256 {
		if s := tlsmsg.AlertDescription(i).String(); !strings.ContainsAny(s, " 0123456789") {
			want("Alert.description", s)
		}
		if s := tlsmsg.AlertLevel(i).String(); !strings.ContainsAny(s, " 0123456789") {
			want("Alert.level", s)
		}
	}
	for i := range 1 << 16 {
		if s := tlsmsg.CipherSuite(i).String(); strings.HasPrefix(s, "TLS_") || strings.HasPrefix(s, "GREASE") {
			want("ClientHello.cipher_suites.cipher_suite", s)
			want("ServerHello.cipher_suite", s)
		}
	}
	for _, v := range []tlsmsg.Version{0x0002, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304} {
		want("ServerHello.server_version", v.String())
	}
}

func TestASuiteIsToldByItsParts(t *testing.T) {
	for name, parts := range map[string][]string{
		"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256":   {"ECDHE", "ECDSA", "AES", "128", "GCM", "SHA-256"},
		"TLS_RSA_WITH_3DES_EDE_CBC_SHA":             {"RSA", "whoever finds that key later", "Triple DES", "CBC", "SHA-1"},
		"TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256": {"DHE", "RSA", "ChaCha20", "SHA-256"},
		"TLS_AES_256_GCM_SHA384":                    {"TLS 1.3", "AES", "256", "GCM", "SHA-384"},
		"TLS_DH_anon_EXPORT_WITH_RC4_40_MD5":        {"Nobody proves", "weak on purpose", "RC4"},
	} {
		e, _ := dictionary.English().Value("ServerHello.cipher_suite", name, "")
		for _, part := range parts {
			if !strings.Contains(e.Text, part) {
				t.Errorf("%s: %q does not tell %s", name, e.Text, part)
			}
		}
	}
}

func TestSeveralNamesAreToldOneByOne(t *testing.T) {
	e, _ := dictionary.English().Value("x509.keyUsage.bits.flags", "keyCertSign, cRLSign", "")
	if !strings.Contains(e.Text, "keyCertSign:") || !strings.Contains(e.Text, "cRLSign:") {
		t.Errorf("%+v", e)
	}
	if e, ok := dictionary.English().Value("TCP.window", "", "6"); ok {
		t.Errorf("a window of 6: %+v", e)
	}
}
