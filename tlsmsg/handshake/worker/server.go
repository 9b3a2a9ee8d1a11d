// The work that only a server asks for.

package worker

import (
	"crypto"
	"fmt"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

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
