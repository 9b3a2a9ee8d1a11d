package suite

import "github.com/rawshake/rawshake/tlsmsg"

// Authentication says which kind of key a suite's server signs with.
type Authentication uint8

const (
	AuthRSA   Authentication = iota + 1 // an RSA key
	AuthECDSA                           // an ECDSA key, or an EdDSA one (RFC 8422, section 5.10)
)

// A Suite is what a cipher suite's number stands for. Suites are rows of a
// table and are never written to.
type Suite struct {
	ID             tlsmsg.CipherSuite
	KeyExchange    tlsmsg.KeyExchange
	Authentication Authentication
	Hash           Hash // of the PRF and of the transcript (RFC 5246, section 5)

	KeyLen     int // of one direction's write key, in bytes
	FixedIVLen int // of one direction's write IV, in bytes
	MACKeyLen  int // 0 for AEAD suites

	// newCipher makes one direction's protection from its part of the key block.
	newCipher func(k DirectionKeys) (recordCipher, error)
}

// suites is the table, preferred first where the hardware helps AES.
var suites = [...]Suite{
	{ID: tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		KeyExchange: tlsmsg.KeyExchangeECDHE, Authentication: AuthECDSA, Hash: SHA256,
		KeyLen: 16, FixedIVLen: 4, newCipher: newAESGCM}, // RFC 5289, section 3.2
	{ID: tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		KeyExchange: tlsmsg.KeyExchangeECDHE, Authentication: AuthRSA, Hash: SHA256,
		KeyLen: 16, FixedIVLen: 4, newCipher: newAESGCM},
	{ID: tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		KeyExchange: tlsmsg.KeyExchangeECDHE, Authentication: AuthECDSA, Hash: SHA384,
		KeyLen: 32, FixedIVLen: 4, newCipher: newAESGCM},
	{ID: tlsmsg.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		KeyExchange: tlsmsg.KeyExchangeECDHE, Authentication: AuthRSA, Hash: SHA384,
		KeyLen: 32, FixedIVLen: 4, newCipher: newAESGCM},
	{ID: tlsmsg.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		KeyExchange: tlsmsg.KeyExchangeECDHE, Authentication: AuthECDSA, Hash: SHA256,
		KeyLen: 32, FixedIVLen: 12, newCipher: newChaCha20Poly1305}, // RFC 7905, section 2
	{ID: tlsmsg.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		KeyExchange: tlsmsg.KeyExchangeECDHE, Authentication: AuthRSA, Hash: SHA256,
		KeyLen: 32, FixedIVLen: 12, newCipher: newChaCha20Poly1305},
}

// Lookup returns the suite of a number, or nil if a handshake with it cannot
// be finished here.
func Lookup(id tlsmsg.CipherSuite) *Suite {
	for i := range suites {
		if suites[i].ID == id {
			return &suites[i]
		}
	}
	return nil
}

// IDs returns the numbers of every suite in the table, preferred first. The
// slice is fresh.
func IDs() []tlsmsg.CipherSuite {
	ids := make([]tlsmsg.CipherSuite, len(suites))
	for i := range suites {
		ids[i] = suites[i].ID
	}
	return ids
}
