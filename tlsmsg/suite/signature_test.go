package suite

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

func testSigners(t testing.TB) map[keyKind]crypto.Signer {
	t.Helper()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return map[keyKind]crypto.Signer{keyRSA: r, keyPSS: &PSSSigner{Key: r}, keyECDSA: e, keyEd25519: ed}
}

// Each scheme signs and verifies with the one kind of key that it names and no
// other, and every scheme tells itself apart from every other.
func TestASignatureVerifiesUnderItsOwnSchemeAndKeyAlone(t *testing.T) {
	signed := []byte("client_random server_random params")
	signers := testSigners(t)
	for _, s := range schemes {
		for kind, signer := range signers {
			sig, err := Sign(signer, s.id, signed, rand.Reader)
			if kind != s.key {
				if err == nil || Verify(signer.Public(), s.id, signed, sig) == nil {
					t.Errorf("scheme %#x took a key of kind %v", uint16(s.id), kind)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, other := range schemes {
				err := Verify(signer.Public(), other.id, signed, sig)
				if (err == nil) != (other.id == s.id) {
					t.Errorf("signed as %#x, verified as %#x: %v", uint16(s.id), uint16(other.id), err)
				}
			}
			for i := range sig {
				bad := bytes.Clone(sig)
				bad[i] ^= 0x40
				if err := Verify(signer.Public(), s.id, signed, bad); !errors.Is(err, ErrBadSignature) {
					t.Errorf("scheme %#x with byte %d changed: %v", uint16(s.id), i, err)
				}
			}
			if err := Verify(signer.Public(), s.id, signed[1:], sig); !errors.Is(err, ErrBadSignature) {
				t.Errorf("scheme %#x over other bytes: %v", uint16(s.id), err)
			}
			if err := Verify(signer.Public(), s.id, signed, nil); !errors.Is(err, ErrBadSignature) {
				t.Errorf("scheme %#x, empty signature: %v", uint16(s.id), err)
			}
		}
	}
}

func TestUnknownSchemesAndKeysAreRefusedInWords(t *testing.T) {
	signers := testSigners(t)
	for _, tc := range []struct {
		id   tlsmsg.SignatureScheme
		pub  any
		want string
	}{
		{0xfefe, signers[keyRSA].Public(), "not known"},
		{0x0403, signers[keyRSA].Public(), "needs a key of kind ECDSA, not RSA"},
		{0x0804, nil, "needs a key of kind RSA"},
	} {
		if err := Fits(tc.id, tc.pub); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%#x: %v, want %q", uint16(tc.id), err, tc.want)
		}
	}
	if got := SchemesFor(signers[keyEd25519].Public()); len(got) != 1 || got[0] != 0x0807 {
		t.Errorf("schemes for Ed25519: %v", got)
	}
	if got := SchemesFor("no key"); got != nil {
		t.Errorf("schemes for a string: %v", got)
	}
}

func TestSuitesTakeTheKeysThatTheirNamesSay(t *testing.T) {
	for kind, signer := range testSigners(t) {
		for _, id := range IDs() {
			s := Lookup(id)
			want := (s.Authentication == AuthRSA) == (kind == keyRSA || kind == keyPSS) &&
				(kind != keyPSS || s.KeyExchange != tlsmsg.KeyExchangeRSA)
			if got := s.FitsKey(signer.Public()) == nil; got != want {
				t.Errorf("suite %#x with a key of kind %v: %v", uint16(id), kind, got)
			}
			if s.FitsKey(nil) == nil {
				t.Errorf("suite %#x fits a key of nil", uint16(id))
			}
		}
	}
}

// agree makes a key and agrees with a peer's.
func agree(g tlsmsg.NamedGroup, peerKey []byte, rand io.Reader) (publicKey, secret []byte, err error) {
	key, err := NewKey(g, rand)
	if err != nil {
		return nil, nil, err
	}
	secret, err = key.Agree(peerKey)
	return key.PublicKey(), secret, err
}

func TestBothSidesAgree(t *testing.T) {
	for _, g := range Groups() {
		peer, err := curveOf(g).GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, r := range map[string]*bytes.Reader{"system randomness": nil, "given randomness": bytes.NewReader(ascending(1, 66))} {
			var pub, secret []byte
			if r == nil {
				pub, secret, err = agree(g, peer.PublicKey().Bytes(), nil)
			} else {
				pub, secret, err = agree(g, peer.PublicKey().Bytes(), r)
			}
			if err != nil {
				t.Fatalf("group %d, %s: %v", g, name, err)
			}
			ours, err := curveOf(g).NewPublicKey(pub)
			if err != nil {
				t.Fatal(err)
			}
			if theirs, err := peer.ECDH(ours); err != nil || !bytes.Equal(theirs, secret) {
				t.Errorf("group %d, %s: secrets differ (%v)", g, name, err)
			}
		}
	}
}

func TestTheSameRandomnessMakesTheSameKey(t *testing.T) {
	for _, g := range Groups() {
		peer, _ := curveOf(g).GenerateKey(nil)
		pub := func() string {
			p, _, err := agree(g, peer.PublicKey().Bytes(), bytes.NewReader(ascending(1, 66)))
			if err != nil {
				t.Fatal(err)
			}
			return string(p)
		}
		if first, again := pub(), pub(); first != again {
			t.Errorf("group %d: two keys from the same bytes", g)
		}
	}
}

func TestUselessPeerKeysAreRefused(t *testing.T) {
	point, _ := ecdh.P256().GenerateKey(nil)
	offCurve := bytes.Clone(point.PublicKey().Bytes())
	offCurve[64] ^= 1
	one := make([]byte, 32)
	one[0] = 1
	for name, tc := range map[string]struct {
		g   tlsmsg.NamedGroup
		key []byte
	}{
		"X25519, zero":         {tlsmsg.GroupX25519, make([]byte, 32)},
		"X25519, order 1":      {tlsmsg.GroupX25519, one},
		"X25519, short":        {tlsmsg.GroupX25519, make([]byte, 31)},
		"P-256, off the curve": {tlsmsg.GroupSecp256r1, offCurve},
		"P-256, at infinity":   {tlsmsg.GroupSecp256r1, []byte{0}},
		"P-256, empty":         {tlsmsg.GroupSecp256r1, nil},
		"P-256, compressed":    {tlsmsg.GroupSecp256r1, append([]byte{2}, offCurve[1:33]...)},
		"P-384, of P-256":      {tlsmsg.GroupSecp384r1, point.PublicKey().Bytes()},
	} {
		if _, _, err := agree(tc.g, tc.key, nil); !errors.Is(err, ErrPeerKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := agree(0x1234, nil, nil); err == nil || errors.Is(err, ErrPeerKey) {
		t.Errorf("unknown group: %v", err)
	}
	if _, _, err := agree(tlsmsg.GroupSecp256r1, point.PublicKey().Bytes(), bytes.NewReader(nil)); err == nil || errors.Is(err, ErrPeerKey) {
		t.Errorf("no randomness: %v", err)
	}
}
