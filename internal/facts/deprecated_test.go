package facts

import (
	"slices"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

func TestWhatIsDeprecatedIsNamedWithItsRFC(t *testing.T) {
	for name, tc := range map[string]struct {
		version tlsmsg.Version
		suite   tlsmsg.CipherSuite
		scheme  tlsmsg.SignatureScheme
		bits    int
		want    []string
	}{
		"nothing in 1.2":   {tlsmsg.VersionTLS12, 0xC02B, 0x0403, 0, nil},
		"nothing in 1.3":   {tlsmsg.VersionTLS13, 0x1301, 0x0804, 0, nil},
		"SSL 3.0 and RC4":  {tlsmsg.VersionSSL30, 0x0005, 0, 0, []string{"version SSL 3.0 RFC 7568", "key_exchange RSA RFC 10015", "cipher RC4_128_SHA RFC 7465"}},
		"TLS 1.0":          {tlsmsg.VersionTLS10, 0xC013, 0, 0, []string{"version TLS 1.0 RFC 8996"}},
		"TLS 1.1 and 3DES": {tlsmsg.VersionTLS11, 0xC012, 0, 0, []string{"version TLS 1.1 RFC 8996", "cipher 3DES_EDE_CBC_SHA RFC 9325, section 4.1"}},
		"RSA exchange":     {tlsmsg.VersionTLS12, 0x009C, 0, 0, []string{"key_exchange RSA RFC 10015"}},
		"a short prime":    {tlsmsg.VersionTLS12, 0x009E, 0x0201, 1024, []string{"key_exchange DHE_RSA RFC 10015", "dh_bits 1024 RFC 9325, section 4.5", "signature_scheme rsa_pkcs1_sha1 RFC 9155"}},
		"no certificate":   {tlsmsg.VersionTLS12, 0x0034, 0, 0, []string{"key_exchange DH_anon RFC 5246, appendix A.5"}},
		"ECDH":             {tlsmsg.VersionTLS12, 0xC02D, 0, 0, []string{"key_exchange ECDH_ECDSA RFC 10015"}},
	} {
		var got []string
		for _, d := range Deprecated(tc.version, tc.suite, tc.scheme, tc.bits) {
			got = append(got, d.What+" "+d.Value+" "+d.Source)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
