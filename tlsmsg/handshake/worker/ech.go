// HPKE for encrypted ClientHellos (RFC 9849, section 6.1).

package worker

import (
	"crypto/hpke"
	"crypto/rand"
	"fmt"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// sealECH makes a context that encrypts to a configuration's key.
func sealECH(work handshake.ECHSealWork) handshake.Result {
	var r handshake.ECHSealResult
	kdf, aead, err := hpkeSuite(work.Suite)
	if err != nil {
		return handshake.ECHSealResult{Err: err}
	}
	kem, err := hpke.NewKEM(uint16(work.Config.KEM))
	if err != nil {
		return handshake.ECHSealResult{Err: err}
	}
	key, err := kem.NewPublicKey(work.Config.PublicKey)
	if err != nil {
		return handshake.ECHSealResult{Err: err}
	}
	enc, sender, err := hpke.NewSender(key, kdf, aead, suite.ECHInfo(work.Config))
	if err != nil {
		return handshake.ECHSealResult{Err: err}
	}
	r.Enc, r.Sealer = enc, sender
	rand.Read(r.Random[:])
	rand.Read(r.Secret[:])
	return r
}

// openECH decrypts a ClientHello, if it was encrypted to the key.
func (w *Worker) openECH(work handshake.ECHOpenWork) handshake.Result {
	if work.Key < 0 || work.Key >= len(w.ECHKeys) {
		return handshake.ECHOpenResult{Err: fmt.Errorf("no private key for the ECHConfig %d", work.Key+1)}
	}
	kdf, aead, err := hpkeSuite(work.Suite)
	if err != nil {
		return handshake.ECHOpenResult{Err: err}
	}
	opener, err := hpke.NewRecipient(work.Enc, w.ECHKeys[work.Key], kdf, aead, suite.ECHInfo(work.Config))
	if err != nil {
		return handshake.ECHOpenResult{Err: err}
	}
	inner, err := opener.Open(work.AAD, work.Payload)
	return handshake.ECHOpenResult{Inner: inner, Opener: opener, Err: err}
}

func hpkeSuite(s tlsmsg.HPKESuite) (hpke.KDF, hpke.AEAD, error) {
	kdf, err := hpke.NewKDF(uint16(s.KDF))
	if err != nil {
		return nil, nil, err
	}
	aead, err := hpke.NewAEAD(uint16(s.AEAD))
	return kdf, aead, err
}
