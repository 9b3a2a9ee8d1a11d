package worker

import (
	"crypto"
	"fmt"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

func (w *Worker) keyPair(work handshake.KeyPairWork) handshake.Result {
	key, err := suite.NewKey(work.Group, w.random())
	if err != nil {
		return handshake.KeyPairResult{Err: err}
	}
	return handshake.KeyPairResult{PublicKey: key.PublicKey(), Private: key}
}

func sharedSecret(work handshake.SharedSecretWork) handshake.Result {
	key, ok := work.Private.(*suite.Key)
	if !ok {
		return handshake.SharedSecretResult{Err: fmt.Errorf("no key of this worker's: %T", work.Private)}
	}
	secret, err := key.Agree(work.PeerKey)
	return handshake.SharedSecretResult{PreMasterSecret: secret, Err: err}
}

func (w *Worker) decrypt(work handshake.DecryptWork) handshake.Result {
	if work.Credential < 0 || work.Credential >= len(w.Signers) {
		return handshake.DecryptResult{Err: fmt.Errorf("no private key for certificate %d", work.Credential+1)}
	}
	key, ok := w.Signers[work.Credential].(crypto.Decrypter)
	if !ok {
		return handshake.DecryptResult{Err: fmt.Errorf("the private key of certificate %d does not decrypt", work.Credential+1)}
	}
	secret, err := suite.DecryptPreMaster(key, work.Ciphertext, work.Version, w.random())
	return handshake.DecryptResult{PreMasterSecret: secret, Err: err}
}
