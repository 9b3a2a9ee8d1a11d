// The parts of a protected fragment, for readers without its keys.

package suite

import "github.com/rawshake/rawshake/field"

// DecodeFragment reads a protected fragment, all that is left in the cursor's
// group, as far as its parts can be told apart without keys: a group named for
// its struct (RFC 5246, section 6.2.3). One that is too short for the suite's
// parts is ciphertext as a whole.
func (s *Suite) DecodeFragment(c *field.Cursor, encryptThenMAC bool) {
	p := &s.protection
	switch {
	case p.aead != nil && p.ivLen < aeadNonceLen:
		parts(c, "GenericAEADCipher", "nonce_explicit", aeadNonceLen-p.ivLen, "tag", aeadTagLen)
	case p.aead != nil:
		parts(c, "GenericAEADCipher", "nonce_explicit", 0, "tag", aeadTagLen)
	case p.block != blockNone:
		iv, mac := 0, 0
		if s.FixedIVLen == 0 { // TLS 1.1 and later send it
			iv = p.block.size()
		}
		if encryptThenMAC {
			mac = p.mac.size()
		}
		parts(c, "GenericBlockCipher", "IV", iv, "MAC", mac)
	default:
		parts(c, "GenericStreamCipher", "", 0, "", 0)
	}
}

func parts(c *field.Cursor, group, head string, headLen int, tail string, tailLen int) {
	c.Enter(group)
	if c.Left() < headLen+tailLen {
		headLen, tailLen = 0, 0
	}
	if headLen > 0 {
		c.Bytes(head, headLen)
	}
	c.Bytes("ciphertext", c.Left()-tailLen)
	if tailLen > 0 {
		c.Bytes(tail, tailLen)
	}
	c.Leave()
}
