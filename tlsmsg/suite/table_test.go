package suite

import (
	"regexp"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

var shapes = regexp.MustCompile(`^TLS_(RSA|DHE_RSA|ECDHE_RSA|ECDHE_ECDSA)_WITH_` +
	`(AES_(?:128|256)_GCM|AES_(?:128|256)_CBC|CHACHA20_POLY1305|3DES_EDE_CBC|RC4_128|NULL)_(MD5|SHA|SHA256|SHA384)$`)

// Every suite that IANA has registered of the shapes that this package knows is
// a row, and each row is what its name says.
func TestEveryRegisteredSuiteOfTheKnownShapesIsARow(t *testing.T) {
	rows := 0
	for n := range 1 << 16 {
		id := tlsmsg.CipherSuite(n)
		s := Lookup(id)
		parts := shapes.FindStringSubmatch(id.String())
		if (s != nil) != (parts != nil) {
			t.Errorf("%v: a row %v, of a known shape %v", id, s != nil, parts != nil)
		}
		if s == nil || parts == nil {
			continue
		}
		rows++
		exchange, cipher, hash := parts[1], parts[2], parts[3]
		if want := strings.TrimSuffix(strings.TrimSuffix(exchange, "_RSA"), "_ECDSA"); s.KeyExchange.String() != want {
			t.Errorf("%v: key exchange %v", id, s.KeyExchange)
		}
		if s.KeyExchange != id.KeyExchange() {
			t.Errorf("%v: its messages have the form of %v", id, id.KeyExchange())
		}
		if (s.Authentication == AuthECDSA) != strings.HasSuffix(exchange, "ECDSA") {
			t.Errorf("%v: authentication %v", id, s.Authentication)
		}
		keyLen := map[string]int{"AES_128_GCM": 16, "AES_128_CBC": 16, "AES_256_GCM": 32, "AES_256_CBC": 32,
			"CHACHA20_POLY1305": 32, "3DES_EDE_CBC": 24, "RC4_128": 16, "NULL": 0}[cipher]
		macLen := map[string]int{"MD5": 16, "SHA": 20, "SHA256": 32, "SHA384": 48}[hash]
		aead := strings.HasSuffix(cipher, "GCM") || cipher == "CHACHA20_POLY1305"
		if aead {
			macLen = 0
		}
		if s.KeyLen != keyLen || s.MACKeyLen != macLen || s.CBC() != strings.HasSuffix(cipher, "CBC") {
			t.Errorf("%v: key %d, MAC key %d, CBC %v", id, s.KeyLen, s.MACKeyLen, s.CBC())
		}
		if (s.Hash == SHA384) != (hash == "SHA384") || (s.Hash == SHA256) == (hash == "SHA384") {
			t.Errorf("%v: hash %v of the PRF", id, s.Hash)
		}
		if weak := cipher == "3DES_EDE_CBC" || cipher == "RC4_128" || cipher == "NULL"; s.Legacy() != weak {
			t.Errorf("%v: legacy %v", id, s.Legacy())
		}
		old := strings.HasPrefix(hash, "SHA") && len(hash) > 3 || aead
		for v := tlsmsg.VersionSSL30; v <= tlsmsg.VersionTLS13; v++ {
			want := v == tlsmsg.VersionTLS12 || !old && (v == tlsmsg.VersionTLS10 || v == tlsmsg.VersionTLS11)
			got := s.For(v)
			if (got != nil) != want {
				t.Errorf("%v in %v: %v", id, v, got != nil)
			}
			if got != nil && (got.Version != v || (got.Hash == MD5SHA1) != (v < tlsmsg.VersionTLS12)) {
				t.Errorf("%v in %v: %+v", id, v, got)
			}
		}
	}
	if rows != len(suites) || rows != len(IDs())+len(LegacyIDs()) {
		t.Errorf("%d rows of %d were seen", rows, len(suites))
	}
}
