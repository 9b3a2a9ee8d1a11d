// Which work takes long, so that a driver with many connections does it
// elsewhere.

package worker

import (
	"bytes"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// Within bounds a peer chooses what we compute: finite-field Diffie-Hellman
// with large primes, signatures by long RSA keys, chains of many or of large
// certificates. A driver with many connections in one thread does such work
// elsewhere.
const (
	longRSABits = 4096
	longChain   = 5       // certificates,
	longCert    = 5 << 9  // bytes of one: a longer one may have a key, or a signature, of 10,000 bits
	longDER     = 8 << 10 // and of all
)

// Long reports whether a piece of work may take longer than a millisecond or so.
func Long(work handshake.Work) bool {
	switch work := work.(type) {
	case handshake.KeyPairWork:
		return work.Prime != nil || suite.IsFFDHE(work.Group)
	case handshake.SharedSecretWork:
		key, ok := work.Private.(*suite.Key)
		return ok && key.Finite()
	case handshake.EncryptWork:
		return suite.RSABits(work.PublicKey) > longRSABits
	case handshake.VerifySignatureWork:
		return suite.RSABits(work.PublicKey) > longRSABits
	case handshake.VerifyChainWork:
		n := 0
		for _, der := range work.Chain {
			if n += len(der); len(der) > longCert {
				return true
			}
		}
		return len(work.Chain) >= longChain || n > longDER
	}
	return false
}

// Own returns a copy of the work that shares no memory with the machine that
// yielded it: it may be done while the machine goes on, or serves another
// connection. Keys are shared, since nobody writes to them.
func Own(work handshake.Work) handshake.Work {
	switch w := work.(type) {
	case handshake.KeyPairWork:
		w.Prime, w.Generator, w.Seed = bytes.Clone(w.Prime), bytes.Clone(w.Generator), bytes.Clone(w.Seed)
		return w
	case handshake.SharedSecretWork:
		w.PeerKey = bytes.Clone(w.PeerKey)
		return w
	case handshake.VerifySignatureWork:
		w.Signed, w.Signature = bytes.Clone(w.Signed), bytes.Clone(w.Signature)
		return w
	case handshake.VerifyChainWork:
		chain := make([][]byte, len(w.Chain))
		for i, der := range w.Chain {
			chain[i] = bytes.Clone(der)
		}
		w.Chain = chain
		return w
	case handshake.SignWork:
		w.Signed = bytes.Clone(w.Signed)
		return w
	}
	return work
}
