// What a cipher suite's number stands for.

package suite

import "github.com/rawshake/rawshake/tlsmsg"

// Authentication says with which kind of key a suite's server authenticates
// itself.
type Authentication uint8

const (
	AuthRSA   Authentication = iota + 1 // an RSA key, that signs or, without a signature, decrypts
	AuthECDSA                           // an ECDSA key, or an EdDSA one (RFC 8422, section 5.10)
)

// A Suite is what a cipher suite's number stands for, in one version of TLS.
// Suites are rows of a table and are never written to.
type Suite struct {
	ID             tlsmsg.CipherSuite
	Version        tlsmsg.Version // that the row is about: see [Suite.For]
	KeyExchange    tlsmsg.KeyExchange
	Authentication Authentication
	Hash           Hash // of the PRF and of the transcript (RFC 5246, section 5)

	KeyLen     int // of one direction's write key, in bytes
	FixedIVLen int // of one direction's write IV, in bytes
	MACKeyLen  int // 0 for AEAD suites

	protection protection
}

// Legacy reports whether the suite is only for examining old hosts: RC4, triple
// DES, and no encryption at all.
func (s *Suite) Legacy() bool { return s.protection.legacy }

// CBC reports whether the suite uses a block cipher in CBC mode: only those can
// use encrypt-then-MAC (RFC 7366, section 3).
func (s *Suite) CBC() bool { return s.protection.block != blockNone }

// For returns the suite as version v uses it, or nil if v has no such suite:
// suites that name SHA-2, and so all of AEAD, came with TLS 1.2 (RFC 5246,
// section 5; RFC 5288, section 4), and none of them is for anything but TLS 1.0
// to 1.2.
func (s *Suite) For(v tlsmsg.Version) *Suite {
	row := indexOf(s.ID)
	switch {
	case v == tlsmsg.VersionTLS12:
		return &suites[row]
	case v < tlsmsg.VersionTLS10 || v > tlsmsg.VersionTLS12 || suites[row].protection.since == tlsmsg.VersionTLS12:
		return nil
	}
	return &older[v-tlsmsg.VersionTLS10][row]
}

// Lookup returns the suite of a number as TLS 1.2 uses it, or nil if a
// handshake with it cannot be finished here.
func Lookup(id tlsmsg.CipherSuite) *Suite {
	if i := indexOf(id); i >= 0 {
		return &suites[i]
	}
	return nil
}

// Of returns the suite of a number as a version uses it, TLS 1.3 included, or nil if a
// handshake with it cannot be finished here.
func Of(v tlsmsg.Version, id tlsmsg.CipherSuite) *Suite {
	if v >= tlsmsg.VersionTLS13 {
		return Lookup13(id)
	}
	known := Lookup(id)
	if known == nil {
		return nil
	}
	return known.For(v)
}

func indexOf(id tlsmsg.CipherSuite) int {
	for i := range suites {
		if suites[i].ID == id {
			return i
		}
	}
	return -1
}

// IDs returns the numbers of the suites in the table but for the legacy ones,
// preferred first. The slice is fresh.
func IDs() []tlsmsg.CipherSuite { return numbers(false) }

// LegacyIDs returns the numbers of the legacy suites, the least bad first. The
// slice is fresh.
func LegacyIDs() []tlsmsg.CipherSuite { return numbers(true) }

func numbers(legacy bool) (ids []tlsmsg.CipherSuite) {
	for i := range suites {
		if suites[i].Legacy() == legacy {
			ids = append(ids, suites[i].ID)
		}
	}
	return ids
}
