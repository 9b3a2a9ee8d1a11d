// Groups of Diffie-Hellman, good and bad.

package scripted

import (
	"crypto/rand"
	"encoding/hex"
	"math/big"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// FFDHE2048 is that of RFC 7919.
func FFDHE2048() Group {
	p, g := suite.DHParameters(tlsmsg.GroupFFDHE2048)
	return Group{p, g}
}

// Oakley2 is the group of 1024 bits of RFC 2409, section 6.2, which many servers
// share.
func Oakley2() Group {
	p, err := hex.DecodeString("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD" +
		"EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF")
	if err != nil {
		panic(err)
	}
	return Group{p, []byte{2}}
}

// Own is a group that no other server has.
func Own(t testing.TB, bits int) Group {
	t.Helper()
	p, err := rand.Prime(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return Group{p.Bytes(), []byte{5}}
}

// Composite is one whose modulus is no prime.
func Composite(t testing.TB, bits int) Group {
	t.Helper()
	a, b := Own(t, bits/2), Own(t, bits-bits/2)
	return Group{new(big.Int).Mul(new(big.Int).SetBytes(a.P), new(big.Int).SetBytes(b.P)).Bytes(), []byte{5}}
}
