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
	good := der.Describe(plain)
	if good.CommonName() != "gräf.lab.test" || good.Subject.String() != "CN=gräf.lab.test,O=rawshake lab,C=DE" || good.Issuer.String() != good.Subject.String() ||
		good.Serial != "4d" || !good.NotBefore.Equal(time.Unix(1e9, 0)) || good.NotAfter.Year() != 2051 ||
		!slices.Equal(good.Names("dNSName"), []string{"a.lab.test", "b.lab.test"}) || !slices.Equal(good.Names("iPAddress"), []string{"198.18.0.1"}) {
		t.Fatalf("%+v", good)
	}
	for _, tc := range []struct {
		name, from, to string
		check          func(*der.Description) bool
	}{
		{"negative serial", "\x02\x01\x4d", "\x02\x01\xb3", func(s *der.Description) bool { return s.Serial == "-4d" }},
		{"Latin-1", "rawshake lab", "rawsh\xe4ke lab", func(s *der.Description) bool { return s.Issuer.String() == "CN=gräf.lab.test,O=rawshäke lab,C=DE" }},
		{"time of another form", "20510101000000Z", "20510101.00000Z", func(s *der.Description) bool { return s.NotAfter.IsZero() && s.NotAfter.Text == "20510101.00000Z" }},
		{"no such day", "20510101000000Z", "20510230000000Z", func(s *der.Description) bool { return s.NotAfter.IsZero() && s.NotAfter.Text == "20510230000000Z" }},
	} {
		s := der.Describe(patch(t, plain, tc.from, tc.to))
		if !tc.check(s) {
			t.Errorf("%s: %+v", tc.name, s)
		}
		if s.Serial == "" || s.CommonName() == "" || len(s.Subject) == 0 || s.NotBefore.IsZero() || len(s.Names("dNSName")) != 2 || len(s.Names("iPAddress")) != 1 {
			t.Errorf("%s: the rest is gone: %+v", tc.name, s)
		}
	}
}

func TestASummaryOfAnythingIsOne(t *testing.T) {
	plain := certificate(t)
	for n := range plain {
		der.Describe(plain[:n])
		der.Describe(append(bytes.Clone(plain[:n]), bytes.Repeat([]byte{0x30}, len(plain)-n)...))
	}
}
