// Ephemeral keys: one is made, and later agreed with the peer's.

package worker

import (
	"fmt"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

func (w *Worker) keyPair(work handshake.KeyPairWork) handshake.Result {
	var key *suite.Key
	var r handshake.KeyPairResult
	from := w.Rand
	switch {
	case work.Seed != nil:
		from = suite.SeedReader(work.Seed, work.Group)
	case suite.IsFFDHE(work.Group):
		from = w.random()
	}
	beside, _ := work.Beside.(*suite.Key)
	switch {
	case beside.CurveKey(work.Group) != nil:
		key = beside.CurveKey(work.Group)
	case work.Prime != nil:
		key, r.DH, r.Err = suite.NewPeersDHKey(work.Prime, work.Generator, w.Primes.test, w.random())
	case work.Share:
		key, r.Err = suite.NewShare(work.Group, from)
	default:
		key, r.Err = suite.NewKey(work.Group, from)
	}
	if r.Err == nil {
		r.PublicKey, r.Private = key.PublicKey(), key
	}
	return r
}

func (w *Worker) sharedSecret(work handshake.SharedSecretWork) handshake.Result {
	if work.Encapsulate != 0 {
		share, secret, err := suite.Encapsulate(work.Encapsulate, work.PeerKey, w.Rand)
		return handshake.SharedSecretResult{Secret: secret, Share: share, Err: err}
	}
	key, ok := work.Private.(*suite.Key)
	if !ok {
		return handshake.SharedSecretResult{Err: fmt.Errorf("no key of this worker's: %T", work.Private)}
	}
	secret, err := key.Agree(work.PeerKey)
	return handshake.SharedSecretResult{Secret: secret, Err: err}
}
