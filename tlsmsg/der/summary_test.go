package der_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg/der"
)

// patch changes bytes of a certificate in place, each exactly once.
func patch(t *testing.T, cert []byte, from, to string) []byte {
	t.Helper()
	if len(from) != len(to) || bytes.Count(cert, []byte(from)) < 1 {
		t.Fatalf("%q does not stand in the certificate", from)
	}
	return bytes.Replace(cert, []byte(from), []byte(to), 1)
}

// What one part of a certificate has wrong does not hide the others.
func TestASummaryTellsWhatCanBeRead(t *testing.T) {
	plain := certificate(t)
	good := der.Summarize(plain)
	if good.CommonName != "gräf.lab.test" || good.Subject != "CN=gräf.lab.test,O=rawshake lab,C=DE" || good.Issuer != good.Subject ||
		good.Serial != "4d" || !good.NotBefore.Equal(time.Unix(1e9, 0)) || good.NotAfter.Year() != 2051 ||
		!slices.Equal(good.DNSNames, []string{"a.lab.test", "b.lab.test"}) || !slices.Equal(good.IPAddresses, []string{"198.18.0.1"}) {
		t.Fatalf("%+v", good)
	}
	for _, tc := range []struct {
		name, from, to string
		check          func(*der.Summary) bool
	}{
		{"negative serial", "\x02\x01\x4d", "\x02\x01\xb3", func(s *der.Summary) bool { return s.Serial == "-4d" }},
		{"Latin-1", "rawshake lab", "rawsh\xe4ke lab", func(s *der.Summary) bool { return s.Issuer == "CN=gräf.lab.test,O=rawshäke lab,C=DE" }},
		{"time of another form", "20510101000000Z", "205101010000.0Z", func(s *der.Summary) bool { return s.NotAfter.IsZero() && s.NotAfter.Text == "205101010000.0Z" }},
		{"no such day", "20510101000000Z", "20510230000000Z", func(s *der.Summary) bool { return s.NotAfter.IsZero() && s.NotAfter.Text == "20510230000000Z" }},
	} {
		s := der.Summarize(patch(t, plain, tc.from, tc.to))
		if !tc.check(&s) {
			t.Errorf("%s: %+v", tc.name, s)
		}
		if s.Serial == "" || s.CommonName == "" || s.Subject == "" || s.NotBefore.IsZero() || len(s.DNSNames) != 2 || len(s.IPAddresses) != 1 {
			t.Errorf("%s: the rest is gone: %+v", tc.name, s)
		}
	}
}

func TestASummaryOfAnythingIsOne(t *testing.T) {
	plain := certificate(t)
	for n := range plain {
		der.Summarize(plain[:n])
		der.Summarize(append(bytes.Clone(plain[:n]), bytes.Repeat([]byte{0x30}, len(plain)-n)...))
	}
}
