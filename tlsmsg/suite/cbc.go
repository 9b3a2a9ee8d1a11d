// CBC mode with a MAC, opened in constant time.

package suite

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/subtle"
	"encoding/binary"

	"github.com/rawshake/rawshake/tlsmsg"
)

// settable is a cipher.BlockMode whose IV can be set: both of the standard
// library's in CBC mode are.
type settable interface {
	cipher.BlockMode
	SetIV([]byte)
}

// cbc is GenericBlockCipher (RFC 5246, section 6.2.3.2), with the MAC under
// the encryption, or over it (RFC 7366). One value serves one direction.
type cbc struct {
	mac   *recordMAC
	etm   bool
	block cipher.Block
	size  int      // of a block
	mode  settable // of block, made at the first use: only then is the direction known
	// explicit says that each record carries an IV (TLS 1.1 and later); in TLS
	// 1.0 a record's IV is the last block of the record before.
	explicit bool
	// ivs makes our IVs: unpredictable without the key, as they must be, and
	// without randomness that a machine does not have (see newIVs).
	ivs cipher.Block
	iv  [aes.BlockSize]byte
}

func newBlock(name blockCipher, key []byte) (cipher.Block, error) {
	if name == blockTripleDES {
		return des.NewTripleDESCipher(key)
	}
	return aes.NewCipher(key)
}

// newCBC makes one direction's cipher.
func newCBC(s *Suite, k DirectionKeys, etm bool) (recordCipher, error) {
	block, err := newBlock(s.protection.block, k.Key)
	if err != nil {
		return nil, err
	}
	c := &cbc{mac: newRecordMAC(s.protection.mac, k.MACKey), etm: etm, block: block, size: block.BlockSize(),
		explicit: s.Version >= tlsmsg.VersionTLS11}
	if c.explicit {
		if c.ivs, err = newIVs(s, k); err != nil {
			return nil, err
		}
	}
	copy(c.iv[:], k.IV)
	return c, nil
}

// newIVs makes the permutation that turns sequence numbers into IVs. Its key
// comes from the MAC key, which is as secret as the write key and used with
// nothing else of this shape, so that an IV tells nothing about another and
// none can be known before its record is (NIST SP 800-38A, appendix C, makes
// an IV by enciphering a nonce; here it is under a key of its own).
func newIVs(s *Suite, k DirectionKeys) (cipher.Block, error) {
	key := make([]byte, len(k.Key))
	PRF(SHA256, key, k.MACKey, "rawshake explicit IV", k.Key)
	return newBlock(s.protection.block, key)
}

// overhead: an IV, a MAC, and a padding of one block at most.
func (c *cbc) overhead() int { return c.size + c.mac.size() + c.size }

func (c *cbc) seal(dst []byte, a *additionalData, plaintext []byte) []byte {
	if c.mode == nil {
		c.mode = cipher.NewCBCEncrypter(c.block, c.iv[:c.size]).(settable)
	}
	start := len(dst)
	if c.explicit {
		dst = append(dst, c.nextIV(a)...)
		c.mode.SetIV(dst[start:])
	}
	body := len(dst)
	dst = append(dst, plaintext...)
	if !c.etm {
		dst = append(dst, c.mac.sum(a, plaintext)...)
	}
	pad := c.size - (len(dst)-body)%c.size
	for range pad {
		dst = append(dst, byte(pad-1)) // padding_length counts without itself
	}
	c.mode.CryptBlocks(dst[body:], dst[body:])
	if c.etm {
		a.setLength(len(dst) - start)
		dst = append(dst, c.mac.sum(a, dst[start:])...)
	}
	return dst
}

// nextIV enciphers the record's sequence number.
func (c *cbc) nextIV(a *additionalData) []byte {
	iv := c.iv[:c.size]
	clear(iv)
	binary.BigEndian.PutUint64(iv[c.size-8:], binary.BigEndian.Uint64(a.seq()))
	c.ivs.Encrypt(iv, iv)
	return iv
}

func (c *cbc) open(a *additionalData, fragment []byte) ([]byte, error) {
	if c.mode == nil {
		c.mode = cipher.NewCBCDecrypter(c.block, c.iv[:c.size]).(settable)
	}
	if c.etm {
		n := len(fragment) - c.mac.size()
		if n < 0 {
			return nil, ErrBadRecordMAC
		}
		a.setLength(n)
		if subtle.ConstantTimeCompare(c.mac.sum(a, fragment[:n]), fragment[n:]) != 1 {
			return nil, ErrBadRecordMAC
		}
		fragment = fragment[:n]
	}
	if !c.decrypt(&fragment) {
		return nil, ErrBadRecordMAC
	}
	padding, good := paddingOf(fragment, c.inside())
	if c.etm { // the record is authentic, and its padding no secret
		if good == 0 {
			return nil, ErrBadRecordMAC
		}
		return fragment[:len(fragment)-padding], nil
	}
	return c.checkMAC(a, fragment, padding, good)
}

// inside is the length of the MAC under the encryption.
func (c *cbc) inside() int {
	if c.etm {
		return 0
	}
	return c.mac.size()
}

// decrypt takes the IV off and decrypts in place. It reports whether the length,
// which is no secret, is one that the cipher can have.
func (c *cbc) decrypt(fragment *[]byte) bool {
	f := *fragment
	if c.explicit {
		if len(f) < c.size {
			return false
		}
		c.mode.SetIV(f[:c.size])
		f = f[c.size:]
	}
	if len(f)%c.size != 0 || len(f) < c.inside()+1 {
		return false
	}
	c.mode.CryptBlocks(f, f)
	*fragment = f
	return true
}

// checkMAC checks the MAC of a decrypted fragment in time that does not depend
// on the padding, nor on what is wrong. A bad padding counts as one of a single
// byte (RFC 5246, section 6.2.3.2, implementation note).
func (c *cbc) checkMAC(a *additionalData, fragment []byte, padding, good int) ([]byte, error) {
	size := c.mac.size()
	padding = subtle.ConstantTimeSelect(good, padding, 1)
	n := len(fragment) - size - padding
	var got [maxMACSize]byte
	copySecret(got[:size], fragment, n)
	want := c.mac.sumSecret(a, fragment[:len(fragment)-size-1], n, maxPadding-1)
	if subtle.ConstantTimeCompare(got[:size], want)&good != 1 {
		return nil, ErrBadRecordMAC
	}
	return fragment[:n], nil
}

// maxPadding is the longest padding, padding_length included.
const maxPadding = 256

// paddingOf returns the length of a decrypted fragment's padding, with the byte
// that tells it, and 1 if it is well formed, in time that does not depend on
// its content: every byte of it must be padding_length, and before it there
// must be room for inside bytes of MAC.
func paddingOf(b []byte, inside int) (length, good int) {
	last := b[len(b)-1]
	good = subtle.ConstantTimeLessOrEq(int(last)+1+inside, len(b))
	var wrong byte
	for i := range min(maxPadding, len(b)) {
		isPadding := mask(subtle.ConstantTimeLessOrEq(i, int(last)))
		wrong |= isPadding & (last ^ b[len(b)-1-i])
	}
	return int(last) + 1, good & subtle.ConstantTimeByteEq(wrong, 0)
}

// copySecret copies len(dst) bytes from b[at:]. At is secret, and within the
// last maxPadding bytes before the last len(dst). It reads every byte that
// could be meant into a ring of len(dst), and then rotates the ring.
func copySecret(dst, b []byte, at int) {
	from := max(0, len(b)-len(dst)-maxPadding)
	var turned [maxMACSize]byte
	first := 0 // where in turned the first byte stands: secret
	for i, j := from, 0; i < len(b); i++ {
		begun := subtle.ConstantTimeLessOrEq(at, i)
		over := subtle.ConstantTimeLessOrEq(at+len(dst), i)
		turned[j] |= b[i] & mask(begun&^over)
		first |= j & -subtle.ConstantTimeEq(int32(i), int32(at))
		if j++; j == len(dst) {
			j = 0
		}
	}
	var next [maxMACSize]byte
	for step := 1; step < len(dst); step <<= 1 { // a turn by each bit of first
		turn := mask(subtle.ConstantTimeEq(int32(first&step), int32(step)))
		for i := range dst {
			next[i] = turned[(i+step)%len(dst)]&turn | turned[i]&^turn
		}
		turned = next
	}
	copy(dst, turned[:])
}
