// JA4.

package fingerprint

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/tlsmsg"
)

// JA4 returns a ClientHello's fingerprint, as in t13d1516h2_8daaf6152771_e5627efa2ab1:
// how it is transported (t: TCP), the version, whether a server is named (d) or
// not (i), how many cipher suites and extensions there are, the first protocol
// of ALPN; then hashes of the sorted cipher suites, and of the sorted extensions
// with the signature algorithms. raw has the numbers in place of the hashes.
func JA4(m *tlsmsg.ClientHello) (fingerprint, raw string) {
	suites := hexadecimal(m.CipherSuites)
	all := hexadecimal(types(m.Extensions))
	head := fmt.Sprintf("t%s%c%02d%02d%s", version(m), named(m), min(len(suites), 99), min(len(all), 99), protocol(m))
	slices.Sort(suites)
	extensions := slices.DeleteFunc(all, func(x string) bool { return x == "0000" || x == "0010" })
	slices.Sort(extensions)
	first, second := strings.Join(suites, ","), strings.Join(extensions, ",")
	var schemes tlsmsg.SignatureAlgorithms
	if find(m.Extensions, &schemes, m.Type()) && len(schemes.Schemes) > 0 {
		second += "_" + strings.Join(hexadecimal(schemes.Schemes), ",")
	}
	if len(all) == 0 {
		second = ""
	}
	return head + "_" + short(first) + "_" + short(second), head + "_" + first + "_" + second
}

// short is the first half of a hash's first half, or zeros where there is
// nothing.
func short(s string) string {
	if s == "" {
		return "000000000000"
	}
	digest := sha256.Sum256([]byte(s))
	return hex.EncodeToString(digest[:6])
}

func hexadecimal[T ~uint16](numbers []T) (list []string) {
	for _, n := range numbers {
		if !grease(uint16(n)) {
			list = append(list, fmt.Sprintf("%04x", uint16(n)))
		}
	}
	return list
}

var versionNames = map[tlsmsg.Version]string{0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}

// version is the highest that is offered.
func version(m *tlsmsg.ClientHello) string {
	highest := m.Version
	var v tlsmsg.SupportedVersions
	if find(m.Extensions, &v, m.Type()) {
		highest = 0
		for _, x := range v.Versions {
			if !grease(uint16(x)) {
				highest = max(highest, x)
			}
		}
	}
	if name, ok := versionNames[highest]; ok {
		return name
	}
	return "00"
}

func named(m *tlsmsg.ClientHello) byte {
	if tlsmsg.FindExtension(m.Extensions, tlsmsg.ExtensionServerName) >= 0 {
		return 'd'
	}
	return 'i'
}

// protocol is the first and the last character of ALPN's first, or of that in
// hexadecimal if they are no letters or digits.
func protocol(m *tlsmsg.ClientHello) string {
	var alpn tlsmsg.ALPN
	if !find(m.Extensions, &alpn, m.Type()) || len(alpn.Protocols) == 0 || alpn.Protocols[0] == "" {
		return "00"
	}
	p := alpn.Protocols[0]
	if !alphanumeric(p[0]) || !alphanumeric(p[len(p)-1]) {
		p = hex.EncodeToString([]byte(p))
	}
	return p[:1] + p[len(p)-1:]
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
