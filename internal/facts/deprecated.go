// What was agreed on and should not be any more, with the RFC that says so.

package facts

import (
	"strconv"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
)

// A Deprecation is a choice that an RFC advises against.
type Deprecation struct {
	What   string // version, key_exchange, cipher, signature_scheme, dh_bits
	Value  string
	Source string
}

// minDH is the least size of a Diffie-Hellman prime (RFC 9325, section 4.5).
const minDH = 2048

// Deprecated lists what is out of date in a handshake: its version, cipher
// suite, the scheme of the server's signature (0: none), and the size of its
// Diffie-Hellman prime (0: none).
func Deprecated(v tlsmsg.Version, s tlsmsg.CipherSuite, scheme tlsmsg.SignatureScheme, dhBits int) (list []Deprecation) {
	add := func(what, value, source string) {
		if source != "" {
			list = append(list, Deprecation{what, value, source})
		}
	}
	switch {
	case v <= tlsmsg.VersionSSL30:
		add("version", v.String(), "RFC 7568")
	case v <= tlsmsg.VersionTLS11:
		add("version", v.String(), "RFC 8996")
	}
	if v < tlsmsg.VersionTLS13 {
		exchange, cipher, _ := strings.Cut(strings.TrimPrefix(s.String(), "TLS_"), "_WITH_")
		add("key_exchange", exchange, deprecatedExchange(exchange))
		add("cipher", cipher, deprecatedCipher(cipher))
		if dhBits > 0 && dhBits < minDH {
			add("dh_bits", strconv.Itoa(dhBits), "RFC 9325, section 4.5")
		}
	}
	if scheme == 0 {
		return list
	}
	if name := scheme.String(); strings.Contains(name, "sha1") || strings.Contains(name, "md5") {
		add("signature_scheme", name, "RFC 9155")
	}
	return list
}

// deprecatedExchange is the RFC that advises against a key exchange.
func deprecatedExchange(exchange string) string {
	switch {
	case strings.Contains(exchange, "EXPORT"):
		return "RFC 9325, section 4.1"
	case strings.Contains(exchange, "anon"):
		return "RFC 5246, appendix A.5"
	}
	switch first, _, _ := strings.Cut(exchange, "_"); first {
	case "RSA", "DHE", "DH", "ECDH":
		return "RFC 10015"
	}
	return ""
}

// deprecatedCipher is the RFC that advises against a cipher.
func deprecatedCipher(cipher string) string {
	switch {
	case strings.HasPrefix(cipher, "RC4"):
		return "RFC 7465"
	case strings.HasPrefix(cipher, "NULL"), strings.HasPrefix(cipher, "DES"), strings.HasPrefix(cipher, "3DES"), strings.HasPrefix(cipher, "RC2"), strings.HasPrefix(cipher, "IDEA"):
		return "RFC 9325, section 4.1"
	}
	return ""
}
