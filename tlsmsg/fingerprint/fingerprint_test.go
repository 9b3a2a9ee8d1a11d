package fingerprint_test

import (
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/fingerprint"
)

// hello has an extension of each number, empty but for those that are given.
func hello(suites []tlsmsg.CipherSuite, types []tlsmsg.ExtensionType, data ...tlsmsg.ExtensionData) *tlsmsg.ClientHello {
	m := &tlsmsg.ClientHello{Version: tlsmsg.VersionTLS12, CipherSuites: suites}
	for _, t := range types {
		x := tlsmsg.Extension{Type: t}
		for _, d := range data {
			if d.ExtensionType() == t {
				x = tlsmsg.NewExtension(d, tlsmsg.TypeClientHello)
			}
		}
		m.Extensions = append(m.Extensions, x)
	}
	return m
}

// The published example of a browser, in the order in which it shuffled its
// extensions, with GREASE among its numbers.
func TestJA4OfABrowserIsThePublishedOne(t *testing.T) {
	suites := []tlsmsg.CipherSuite{0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035}
	types := []tlsmsg.ExtensionType{0xcaca, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015}
	m := hello(suites, types,
		&tlsmsg.SupportedVersions{Versions: []tlsmsg.Version{0x6a6a, tlsmsg.VersionTLS13, tlsmsg.VersionTLS12}},
		&tlsmsg.ALPN{Protocols: []string{"h2", "http/1.1"}},
		&tlsmsg.SignatureAlgorithms{Schemes: []tlsmsg.SignatureScheme{0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601}})
	got, raw := fingerprint.JA4(m)
	if got != "t13d1516h2_8daaf6152771_e5627efa2ab1" {
		t.Errorf("%s: %s", got, raw)
	}
	if want := "t13d1516h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_" +
		"0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01_0403,0804,0401,0503,0805,0501,0806,0601"; raw != want {
		t.Errorf("%s, want %s", raw, want)
	}
}

func TestJA4OfRareHellos(t *testing.T) {
	for name, tc := range map[string]struct {
		hello *tlsmsg.ClientHello
		want  string
	}{
		"nothing at all":             {&tlsmsg.ClientHello{Version: tlsmsg.VersionTLS10}, "t10i000000_000000000000_000000000000"},
		"SSL 3.0":                    {&tlsmsg.ClientHello{Version: 0x0300}, "ts3i000000_000000000000_000000000000"},
		"a version that nobody has":  {&tlsmsg.ClientHello{Version: 0x0399}, "t00i000000_000000000000_000000000000"},
		"a protocol that is no text": {hello(nil, []tlsmsg.ExtensionType{16}, &tlsmsg.ALPN{Protocols: []string{"\xab\xcd"}}), "t12i0001ad_000000000000_000000000000"},
		"a protocol of one letter":   {hello(nil, []tlsmsg.ExtensionType{16}, &tlsmsg.ALPN{Protocols: []string{"h"}}), "t12i0001hh_000000000000_000000000000"},
		"a server's name alone":      {hello(nil, []tlsmsg.ExtensionType{0}, &tlsmsg.ServerName{}), "t12d000100_000000000000_000000000000"},
	} {
		if got, raw := fingerprint.JA4(tc.hello); got != tc.want {
			t.Errorf("%s: %s (%s), want %s", name, got, raw, tc.want)
		}
	}
}

// The two published examples of JA3's authors. Whether JA3S is right, tshark
// judges (internal/test/interop).
func TestJA3IsThePublishedOne(t *testing.T) {
	m := hello([]tlsmsg.CipherSuite{47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4}, []tlsmsg.ExtensionType{0, 10, 11},
		&tlsmsg.SupportedGroups{Groups: []tlsmsg.NamedGroup{23, 24, 25}}, &tlsmsg.ECPointFormats{Formats: []tlsmsg.ECPointFormat{0}})
	m.Version = tlsmsg.VersionTLS10
	if got, text := fingerprint.JA3(m); got != "ada70206e40642a3e4461f35503241d5" || text != "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0" {
		t.Errorf("%s: %s", got, text)
	}
	m = &tlsmsg.ClientHello{Version: tlsmsg.VersionTLS10, CipherSuites: []tlsmsg.CipherSuite{4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99}}
	if got, text := fingerprint.JA3(m); got != "de350869b8c85de67a350c8d186f11e6" {
		t.Errorf("%s: %s", got, text)
	}
	s := &tlsmsg.ServerHello{Version: tlsmsg.VersionTLS10, CipherSuite: 47, Extensions: []tlsmsg.Extension{{Type: 65281}, {Type: 0}, {Type: 11}}}
	if got, text := fingerprint.JA3S(s); text != "769,47,65281-0-11" {
		t.Errorf("%s: %s", got, text)
	}
}
