// What a cipher suite is, by its name, and all of those that are asked for.

package audit

import (
	"slices"
	"strings"
	"sync"

	"github.com/rawshake/rawshake/tlsmsg"
)

// A suiteKind is what a suite's name says.
type suiteKind struct {
	exchange string // "ECDHE_RSA", "RSA_EXPORT", …
	cipher   string // "AES_128_GCM_SHA256"

	dh, ecdh  bool // ephemeral or anonymous
	anon      bool
	export    bool
	psk       bool // also SRP and Kerberos: nothing that can be finished without a secret shared before
	static    bool // no forward secrecy
	ecdsa     bool // signed by a key on a curve
	null      bool
	rc4       bool
	block64   bool // DES, 3DES, IDEA, RC2: a block of 64 bits
	des       bool // single DES, or 40 bits
	cbc       bool
	aead      bool
	md5       bool
	tls12Only bool
}

// kindOf reads a suite's name.
func kindOf(id tlsmsg.CipherSuite) (k suiteKind) {
	name := strings.TrimPrefix(id.String(), "TLS_")
	var ok bool
	if k.exchange, k.cipher, ok = strings.Cut(name, "_WITH_"); !ok {
		k.exchange, k.cipher = "", name
		k.aead, k.tls12Only = true, true
		return k
	}
	parts := strings.Split(k.exchange, "_")
	has := func(part string) bool { return slices.Contains(parts, part) }
	k.anon, k.export = has("anon"), has("EXPORT")
	k.psk = has("PSK") || has("SRP") || has("KRB5") || has("ECCPWD")
	k.dh = has("DHE") || has("DH") && k.anon
	k.ecdh = has("ECDHE") || has("ECDH") && k.anon
	k.static = !k.dh && !k.ecdh
	k.ecdsa = has("ECDSA")
	k.null = strings.HasPrefix(k.cipher, "NULL")
	k.rc4 = strings.HasPrefix(k.cipher, "RC4")
	k.des = strings.HasPrefix(k.cipher, "DES")
	k.block64 = k.des || strings.HasPrefix(k.cipher, "3DES") || strings.HasPrefix(k.cipher, "IDEA") || strings.HasPrefix(k.cipher, "RC2")
	k.cbc = strings.Contains(k.cipher, "CBC")
	k.aead = strings.Contains(k.cipher, "GCM") || strings.Contains(k.cipher, "CCM") || strings.Contains(k.cipher, "POLY1305")
	k.md5 = strings.HasSuffix(k.cipher, "MD5")
	k.tls12Only = k.aead || strings.HasSuffix(k.cipher, "SHA256") || strings.HasSuffix(k.cipher, "SHA384")
	return k
}

// registered are all suites that have a name, by number: weak ones come first,
// which a server with an order of its own does not have there.
var registered = sync.OnceValue(func() (all []tlsmsg.CipherSuite) {
	for n := 1; n < 0xffff; n++ {
		id := tlsmsg.CipherSuite(n)
		name := id.String()
		if strings.HasPrefix(name, "TLS_") && !strings.HasSuffix(name, "_SCSV") {
			all = append(all, id)
		}
	}
	return all
})

// suitesOf are all suites that a version may use.
func suitesOf(v tlsmsg.Version) []tlsmsg.CipherSuite {
	is13 := func(id tlsmsg.CipherSuite) bool { return !strings.Contains(id.String(), "_WITH_") }
	return slices.DeleteFunc(slices.Clone(registered()), func(id tlsmsg.CipherSuite) bool {
		k := kindOf(id)
		switch {
		case v >= tlsmsg.VersionTLS13:
			return !is13(id)
		case is13(id):
			return true
		}
		return k.tls12Only && v < tlsmsg.VersionTLS12
	})
}

// allGroups are the groups that are asked for: registered, and not only for
// others to experiment with.
var allGroups = sync.OnceValue(func() (all []tlsmsg.NamedGroup) {
	for n := 1; n < 0x6800; n++ {
		g := tlsmsg.NamedGroup(n)
		if name := g.String(); !strings.HasPrefix(name, "0x") && !strings.HasPrefix(name, "GREASE") && !isNumber(name) {
			all = append(all, g)
		}
	}
	return all
})

// allSchemes are the signature schemes that are asked for: RFC 5246's pairs of hash and
// signature, SHA-1 and MD5 among them, and all of RFC 9846's.
var allSchemes = []tlsmsg.SignatureScheme{
	0x0101, 0x0103, 0x0201, 0x0202, 0x0203, 0x0301, 0x0302, 0x0303, 0x0401, 0x0402, 0x0501, 0x0502, 0x0601, 0x0602,
	0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0807, 0x0808, 0x081a, 0x081b, 0x081c,
	0x0904, 0x0905, 0x0906,
}

func isNumber(s string) bool { return strings.Trim(s, "0123456789") == "" }
