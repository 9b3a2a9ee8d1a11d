package worker

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"fmt"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

func (w *Worker) keyPair(work handshake.KeyPairWork) handshake.Result {
	pair, err := suite.NewKeyPair(work.Group, w.Rand)
	if err != nil {
		return handshake.KeyPairResult{Err: err}
	}
	return handshake.KeyPairResult{PublicKey: pair.PublicKey(), Private: pair}
}

func sharedSecret(work handshake.SharedSecretWork) handshake.Result {
	pair, ok := work.Private.(*suite.KeyPair)
	if !ok {
		return handshake.SharedSecretResult{Err: fmt.Errorf("no key pair of this worker's: %T", work.Private)}
	}
	secret, err := pair.Agree(work.PeerKey)
	return handshake.SharedSecretResult{PreMasterSecret: secret, Err: err}
}

// preMasterLen is the length of the pre_master_secret of an RSA key exchange
// (RFC 5246, section 7.4.7.1).
const preMasterLen = 48

// decrypt does what RFC 5246, section 7.4.7.1, says against Bleichenbacher's
// and Klíma's attacks: a ciphertext that is not good, in whatever way, becomes
// random bytes, and the version inside is not compared but replaced. The
// handshake then fails at Finished, the same for all.
func (w *Worker) decrypt(work handshake.DecryptWork) handshake.Result {
	if work.Credential < 0 || work.Credential >= len(w.Signers) {
		return handshake.DecryptResult{Err: fmt.Errorf("no private key for certificate %d", work.Credential+1)}
	}
	key, ok := w.Signers[work.Credential].(crypto.Decrypter)
	if !ok {
		return handshake.DecryptResult{Err: fmt.Errorf("the private key of certificate %d does not decrypt", work.Credential+1)}
	}
	random := w.Rand
	if random == nil {
		random = rand.Reader
	}
	// In constant time it gives random bytes for bad padding or a wrong length;
	// an error tells only what anybody sees: that the ciphertext's length is
	// not the key's.
	secret, err := key.Decrypt(random, work.Ciphertext, &rsa.PKCS1v15DecryptOptions{SessionKeyLen: preMasterLen})
	if err != nil || len(secret) != preMasterLen {
		secret = make([]byte, preMasterLen)
		if _, err := rand.Read(secret); err != nil {
			return handshake.DecryptResult{Err: err}
		}
	}
	secret[0], secret[1] = byte(work.Version>>8), byte(work.Version)
	return handshake.DecryptResult{PreMasterSecret: secret}
}
