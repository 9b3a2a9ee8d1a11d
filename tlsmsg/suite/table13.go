// The cipher suites of TLS 1.3.

package suite

import (
	"crypto/aes"
	"crypto/cipher"

	"github.com/rawshake/rawshake/tlsmsg"
	"golang.org/x/crypto/chacha20poly1305"
)

// suites13 are the suites of TLS 1.3, preferred first (RFC 9846, appendix B.4).
// Those of AES-CCM are not here: Go has no CCM.
var suites13 = [...]Suite{
	row13(tlsmsg.TLS_AES_128_GCM_SHA256, SHA256, protection{keyLen: 16, newAEAD: newGCM, limit: maxGCMRecords}),
	row13(tlsmsg.TLS_AES_256_GCM_SHA384, SHA384, protection{keyLen: 32, newAEAD: newGCM, limit: maxGCMRecords}),
	row13(tlsmsg.TLS_CHACHA20_POLY1305_SHA256, SHA256, protection{keyLen: 32, newAEAD: chacha20poly1305.New}),
}

func row13(id tlsmsg.CipherSuite, h Hash, p protection) Suite {
	return Suite{ID: id, Version: tlsmsg.VersionTLS13, Hash: h, KeyLen: p.keyLen, FixedIVLen: aeadNonceLen, protection: p}
}

// Lookup13 returns the suite of a number in TLS 1.3, or nil if a handshake with
// it cannot be finished here.
func Lookup13(id tlsmsg.CipherSuite) *Suite {
	for i := range suites13 {
		if suites13[i].ID == id {
			return &suites13[i]
		}
	}
	return nil
}

// IDs13 returns the numbers of the suites of TLS 1.3, preferred first. The slice
// is fresh.
func IDs13() (ids []tlsmsg.CipherSuite) {
	for i := range suites13 {
		ids = append(ids, suites13[i].ID)
	}
	return ids
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
