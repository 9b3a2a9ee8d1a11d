// Kinds of cipher suites, told by their names.

package policy

import (
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
)

// A suiteName is a suite's name in its parts.
type suiteName struct {
	whole    string
	exchange string // "ECDHE_RSA"; empty in TLS 1.3
	cipher   string // "AES_128_GCM_SHA256", with the hash
	tls13    bool
	known    bool // it is a name, and not a number
}

// splitSuite takes a suite's name apart.
func splitSuite(name string) suiteName {
	s := suiteName{whole: name}
	if rest, ok := strings.CutPrefix(name, "SSL_CK_"); ok { // SSL 2.0 has RSA alone
		s.exchange, s.cipher, s.known = "RSA", rest, true
		return s
	}
	rest, ok := strings.CutPrefix(name, "TLS_")
	if !ok {
		return s
	}
	s.known = true
	if s.exchange, s.cipher, ok = strings.Cut(rest, "_WITH_"); !ok {
		s.exchange, s.cipher, s.tls13 = "", rest, true
	}
	return s
}

// A suiteKind is a property that a suite may have.
type suiteKind struct {
	name string
	says string // "with RC4", as it stands after "cipher suites"
	is   func(s suiteName) bool
}

// cbcWithoutETM is the one kind that depends on more than the name.
const cbcWithoutETM = "cbc_without_encrypt_then_mac"

// suiteKinds are all kinds that a policy can speak of.
var suiteKinds = []suiteKind{
	{"no_encryption", "without encryption (NULL)", isNull},
	{"anonymous", "without authentication", func(s suiteName) bool { return strings.Contains(s.exchange, "anon") }},
	{"export", "of export grade", func(s suiteName) bool { return strings.Contains(s.whole, "EXPORT") }},
	{"below_112_bits", "of less than 112 bits", isBelow112},
	{"below_128_bits", "of less than 128 bits", func(s suiteName) bool { return isBelow112(s) || s.has("3DES", "DES_192_EDE3") }},
	{"block_64_bits", "with blocks of 64 bits (Sweet32)", func(s suiteName) bool { return s.has("DES", "IDEA", "RC2", "28147", "MAGMA") }},
	{"rc4", "with RC4", func(s suiteName) bool { return s.has("RC4") }},
	{"rc2", "with RC2", func(s suiteName) bool { return s.has("RC2") }},
	{"des", "with DES", isDES},
	{"3des", "with 3DES", func(s suiteName) bool { return s.has("3DES", "DES_192_EDE3") }},
	{"idea", "with IDEA", func(s suiteName) bool { return s.has("IDEA") }},
	{"seed", "with SEED", func(s suiteName) bool { return s.has("SEED") }},
	{"camellia", "with Camellia", func(s suiteName) bool { return s.has("CAMELLIA") }},
	{"aria", "with ARIA", func(s suiteName) bool { return s.has("ARIA") }},
	{"cbc", "in CBC mode", isCBC},
	{cbcWithoutETM, "in CBC mode without encrypt_then_mac", isCBC},
	{"no_aead", "without authenticated encryption (AEAD)", func(s suiteName) bool { return !isAEAD(s) }},
	{"ccm_8", "with a tag of 8 bytes (CCM_8)", func(s suiteName) bool { return s.has("CCM_8") }},
	{"md5", "with MD5", func(s suiteName) bool { return strings.HasSuffix(s.cipher, "MD5") }},
	{"sha1", "with HMAC-SHA-1", func(s suiteName) bool { return strings.HasSuffix(s.cipher, "_SHA") }},
	{"static_rsa", "with RSA key exchange", func(s suiteName) bool { return s.exchange == "RSA" || strings.HasPrefix(s.exchange, "RSA_") }},
	{"static_dh", "with a static or anonymous DH key", func(s suiteName) bool { return strings.HasPrefix(s.exchange, "DH_") }},
	{"static_ecdh", "with a static ECDH key", func(s suiteName) bool { return strings.HasPrefix(s.exchange, "ECDH_") && s.exchange != "ECDH_anon" }},
	{"dhe", "with finite-field DHE", isDHE},
	{"no_forward_secrecy", "without forward secrecy", hasNoForwardSecrecy},
	{"psk", "with a pre-shared key", func(s suiteName) bool { return strings.Contains(s.exchange, "PSK") }},
	{"dss", "with a DSA certificate", func(s suiteName) bool { return strings.Contains(s.exchange, "DSS") }},
	{"kerberos", "with Kerberos", func(s suiteName) bool { return strings.Contains(s.exchange, "KRB5") }},
	{"discouraged", `that IANA's registry marks "D"`, isDiscouraged},
}

// has reports whether the cipher contains one of these.
func (s suiteName) has(parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(s.cipher, p) {
			return true
		}
	}
	return false
}

// isNull includes TLS 1.3's suites of integrity alone (RFC 9150).
func isNull(s suiteName) bool { return s.has("NULL") || s.tls13 && strings.HasPrefix(s.cipher, "SHA") }

func isDES(s suiteName) bool {
	return s.has("DES") && !s.has("3DES", "DES_192_EDE3")
}

func isBelow112(s suiteName) bool {
	return isNull(s) || isDES(s) || s.has("_40_", "RC4_64") || strings.Contains(s.whole, "EXPORT")
}

// isCBC includes SSL 2.0's.
func isCBC(s suiteName) bool { return s.has("_CBC") }

func isAEAD(s suiteName) bool {
	return s.tls13 || s.has("GCM", "CCM", "POLY1305", "OCB", "MGM", "AEGIS")
}

func isDHE(s suiteName) bool {
	return strings.HasPrefix(s.exchange, "DHE_") || strings.HasPrefix(s.exchange, "PSK_DHE")
}

func hasNoForwardSecrecy(s suiteName) bool {
	return !s.tls13 && !isDHE(s) && !strings.HasPrefix(s.exchange, "ECDHE") && !strings.Contains(s.exchange, "anon") &&
		!strings.HasPrefix(s.exchange, "ECCPWD")
}

func isDiscouraged(s suiteName) bool {
	v, err := tlsmsg.ParseCipherSuite(s.whole)
	return err == nil && v.Recommended() == tlsmsg.Discouraged
}

// suiteKindNames are the words of kinds.
func suiteKindNames() (list []string) {
	for _, k := range suiteKinds {
		list = append(list, k.name)
	}
	return list
}

func suiteKindOf(name string) suiteKind {
	for _, k := range suiteKinds {
		if k.name == name {
			return k
		}
	}
	return suiteKind{is: func(suiteName) bool { return false }}
}

// parseSuite is a suite's name as reports spell it. SSL 2.0's are in no registry.
func parseSuite(s string) (string, error) {
	if strings.HasPrefix(s, "SSL_CK_") {
		return s, nil
	}
	v, err := tlsmsg.ParseCipherSuite(s)
	if err != nil {
		return "", err
	}
	return v.String(), nil
}
