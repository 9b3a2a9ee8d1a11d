// One piece of work after the other, done with Go's own packages and others.

package worker

import (
	"crypto"
	"crypto/hpke"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"io"
	"time"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// A Worker does a machine's work. The zero Worker judges by the system's roots
// and clock and has no client key. It keeps no state of its own: one Worker
// serves many machines, also at the same time if Rand and Signers do.
type Worker struct {
	Roots   *x509.CertPool    // nil: the system's
	Signers []crypto.Signer   // the private half of the Config's Credentials, in its order
	ECHKeys []hpke.PrivateKey // the private half of a ServerConfig's ECHKeys, in its order
	Rand    io.Reader         // nil: the system's; anything else makes keys predictable, for tests
	Now     func() time.Time  // nil: the system's clock

	Parsed   *Parsed   // certificates met before; nil: each is parsed again
	Verdicts *Verdicts // on chains met before; nil: each is judged again
	Primes   *Primes   // of DHE, met before; nil: each is tested again
	Sessions *Sessions // of servers, for abbreviated handshakes; nil: none are kept
}

// Do does one piece of work.
func (w *Worker) Do(work handshake.Work) handshake.Result {
	switch work := work.(type) {
	case handshake.KeyPairWork:
		return w.keyPair(work)
	case handshake.SharedSecretWork:
		return w.sharedSecret(work)
	case handshake.EncryptWork:
		encrypted, secret, err := suite.EncryptPreMaster(work.PublicKey, work.Version, w.random())
		return handshake.EncryptResult{Encrypted: encrypted, PreMasterSecret: secret, Err: err}
	case handshake.VerifyChainWork:
		return w.judge(work)
	case handshake.VerifyStatusWork:
		return w.status(work)
	case handshake.VerifySignatureWork:
		return handshake.VerifySignatureResult{
			Err: suite.Verify(work.PublicKey, work.Scheme, work.Signed, work.Signature)}
	case handshake.SignWork:
		return w.sign(work)
	case handshake.RandomWork:
		var r handshake.RandomResult
		rand.Read(r.Random[:])
		return r
	case handshake.ECHSealWork:
		return sealECH(work)
	case handshake.ECHOpenWork:
		return w.openECH(work)
	case handshake.DecryptWork:
		return w.decrypt(work)
	case handshake.LookupSessionWork:
		return w.lookup(work)
	case handshake.KeepSessionWork:
		return w.keep(work)
	case handshake.DecompressWork:
		return decompress(work)
	case handshake.CompressWork:
		return compress(work)
	}
	return nil // the machine refuses it
}

// A Machine is a side of a handshake: a *handshake.Client, say.
type Machine interface {
	Work() (handshake.Work, bool)
	Resume(handshake.Result)
}

// Finish does all work that c has outstanding.
func (w *Worker) Finish(c Machine) {
	for work, ok := c.Work(); ok; work, ok = c.Work() {
		c.Resume(w.Do(work))
	}
}

func (w *Worker) sign(work handshake.SignWork) handshake.Result {
	if work.Credential < 0 || work.Credential >= len(w.Signers) {
		return handshake.SignResult{Err: fmt.Errorf("no private key for certificate %d", work.Credential+1)}
	}
	sig, err := suite.Sign(w.Signers[work.Credential], work.Scheme, work.Signed, w.random())
	return handshake.SignResult{Signature: sig, Err: err}
}

// random is the given randomness, or the system's.
func (w *Worker) random() io.Reader {
	if w.Rand == nil {
		return rand.Reader
	}
	return w.Rand
}
