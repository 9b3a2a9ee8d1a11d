package suite

import (
	"bytes"
	"crypto/cipher"
	"crypto/ecdh"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

// Project Wycheproof's vectors, which attack what implementations get wrong, are
// fetched as a module: their checksum says that they are these.
const (
	wycheproof    = "github.com/C2SP/wycheproof@v0.0.0-20250901140545-b51abcfb8daf"
	wycheproofSum = "h1:5BKKVVVj676FUWirLcouEEL6GCYR9X0opkMlEUck8FY="
)

// vectors are those of one file, group by group.
func vectors(t *testing.T, file string) []vectorGroup {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", wycheproof)
	cmd.Dir = t.TempDir() // no module of ours is touched
	out, err := cmd.Output()
	var module struct{ Dir, Sum, Error string }
	err = errors.Join(err, json.Unmarshal(out, &module))
	switch {
	case err != nil && os.Getenv("CI") != "true":
		t.Skipf("needs the module %s: %v %s", wycheproof, err, module.Error)
	case err != nil:
		t.Fatal(err, module.Error)
	case module.Sum != wycheproofSum:
		t.Fatalf("%s has the sum %s", wycheproof, module.Sum)
	}
	data, err := os.ReadFile(filepath.Join(module.Dir, "testvectors_v1", file))
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ TestGroups []vectorGroup }
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	if len(all.TestGroups) == 0 {
		t.Fatal("no vectors in ", file)
	}
	return all.TestGroups
}

type vectorGroup struct {
	Type, ParameterSet string
	IVSize             int
	Tests              []vector
}

type vector struct {
	TcID            int
	Result          string // valid, invalid, acceptable
	Flags           []string
	Public, Private octets // of a key agreement
	Shared          octets
	Seed, EK, C, K  octets // of ML-KEM
	IKM, Salt, Info octets // of HKDF
	Size            int
	OKM             octets
	Key, IV, AAD    octets // of an AEAD
	Msg, CT, Tag    octets
}

type octets []byte

func (o *octets) UnmarshalText(text []byte) (err error) {
	*o, err = hex.DecodeString(string(text))
	return err
}

// wycheproofTest runs all vectors of a file, and sees that there are enough.
func wycheproofTest(t *testing.T, file string, least int, check func(*testing.T, *vectorGroup, *vector) (ran bool)) {
	t.Run(strings.TrimSuffix(file, "_test.json"), func(t *testing.T) {
		n := 0
		for _, g := range vectors(t, file) {
			for i := range g.Tests {
				if check(t, &g, &g.Tests[i]) {
					n++
				}
			}
		}
		if n < least {
			t.Errorf("%d vectors were used, want %d", n, least)
		}
	})
}

// A key that is on no curve, that is compressed, or that leads to a secret which
// everybody knows is refused; all others agree on what they must.
func TestWycheproofKeyAgreement(t *testing.T) {
	for file, c := range map[string]struct {
		curve ecdh.Curve
		size  int
	}{
		"x25519_test.json":                 {ecdh.X25519(), 32},
		"ecdh_secp256r1_ecpoint_test.json": {ecdh.P256(), 32},
		"ecdh_secp384r1_ecpoint_test.json": {ecdh.P384(), 48},
		"ecdh_secp521r1_ecpoint_test.json": {ecdh.P521(), 66},
	} {
		wycheproofTest(t, file, 300, func(t *testing.T, _ *vectorGroup, v *vector) bool {
			scalar := v.Private[max(0, len(v.Private)-c.size):]
			own, err := c.curve.NewPrivateKey(padded(scalar, c.size))
			if err != nil {
				t.Fatalf("%d: %v", v.TcID, err)
			}
			secret, err := (&Key{ec: own}).Agree(v.Public)
			refused := v.Result == "invalid" || slices.Contains(v.Flags, "ZeroSharedSecret") || slices.Contains(v.Flags, "CompressedPoint")
			switch {
			case refused && !errors.Is(err, ErrPeerKey):
				t.Errorf("%d %v: %x, %v, want it refused", v.TcID, v.Flags, secret, err)
			case !refused && (err != nil || !bytes.Equal(secret, v.Shared)):
				t.Errorf("%d %v: %x, %v, want %x", v.TcID, v.Flags, secret, err, v.Shared)
			}
			return true
		})
	}
}

// ML-KEM inside a hybrid: the secret of a ciphertext, and keys that are none.
func TestWycheproofMLKEM(t *testing.T) {
	groups := map[string]tlsmsg.NamedGroup{"ML-KEM-768": tlsmsg.GroupX25519MLKEM768, "ML-KEM-1024": tlsmsg.GroupSecP384r1MLKEM1024}
	wycheproofTest(t, "mlkem_test.json", 20, func(t *testing.T, g *vectorGroup, v *vector) bool {
		group, ok := groups[g.ParameterSet]
		if !ok {
			return false
		}
		h := hybridOf(group)
		point, err := ephemeral(curveOf(h.curve), h.curve, nil)
		if err != nil {
			t.Fatal(err)
		}
		if g.Type == "MLKEMEncapsTest" {
			_, _, err := Encapsulate(group, h.join(v.EK, point.PublicKey().Bytes()), nil)
			if want := v.Result == "valid"; want != (err == nil) || !want && !errors.Is(err, ErrPeerKey) {
				t.Errorf("%d %v: %v, and it is %s", v.TcID, v.Flags, err, v.Result)
			}
			return true
		}
		k := &hybridKey{hybrid: h}
		if err := k.makeKEM(bytes.NewReader(v.Seed)); err != nil {
			t.Fatal(err)
		}
		secret, err := k.kem.Decapsulate(v.C)
		if err != nil || !bytes.Equal(secret, v.K) || !bytes.Equal(k.public, v.EK) {
			t.Errorf("%d %v: %x, %v, want %x", v.TcID, v.Flags, secret, err, v.K)
		}
		return true
	})
}

func TestWycheproofHKDF(t *testing.T) {
	for file, h := range map[string]Hash{"hkdf_sha256_test.json": SHA256, "hkdf_sha384_test.json": SHA384} {
		wycheproofTest(t, file, 80, func(t *testing.T, _ *vectorGroup, v *vector) bool {
			if v.Result != "valid" { // longer than anything can be: nothing here asks for it
				return false
			}
			if got := expand(h, extract(h, v.IKM, v.Salt), v.Info, v.Size); !bytes.Equal(got, v.OKM) {
				t.Errorf("%d: %x, want %x", v.TcID, got, v.OKM)
			}
			return true
		})
	}
}

// The ciphers that records are protected by, with nonces of TLS's length.
func TestWycheproofAEAD(t *testing.T) {
	aeadOf := func(t *testing.T, c recordCipher, err error) cipher.AEAD {
		if err != nil {
			t.Fatal(err)
		}
		switch c := c.(type) {
		case *aesGCM:
			return c.aead
		case *chaCha20Poly1305:
			return c.aead
		}
		t.Fatalf("%T", c)
		return nil
	}
	for file, newCipher := range map[string]func(DirectionKeys) (recordCipher, error){
		"aes_gcm_test.json": newAESGCM, "chacha20_poly1305_test.json": newChaCha20Poly1305,
	} {
		wycheproofTest(t, file, 100, func(t *testing.T, g *vectorGroup, v *vector) bool {
			if g.IVSize != 8*aeadNonceLen || len(v.Key) == 24 {
				return false
			}
			c, err := newCipher(DirectionKeys{Key: v.Key, IV: v.IV})
			a := aeadOf(t, c, err)
			sealed := slices.Concat(v.CT, v.Tag)
			got, err := a.Open(nil, v.IV, sealed, v.AAD)
			if valid := v.Result == "valid"; valid != (err == nil) || valid && !bytes.Equal(got, v.Msg) {
				t.Errorf("%d %v: %x, %v, and it is %s", v.TcID, v.Flags, got, err, v.Result)
			} else if valid && !bytes.Equal(a.Seal(nil, v.IV, v.Msg, v.AAD), sealed) {
				t.Errorf("%d %v: sealed otherwise", v.TcID, v.Flags)
			}
			return true
		})
	}
}
