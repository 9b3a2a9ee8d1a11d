// What an encrypted ClientHello needs of the key schedule and of HPKE (RFC
// 9849, sections 6.1 and 7.2).

package suite

import (
	"crypto/hpke"

	"github.com/rawshake/rawshake/tlsmsg"
)

// ECHOverhead is by how much HPKE's AEADs lengthen what they encrypt, in bytes: by
// their tag, of the same length in all three (RFC 9180, section 7.3).
const ECHOverhead = 16

// ECHConfirmation returns the eight bytes by which a server says that it goes on with
// the encrypted ClientHello: at the end of ServerHello.random, or with retry in a
// HelloRetryRequest's extension. The hash is that of the messages up to this one, in
// which those eight bytes are zero (RFC 9849, section 7.2).
func ECHConfirmation(h Hash, innerRandom [32]byte, hash []byte, retry bool) []byte {
	label := "ech accept confirmation"
	if retry {
		label = "hrr ech accept confirmation"
	}
	return expandLabel(h, extract(h, innerRandom[:], zeros[:h.Size()]), label, hash, tlsmsg.ECHConfirmationLen)
}

// ECHSuite returns the first of a configuration's suites that Go has, for its key. It
// reports false where there is none, or where Go has not the key's KEM.
func ECHSuite(c *tlsmsg.ECHConfig) (s tlsmsg.HPKESuite, ok bool) {
	kem, err := hpke.NewKEM(uint16(c.KEM))
	if err != nil {
		return s, false
	}
	if _, err := kem.NewPublicKey(c.PublicKey); err != nil {
		return s, false
	}
	for _, s := range c.Suites {
		if OpensECH(s) {
			return s, true
		}
	}
	return s, false
}

// OpensECH reports whether Go has both halves of an HPKE suite, and it encrypts.
func OpensECH(s tlsmsg.HPKESuite) bool {
	const exportOnly = 0xFFFF
	_, kdf := hpke.NewKDF(uint16(s.KDF))
	_, aead := hpke.NewAEAD(uint16(s.AEAD))
	return kdf == nil && aead == nil && s.AEAD != exportOnly
}

// ECHInfo is HPKE's info for a configuration (RFC 9849, section 6.1).
func ECHInfo(c *tlsmsg.ECHConfig) []byte { return c.Append([]byte("tls ech\x00")) }
