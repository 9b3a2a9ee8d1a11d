// What stands in an outer ClientHello so that it looks like any other, and means
// nothing (RFC 9849, sections 6.1.2 and 6.2).

package handshake

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// noise returns n bytes that nobody can tell from random ones who does not know the
// secret: the same for the same purpose, as a second ClientHello repeats them.
func noise(secret [32]byte, purpose string, n int) []byte {
	b, err := hkdf.Expand(sha256.New, secret[:], purpose, n)
	if err != nil {
		panic("hkdf: " + err.Error()) // more than 255 hashes
	}
	return b
}

// dummyPSKs are as many PSKs as the inner ClientHello offers, each of the length of
// one of its.
func (c *Client) dummyPSKs() []pskOffer {
	list := c.allPSKs()
	for i := range list {
		id := &list[i].id
		purpose := "identity " + string(rune('0'+i))
		id.ObfuscatedTicketAge = binary.BigEndian.Uint32(noise(c.ech.made.Secret, "age of "+purpose, 4))
		id.Identity = noise(c.ech.made.Secret, purpose, min(len(id.Identity), maxNoise))
	}
	return list
}

// maxNoise is the most that noise makes.
const maxNoise = 255 * sha256.Size

// dummyBinders fills in binders that bind nothing.
func (c *Client) dummyBinders(v *tlsmsg.PreSharedKey) {
	for i := range v.Binders {
		v.Binders[i] = noise(c.ech.made.Secret, "binder "+string(rune('0'+i)), len(v.Binders[i]))
	}
}

// echGreased has the key of a GREASE ECH.
func (c *Client) echGreased(r Result) error {
	result, ok := r.(KeyPairResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.Err != nil {
		return &InternalError{What: "making a key for GREASE ECH", Err: result.Err}
	}
	c.ech.made.Enc = result.PublicKey
	if c.tls13.ownSeed() != nil {
		c.greaseECH(c.tls13.seed)
		return nil
	}
	c.yield(RandomWork{}, (*Client).echDrawn)
	return nil
}

func (c *Client) echDrawn(r Result) error {
	result, ok := r.(RandomResult)
	if !ok {
		return wrongResult(result, r)
	}
	c.greaseECH(result.Random)
	return nil
}

// greaseECH makes an encrypted_client_hello that is as long as one of a name that is not
// long, and that nobody can open.
func (c *Client) greaseECH(secret [32]byte) {
	const least, step, steps = 128, 32, 4
	chosen := noise(secret, "GREASE ECH: choices", 2)
	v := tlsmsg.EncryptedClientHello{
		Form: tlsmsg.ECHOuter, Suite: tlsmsg.HPKESuite{KDF: 1, AEAD: 1}, ConfigID: chosen[0], Enc: c.ech.made.Enc,
		Payload: noise(secret, "GREASE ECH: payload", least+step*int(chosen[1]%steps)+suite.ECHOverhead),
	}
	c.ech.sent = v.AppendData(nil, inHello)
	c.makeShares()
}
