// RSA key exchange: the pre_master_secret, encrypted to the server's key.

package suite

import (
	"crypto"
	"crypto/rsa"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/rawshake/rawshake/tlsmsg"
)

// preMasterLen is the length of a pre_master_secret that the client chooses
// (RFC 5246, section 7.4.7.1).
const preMasterLen = 48

// EncryptPreMaster makes a pre_master_secret from rand's bytes and encrypts it
// to the server's key (RFC 5246, section 7.4.7.1). offered is the version of
// the ClientHello, which the secret repeats.
func EncryptPreMaster(pub crypto.PublicKey, offered tlsmsg.Version, rand io.Reader) (encrypted, preMaster []byte, err error) {
	key, ok := pub.(*rsa.PublicKey)
	if !ok {
		return nil, nil, fmt.Errorf("RSA key exchange with a key of type %T", pub)
	}
	if rand == nil {
		return nil, nil, errors.New("no randomness for the pre-master secret")
	}
	preMaster = make([]byte, preMasterLen)
	binary.BigEndian.PutUint16(preMaster, uint16(offered))
	if _, err := io.ReadFull(rand, preMaster[2:]); err != nil {
		return nil, nil, fmt.Errorf("randomness for the pre-master secret: %w", err)
	}
	//lint:ignore SA1019 what TLS 1.2 prescribes
	encrypted, err = rsa.EncryptPKCS1v15(rand, key, preMaster)
	return encrypted, preMaster, err
}

// DecryptPreMaster is the server's half. Whatever the ciphertext holds, a
// pre_master_secret comes back: one made of rand's bytes where the padding or
// the version in it is wrong, so that neither time nor answer tells which
// (RFC 5246, section 7.4.7.1, against Bleichenbacher's attack). An error says
// that the key or the randomness failed.
func DecryptPreMaster(key crypto.Decrypter, encrypted []byte, offered tlsmsg.Version, rand io.Reader) (preMaster []byte, err error) {
	random := make([]byte, preMasterLen)
	if _, err := io.ReadFull(rand, random); err != nil {
		return nil, fmt.Errorf("randomness for the pre-master secret: %w", err)
	}
	// With SessionKeyLen a bad padding gives random bytes. What errors are left
	// are about the key, and about lengths, which are no secret.
	//lint:ignore SA1019 what TLS 1.2 prescribes
	got, err := key.Decrypt(rand, encrypted, &rsa.PKCS1v15DecryptOptions{SessionKeyLen: preMasterLen})
	if err != nil || len(got) != preMasterLen {
		if !errors.Is(err, rsa.ErrDecryption) && err != nil {
			return nil, err
		}
		return random, nil
	}
	good := subtle.ConstantTimeByteEq(got[0], byte(offered>>8)) & subtle.ConstantTimeByteEq(got[1], byte(offered))
	subtle.ConstantTimeCopy(good, random, got)
	return random, nil
}
