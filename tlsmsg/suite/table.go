// The table of cipher suites of TLS 1.0 to 1.2.

package suite

import (
	"crypto/cipher"

	"github.com/rawshake/rawshake/tlsmsg"
)

// blockCipher names a block cipher for CBC mode.
type blockCipher uint8

const (
	blockNone blockCipher = iota
	blockAES
	blockTripleDES
)

// protection is how a suite protects records: the half of its name after WITH.
type protection struct {
	keyLen, ivLen int                                         // of one direction, in bytes
	aead          func(k DirectionKeys) (recordCipher, error) // nil: a block or stream cipher with a MAC
	block         blockCipher                                 // of CBC mode; of a stream cipher blockNone
	mac           macHash
	newAEAD       func(key []byte) (cipher.AEAD, error) // of TLS 1.3
	limit         uint64                                // of records under one key; 0: none but that of the sequence numbers
	since         tlsmsg.Version                        // the first version that has it; 0: all
	legacy        bool
}

var (
	aes128GCM = protection{keyLen: 16, ivLen: 4, aead: newAESGCM, since: tlsmsg.VersionTLS12} // RFC 5288, RFC 5289
	aes256GCM = protection{keyLen: 32, ivLen: 4, aead: newAESGCM, since: tlsmsg.VersionTLS12}
	chaCha20  = protection{keyLen: 32, ivLen: 12, aead: newChaCha20Poly1305, since: tlsmsg.VersionTLS12} // RFC 7905

	aes128SHA    = protection{keyLen: 16, block: blockAES, mac: macSHA1} // RFC 5246, appendix C; RFC 8422
	aes256SHA    = protection{keyLen: 32, block: blockAES, mac: macSHA1}
	aes128SHA256 = protection{keyLen: 16, block: blockAES, mac: macSHA256, since: tlsmsg.VersionTLS12}
	aes256SHA256 = protection{keyLen: 32, block: blockAES, mac: macSHA256, since: tlsmsg.VersionTLS12}
	aes256SHA384 = protection{keyLen: 32, block: blockAES, mac: macSHA384, since: tlsmsg.VersionTLS12} // RFC 5289

	tripleDES  = protection{keyLen: 24, block: blockTripleDES, mac: macSHA1, legacy: true}
	rc4SHA     = protection{keyLen: 16, mac: macSHA1, legacy: true}
	rc4MD5     = protection{keyLen: 16, mac: macMD5, legacy: true}
	nullSHA256 = protection{mac: macSHA256, since: tlsmsg.VersionTLS12, legacy: true}
	nullSHA    = protection{mac: macSHA1, legacy: true}
	nullMD5    = protection{mac: macMD5, legacy: true}
)

const (
	kxRSA   = tlsmsg.KeyExchangeRSA
	kxDHE   = tlsmsg.KeyExchangeDHE
	kxECDHE = tlsmsg.KeyExchangeECDHE
)

// suites is the table, preferred first: ephemeral keys before none, AEAD before
// CBC, AES where the hardware helps it, what is short before what is long.
var suites = [...]Suite{
	row(tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, kxECDHE, AuthECDSA, SHA256, aes128GCM),
	row(tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, kxECDHE, AuthRSA, SHA256, aes128GCM),
	row(tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, kxECDHE, AuthECDSA, SHA384, aes256GCM),
	row(tlsmsg.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, kxECDHE, AuthRSA, SHA384, aes256GCM),
	row(tlsmsg.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, kxECDHE, AuthECDSA, SHA256, chaCha20),
	row(tlsmsg.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, kxECDHE, AuthRSA, SHA256, chaCha20),
	row(tlsmsg.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, kxDHE, AuthRSA, SHA256, aes128GCM),
	row(tlsmsg.TLS_DHE_RSA_WITH_AES_256_GCM_SHA384, kxDHE, AuthRSA, SHA384, aes256GCM),
	row(tlsmsg.TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256, kxDHE, AuthRSA, SHA256, chaCha20),
	row(tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, kxECDHE, AuthECDSA, SHA256, aes128SHA256),
	row(tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, kxECDHE, AuthRSA, SHA256, aes128SHA256),
	row(tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, kxECDHE, AuthECDSA, SHA256, aes128SHA),
	row(tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, kxECDHE, AuthRSA, SHA256, aes128SHA),
	row(tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384, kxECDHE, AuthECDSA, SHA384, aes256SHA384),
	row(tlsmsg.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384, kxECDHE, AuthRSA, SHA384, aes256SHA384),
	row(tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, kxECDHE, AuthECDSA, SHA256, aes256SHA),
	row(tlsmsg.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, kxECDHE, AuthRSA, SHA256, aes256SHA),
	row(tlsmsg.TLS_DHE_RSA_WITH_AES_128_CBC_SHA256, kxDHE, AuthRSA, SHA256, aes128SHA256),
	row(tlsmsg.TLS_DHE_RSA_WITH_AES_128_CBC_SHA, kxDHE, AuthRSA, SHA256, aes128SHA),
	row(tlsmsg.TLS_DHE_RSA_WITH_AES_256_CBC_SHA256, kxDHE, AuthRSA, SHA256, aes256SHA256),
	row(tlsmsg.TLS_DHE_RSA_WITH_AES_256_CBC_SHA, kxDHE, AuthRSA, SHA256, aes256SHA),
	row(tlsmsg.TLS_RSA_WITH_AES_128_GCM_SHA256, kxRSA, AuthRSA, SHA256, aes128GCM),
	row(tlsmsg.TLS_RSA_WITH_AES_256_GCM_SHA384, kxRSA, AuthRSA, SHA384, aes256GCM),
	row(tlsmsg.TLS_RSA_WITH_AES_128_CBC_SHA256, kxRSA, AuthRSA, SHA256, aes128SHA256),
	row(tlsmsg.TLS_RSA_WITH_AES_128_CBC_SHA, kxRSA, AuthRSA, SHA256, aes128SHA),
	row(tlsmsg.TLS_RSA_WITH_AES_256_CBC_SHA256, kxRSA, AuthRSA, SHA256, aes256SHA256),
	row(tlsmsg.TLS_RSA_WITH_AES_256_CBC_SHA, kxRSA, AuthRSA, SHA256, aes256SHA),

	row(tlsmsg.TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA, kxECDHE, AuthECDSA, SHA256, tripleDES),
	row(tlsmsg.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA, kxECDHE, AuthRSA, SHA256, tripleDES),
	row(tlsmsg.TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA, kxDHE, AuthRSA, SHA256, tripleDES),
	row(tlsmsg.TLS_RSA_WITH_3DES_EDE_CBC_SHA, kxRSA, AuthRSA, SHA256, tripleDES),
	row(tlsmsg.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA, kxECDHE, AuthECDSA, SHA256, rc4SHA),
	row(tlsmsg.TLS_ECDHE_RSA_WITH_RC4_128_SHA, kxECDHE, AuthRSA, SHA256, rc4SHA),
	row(tlsmsg.TLS_RSA_WITH_RC4_128_SHA, kxRSA, AuthRSA, SHA256, rc4SHA),
	row(tlsmsg.TLS_RSA_WITH_RC4_128_MD5, kxRSA, AuthRSA, SHA256, rc4MD5),
	row(tlsmsg.TLS_ECDHE_ECDSA_WITH_NULL_SHA, kxECDHE, AuthECDSA, SHA256, nullSHA),
	row(tlsmsg.TLS_ECDHE_RSA_WITH_NULL_SHA, kxECDHE, AuthRSA, SHA256, nullSHA),
	row(tlsmsg.TLS_RSA_WITH_NULL_SHA256, kxRSA, AuthRSA, SHA256, nullSHA256),
	row(tlsmsg.TLS_RSA_WITH_NULL_SHA, kxRSA, AuthRSA, SHA256, nullSHA),
	row(tlsmsg.TLS_RSA_WITH_NULL_MD5, kxRSA, AuthRSA, SHA256, nullMD5),
}

// older are the rows as TLS 1.0 and TLS 1.1 use them.
var older = olderRows()

func row(id tlsmsg.CipherSuite, kx tlsmsg.KeyExchange, auth Authentication, h Hash, p protection) Suite {
	return Suite{ID: id, Version: tlsmsg.VersionTLS12, KeyExchange: kx, Authentication: auth, Hash: h,
		KeyLen: p.keyLen, FixedIVLen: p.ivLen, MACKeyLen: p.mac.size(), protection: p}
}

func olderRows() (rows [2][len(suites)]Suite) {
	for i, v := range []tlsmsg.Version{tlsmsg.VersionTLS10, tlsmsg.VersionTLS11} {
		for j, s := range suites {
			s.Version, s.Hash = v, MD5SHA1
			if v == tlsmsg.VersionTLS10 { // the first IV comes from the key block (RFC 2246, section 6.3)
				s.FixedIVLen = s.protection.block.size()
			}
			rows[i][j] = s
		}
	}
	return rows
}

// size returns the length of a block, in bytes.
func (b blockCipher) size() int { return [...]int{0, 16, 8}[b] }

// newCipher makes one direction's protection from its part of the key block.
func (s *Suite) newCipher(k DirectionKeys, encryptThenMAC bool) (recordCipher, error) {
	switch p := &s.protection; {
	case p.newAEAD != nil:
		return newRecord13(s, k)
	case p.aead != nil:
		return p.aead(k)
	case p.block != blockNone:
		return newCBC(s, k, encryptThenMAC)
	}
	return newStream(s, k)
}
