// The protection of records in TLS 1.3 (RFC 9846, section 5).

package suite

import (
	"crypto/cipher"
	"errors"

	"github.com/rawshake/rawshake/tlsmsg"
)

var (
	// ErrInnerType says that a record holds nothing but zeros, and so no type: the
	// answer is unexpected_message (RFC 9846, section 5.4).
	ErrInnerType = errors.New("it holds nothing but padding, and no content type")
	// ErrInnerLength says that a record holds more than 2^14 bytes and a type: the
	// answer is record_overflow (RFC 9846, section 5.4).
	ErrInnerLength = errors.New("it holds more than 16384 bytes and a content type")
)

// record13 is an AEAD as TLS 1.3 uses it: the type of what a record holds comes
// after the content, before zeros, and is protected with it.
type record13 struct {
	aead      cipher.AEAD
	iv, nonce [aeadNonceLen]byte
	header    [tlsmsg.RecordHeaderLen]byte // the additional data
}

// innerTypeLen is the length of TLSInnerPlaintext.type.
const innerTypeLen = 1

func newRecord13(s *Suite, k DirectionKeys) (recordCipher, error) {
	aead, err := s.protection.newAEAD(k.Key)
	if err != nil {
		return nil, err
	}
	c := &record13{aead: aead}
	copy(c.iv[:], k.IV)
	return c, nil
}

func (c *record13) overhead() int { return innerTypeLen + aeadTagLen }

// ready makes the nonce (RFC 9846, section 5.3) and the additional data of a
// record whose content takes n bytes.
func (c *record13) ready(a *additionalData, typ, major, minor byte, n int) {
	c.nonce = c.iv
	for i, b := range a.seq() {
		c.nonce[aeadNonceLen-8+i] ^= b
	}
	c.header = [...]byte{typ, major, minor, byte(n >> 8), byte(n)}
}

func (c *record13) seal(dst []byte, a *additionalData, plaintext []byte) []byte {
	c.ready(a, byte(tlsmsg.ContentApplicationData), a[9], a[10], len(plaintext)+c.overhead())
	start := len(dst)
	dst = append(append(dst, plaintext...), a[8])
	return c.aead.Seal(dst[:start], c.nonce[:], dst[start:], c.header[:])
}

func (c *record13) open(a *additionalData, fragment []byte) ([]byte, error) {
	if len(fragment) < aeadTagLen {
		return nil, ErrBadRecordMAC
	}
	c.ready(a, a[8], a[9], a[10], len(fragment))
	inner, err := c.aead.Open(fragment[:0], c.nonce[:], fragment, c.header[:])
	if err != nil {
		return nil, ErrBadRecordMAC
	}
	if len(inner) > tlsmsg.MaxPlaintext+innerTypeLen {
		return nil, ErrInnerLength
	}
	for i := len(inner) - 1; i >= 0; i-- {
		if inner[i] != 0 {
			a[8] = inner[i]
			return inner[:i], nil
		}
	}
	return nil, ErrInnerType
}

// maxGCMRecords is how many records may be protected by AES-GCM under one key
// (RFC 9846, section 5.5): 2^24.5, of which this is somewhat less.
const maxGCMRecords = 1 << 24

// Worn reports whether the keys should be updated before the next record,
// because of the number of records under them.
func (s *State) Worn() bool { return s.limit > 0 && s.seq >= s.limit }

// Outer returns the content type that the header of a record with such content
// shows: application_data for all that TLS 1.3 protects.
func (s *State) Outer(typ tlsmsg.ContentType) tlsmsg.ContentType {
	if _, ok := s.cipher.(*record13); ok {
		return tlsmsg.ContentApplicationData
	}
	return typ
}
