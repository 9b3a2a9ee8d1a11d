// Names to numbers, for people: a command line's --ciphers and --groups.
// Letters match in either case.

package tlsmsg

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// UnknownNameError says that a registry does not hold a name.
type UnknownNameError struct {
	Kind string   // "cipher suite"
	Name string   // as given
	Near []string // names that it may have been meant for, nearest first; may be empty
}

// maxQuoted bounds how much of a wrong name an error repeats, and what is
// compared with the registry to find near names; in bytes.
const maxQuoted = 80

// Error quotes the name, cut where it is long, and asks about similar ones.
func (e *UnknownNameError) Error() string {
	name, more := e.Name, ""
	if len(name) > maxQuoted {
		name, more = name[:maxQuoted], "…"
	}
	s := fmt.Sprintf("unknown %s %+q%s", e.Kind, name, more)
	if len(e.Near) > 0 {
		s += "; did you mean " + strings.Join(e.Near, ", ") + "?"
	}
	return s
}

// ParseCipherSuite finds a suite by IANA's name, by OpenSSL's
// ("ECDHE-ECDSA-AES128-GCM-SHA256"), or by its number ("0xC02B"), which need
// not be registered. Another name is an [*UnknownNameError].
func ParseCipherSuite(name string) (CipherSuite, error) {
	if hi, lo, ok := strings.Cut(name, ","); ok { // as the registry writes it: 0xC0,0x2B
		h, err1 := parseNumber(strings.TrimSpace(hi), max8)
		l, err2 := parseNumber(strings.TrimSpace(lo), max8)
		if err1 == nil && err2 == nil {
			return CipherSuite(h<<8 | l), nil
		}
	}
	return cipherSuites.parse("cipher suite", name, otherSuiteNames)
}

// ParseCipherSuites parses a list of suites separated by commas, colons or
// spaces. See ParseCipherSuite.
func ParseCipherSuites(list string) ([]CipherSuite, error) {
	return parseList(list, "cipher suite", ParseCipherSuite)
}

// ParseNamedGroup finds a group by IANA's name ("secp256r1"), by another name
// in use ("P-256", "prime256v1"), or by its number.
func ParseNamedGroup(name string) (NamedGroup, error) {
	return namedGroups.parse("group", name, otherGroupNames)
}

// ParseNamedGroups parses a list of groups separated by commas, colons or
// spaces.
func ParseNamedGroups(list string) ([]NamedGroup, error) {
	return parseList(list, "group", ParseNamedGroup)
}

// ParseSignatureScheme finds a scheme by IANA's name ("ecdsa_secp256r1_sha256"),
// by OpenSSL's ("ECDSA+SHA256"), or by its number.
func ParseSignatureScheme(name string) (SignatureScheme, error) {
	return signatureSchemes.parse("signature scheme", name, nil)
}

// ParseSignatureSchemes parses a list of schemes separated by commas, colons
// or spaces.
func ParseSignatureSchemes(list string) ([]SignatureScheme, error) {
	return parseList(list, "signature scheme", ParseSignatureScheme)
}

// ParseExtensionType finds an extension by IANA's name or by its number.
func ParseExtensionType(name string) (ExtensionType, error) {
	return extensionTypes.parse("extension", name, nil)
}

// ParseHandshakeType finds a message by RFC 5246's enum name ("server_hello"),
// by its heading ("ServerHello"), or by its number.
func ParseHandshakeType(name string) (HandshakeType, error) {
	if t, err := headings.parse("message", name, nil); err == nil {
		return t, nil
	}
	return handshakeTypes.parse("message", name, nil)
}

// ParseAlertDescription finds an alert by its name or number.
func ParseAlertDescription(name string) (AlertDescription, error) {
	return alertDescriptions.parse("alert", name, nil)
}

// ParseVersion finds a version by name, with or without "TLS", space and "v"
// ("TLS 1.2", "TLSv1.2", "tls1_2", "1.2"), or by its number.
func ParseVersion(name string) (Version, error) {
	return versions.parse("version", name, map[string]Version{
		"1.0": VersionTLS10, "1.1": VersionTLS11, "1.2": VersionTLS12, "1.3": VersionTLS13,
		"tls1.0": VersionTLS10, "tls1.1": VersionTLS11, "tls1.2": VersionTLS12, "tls1.3": VersionTLS13,
		"tlsv1": VersionTLS10, "tlsv1.0": VersionTLS10, "tlsv1.1": VersionTLS11, "tlsv1.2": VersionTLS12,
		"tlsv1.3": VersionTLS13, "sslv3": VersionSSL30, "ssl3.0": VersionSSL30,
	})
}

// otherGroupNames are names in use beside IANA's and NIST's.
var otherGroupNames = map[string]NamedGroup{
	"prime192v1": 19, "prime256v1": GroupSecp256r1, "secp256k1": 22, "p256": GroupSecp256r1,
	"p384": GroupSecp384r1, "p521": GroupSecp521r1, "curve25519": GroupX25519, "curve448": GroupX448,
}

// otherSuiteNames are OpenSSL's before version 1.1, where they differ.
var otherSuiteNames = map[string]CipherSuite{
	"edh-rsa-des-cbc3-sha": 0x0016, "edh-dss-des-cbc3-sha": 0x0013,
	"edh-rsa-des-cbc-sha": 0x0015, "edh-dss-des-cbc-sha": 0x0012,
}

// parse finds a number by name, by alias, by a name in other (whose keys are
// in lower case), or as a number itself.
func (r registry[T]) parse(kind, name string, other map[string]T) (T, error) {
	for _, e := range r {
		if strings.EqualFold(name, e.name) || e.alias != "" && strings.EqualFold(name, e.alias) {
			return e.number, nil
		}
	}
	if v, ok := other[strings.ToLower(name)]; ok {
		return v, nil
	}
	if v, err := parseNumber(name, uint64(^T(0))); err == nil {
		return T(v), nil
	}
	return 0, &UnknownNameError{Kind: kind, Name: name, Near: r.near(name)}
}

// parseNumber reads 0xC02B or 49195.
func parseNumber(s string, limit uint64) (uint64, error) {
	digits, base := s, 10
	if len(s) > 2 && strings.EqualFold(s[:2], "0x") {
		digits, base = s[2:], 16
	}
	v, err := strconv.ParseUint(digits, base, 64)
	if err == nil && v > limit {
		err = strconv.ErrRange
	}
	return v, err
}

func parseList[T any](list, kind string, parse func(string) (T, error)) ([]T, error) {
	words := strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(",: \t\r\n", r) })
	if len(words) == 0 {
		return nil, fmt.Errorf("empty list, expected at least one %s", kind)
	}
	out := make([]T, 0, len(words))
	for _, w := range words {
		v, err := parse(w)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// near returns up to three names like the one given, nearest first, in the
// spelling (registry or alias) that is the nearer.
func (r registry[T]) near(name string) []string {
	if name == "" || len(name) > maxQuoted {
		return nil
	}
	type candidate struct {
		name     string
		distance int
	}
	var found []candidate
	want := fold(name)
	for _, e := range r {
		best := candidate{e.name, apart(want, fold(e.name))}
		if e.alias != "" {
			if d := apart(want, fold(e.alias)); d < best.distance {
				best = candidate{e.alias, d}
			}
		}
		if best.distance <= len(want)/3 {
			found = append(found, best)
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int {
		return cmp.Or(a.distance-b.distance, len(a.name)-len(b.name))
	})
	var names []string
	for _, c := range found[:min(3, len(found))] {
		names = append(names, c.name)
	}
	return names
}

// fold takes away what people vary: case, and which character separates.
func fold(s string) string { return strings.ReplaceAll(strings.ToUpper(s), "-", "_") }

// apart is how far a wrong name is from a right one: not at all if each word of
// it is a part of the right one.
func apart(wrong, right string) int {
	if len(wrong) > 2 && hasWords(right, wrong) {
		return 0
	}
	return distance(wrong, right)
}

func hasWords(s, words string) bool {
	for word := range strings.SplitSeq(words, "_") {
		if !strings.Contains(s, word) {
			return false
		}
	}
	return true
}

// distance is the least number of single-byte insertions, deletions and
// substitutions that make a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
