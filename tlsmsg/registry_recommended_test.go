package tlsmsg_test

import (
	"crypto/tls"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

// What is recommended agrees on keys that nobody gets later, and encrypts and
// protects by one stroke (RFC 8447, section 8).
func TestRecommendedSuitesHaveForwardSecrecyAndAEADs(t *testing.T) {
	yes := 0
	for v := range 1 << 16 {
		s := tlsmsg.CipherSuite(v)
		name := s.String()
		if s.Recommended() != tlsmsg.Recommended {
			continue
		}
		yes++
		_, cipher, old := strings.Cut(name, "_WITH_")
		if old && !strings.Contains(name, "DHE_") || !strings.Contains(name, "GCM") && !strings.Contains(name, "CCM") && !strings.Contains(cipher+name, "POLY1305") {
			t.Errorf("%s is recommended", name)
		}
	}
	if yes != 24 {
		t.Errorf("%d suites are recommended", yes)
	}
	for _, s := range tls.InsecureCipherSuites() {
		if got := tlsmsg.CipherSuite(s.ID).Recommended(); got == tlsmsg.Recommended {
			t.Errorf("%s is recommended, and in Go insecure", s.Name)
		}
	}
}

// RFC 9847, section 5, says which kinds its list is made of.
func TestDiscouragedSuitesAreOfTheKindsThatRFC9847Names(t *testing.T) {
	no := 0
	for v := range 1 << 16 {
		s := tlsmsg.CipherSuite(v)
		if s.Recommended() != tlsmsg.Discouraged {
			continue
		}
		no++
		weak := false
		for _, part := range []string{"NULL", "EXPORT", "RC4", "_DES_", "IDEA", "TLS_SHA256_SHA256", "TLS_SHA384_SHA384"} {
			weak = weak || strings.Contains(s.String(), part)
		}
		if !weak {
			t.Errorf("%s is discouraged", s)
		}
	}
	if no != 26 {
		t.Errorf("%d suites are discouraged", no)
	}
}

func TestTheRecommendedColumnIsAsTheRegistriesHaveIt(t *testing.T) {
	for _, tc := range []struct {
		v interface {
			Recommended() tlsmsg.Recommendation
		}
		want string
	}{
		{tlsmsg.TLS_AES_128_CCM_SHA256, "Y"}, {tlsmsg.TLS_AES_128_CCM_8_SHA256, "N"},
		{tlsmsg.TLS_RSA_WITH_AES_128_GCM_SHA256, "N"}, {tlsmsg.TLS_ECDHE_RSA_WITH_RC4_128_SHA, "D"},
		{tlsmsg.CipherSuite(0x0A0A), ""}, {tlsmsg.CipherSuite(0xFFAB), ""},
		{tlsmsg.GroupX25519, "Y"}, {tlsmsg.GroupSecp521r1, "N"}, {tlsmsg.GroupFFDHE2048, "N"}, {tlsmsg.NamedGroup(21), "D"},
		{tlsmsg.GroupX25519MLKEM768, "Y"}, {tlsmsg.GroupSecP256r1MLKEM768, "N"},
		{tlsmsg.SchemeRSAPKCS1SHA1, "N"}, {tlsmsg.SchemeEd25519, "Y"}, {tlsmsg.SchemeRSAPKCS1SHA256, "N"}, {tlsmsg.SchemeECDSASecp521r1SHA512, "N"}, {tlsmsg.SchemeMLDSA65, "N"}, {tlsmsg.SignatureScheme(0x0402), ""},
		{tlsmsg.ExtensionServerName, "Y"}, {tlsmsg.ExtensionSCT, "N"}, {tlsmsg.ExtensionType(4), "D"}, {tlsmsg.ExtensionType(40), "D"},
		{tlsmsg.ExtensionType(12345), ""}, {tlsmsg.PSKModeDHEKE, "Y"}, {tlsmsg.PSKModeKE, "Y"}, {tlsmsg.PSKKeyExchangeMode(9), ""},
	} {
		if got := tc.v.Recommended().String(); got != tc.want {
			t.Errorf("%v: %q, want %q", tc.v, got, tc.want)
		}
	}
	// The table of RFC 9846, section 4.3, holds recommended ones alone.
	for line := range strings.Lines(strings.TrimSpace(rfc9846Places)) {
		name, _, _ := strings.Cut(line, " ")
		typ, err := tlsmsg.ParseExtensionType(name)
		must(t, err)
		if typ.Recommended() != tlsmsg.Recommended {
			t.Errorf("%s is %q", name, typ.Recommended())
		}
	}
}
