// RC4, and no encryption at all.

package suite

import (
	"crypto/rc4"
	"crypto/subtle"
)

// stream is GenericStreamCipher (RFC 5246, section 6.2.3.1): the fragment and
// its MAC under RC4, or under nothing: for looking at hosts that still speak it.
type stream struct {
	mac *recordMAC
	rc4 *rc4.Cipher // nil: NULL
}

func newStream(s *Suite, k DirectionKeys) (recordCipher, error) {
	c := &stream{mac: newRecordMAC(s.protection.mac, k.MACKey)}
	if len(k.Key) == 0 {
		return c, nil
	}
	var err error
	c.rc4, err = rc4.NewCipher(k.Key)
	return c, err
}

func (c *stream) overhead() int { return c.mac.size() }

func (c *stream) seal(dst []byte, a *additionalData, plaintext []byte) []byte {
	start := len(dst)
	dst = append(dst, plaintext...)
	dst = append(dst, c.mac.sum(a, plaintext)...)
	c.crypt(dst[start:])
	return dst
}

func (c *stream) open(a *additionalData, fragment []byte) ([]byte, error) {
	n := len(fragment) - c.mac.size()
	if n < 0 {
		return nil, ErrBadRecordMAC
	}
	c.crypt(fragment)
	a.setLength(n)
	if subtle.ConstantTimeCompare(c.mac.sum(a, fragment[:n]), fragment[n:]) != 1 {
		return nil, ErrBadRecordMAC
	}
	return fragment[:n], nil
}

func (c *stream) crypt(b []byte) {
	if c.rc4 != nil {
		c.rc4.XORKeyStream(b, b)
	}
}
