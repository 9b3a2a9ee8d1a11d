// JA3 and JA3S.

package fingerprint

import (
	"crypto/md5"
	"encoding/hex"
	"strconv"

	"github.com/rawshake/rawshake/tlsmsg"
)

// JA3 returns a ClientHello's fingerprint, 32 hexadecimal digits, and the text
// that it is the MD5 of: version, cipher suites, extensions, groups and point
// formats in decimal, without GREASE (RFC 8701).
func JA3(m *tlsmsg.ClientHello) (digest, text string) {
	b := decimal(nil, uint16(m.Version))
	b = list(append(b, ','), m.CipherSuites)
	b = list(append(b, ','), types(m.Extensions))
	var groups tlsmsg.SupportedGroups
	_ = find(m.Extensions, &groups, m.Type())
	b = list(append(b, ','), groups.Groups)
	var formats tlsmsg.ECPointFormats
	_ = find(m.Extensions, &formats, m.Type())
	b = append(b, ',')
	for i, f := range formats.Formats {
		if i > 0 {
			b = append(b, '-')
		}
		b = decimal(b, uint16(f))
	}
	return sum(b), string(b)
}

// JA3S returns a ServerHello's fingerprint, and the text that it is the MD5 of:
// version, cipher suite and extensions in decimal.
func JA3S(m *tlsmsg.ServerHello) (digest, text string) {
	b := appendServer(nil, m.Version, m.CipherSuite, m.Extensions)
	return sum(b), string(b)
}

// AppendJA3S appends the fingerprint of a ServerHello with these fields to b. In
// TLS 1.3 the ServerHello's own version says 1.2.
func AppendJA3S(b []byte, version tlsmsg.Version, suite tlsmsg.CipherSuite, extensions []tlsmsg.Extension) []byte {
	start := len(b)
	b = appendServer(b, version, suite, extensions)
	digest := md5.Sum(b[start:])
	return hex.AppendEncode(b[:start], digest[:])
}

func appendServer(b []byte, version tlsmsg.Version, suite tlsmsg.CipherSuite, extensions []tlsmsg.Extension) []byte {
	b = decimal(b, uint16(version))
	b = decimal(append(b, ','), uint16(suite))
	b = append(b, ',')
	for i, x := range extensions {
		if i > 0 {
			b = append(b, '-')
		}
		b = decimal(b, uint16(x.Type))
	}
	return b
}

func sum(b []byte) string {
	digest := md5.Sum(b)
	return hex.EncodeToString(digest[:])
}

func decimal(b []byte, n uint16) []byte { return strconv.AppendUint(b, uint64(n), 10) }

// list appends numbers with hyphens between them, without GREASE.
func list[T ~uint16](b []byte, numbers []T) []byte {
	first := true
	for _, n := range numbers {
		if grease(uint16(n)) {
			continue
		}
		if !first {
			b = append(b, '-')
		}
		b, first = decimal(b, uint16(n)), false
	}
	return b
}

// grease reports whether a number is one of those that mean nothing (RFC 8701,
// section 2): 0x0A0A, 0x1A1A, …, 0xFAFA.
func grease(n uint16) bool { return n&0x0f0f == 0x0a0a && n>>8 == n&0xff }

func types(list []tlsmsg.Extension) []tlsmsg.ExtensionType {
	t := make([]tlsmsg.ExtensionType, len(list))
	for i, x := range list {
		t[i] = x.Type
	}
	return t
}

// find decodes an extension of the list into v.
func find(list []tlsmsg.Extension, v tlsmsg.ExtensionData, in tlsmsg.HandshakeType) bool {
	i := tlsmsg.FindExtension(list, v.ExtensionType())
	return i >= 0 && list[i].Decode(v, in) == nil
}
