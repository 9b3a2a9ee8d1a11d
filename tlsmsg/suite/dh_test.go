package suite

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

// eulerBits returns the first n bits of e's binary fraction, with the two
// before the point: [2^n * e].
func eulerBits(n uint) *big.Int {
	const guard = 64
	sum, term := new(big.Int), new(big.Int).Lsh(big.NewInt(1), n+guard)
	for k := int64(1); term.Sign() > 0; k++ {
		sum.Add(sum, term)
		term.Quo(term, big.NewInt(k))
	}
	return sum.Rsh(sum, guard)
}

// piBits returns [2^n * pi], by Machin's formula.
func piBits(n uint) *big.Int {
	const guard = 64
	arctan := func(x int64) *big.Int {
		term := new(big.Int).Quo(new(big.Int).Lsh(big.NewInt(1), n+guard), big.NewInt(x))
		sum := new(big.Int).Set(term)
		for k := int64(3); term.Sign() != 0; k += 2 {
			term.Quo(term, big.NewInt(-x*x))
			sum.Add(sum, new(big.Int).Quo(term, big.NewInt(k)))
		}
		return sum
	}
	pi := arctan(5)
	pi.Mul(pi, big.NewInt(4)).Sub(pi, arctan(239)).Mul(pi, big.NewInt(4))
	return pi.Rsh(pi, guard)
}

// prime makes 2^n - 2^(n-64) - 1 + 2^64 * (bits + x).
func prime(n uint, bits *big.Int, x int64) *big.Int {
	one := big.NewInt(1)
	p := new(big.Int).Lsh(one, n)
	p.Sub(p, new(big.Int).Lsh(one, n-64)).Sub(p, one)
	return p.Add(p, new(big.Int).Lsh(new(big.Int).Add(bits, big.NewInt(x)), 64))
}

// RFC 7919, appendix A, and RFC 3526 give each prime by a formula and in
// digits; the digits here follow from the formula.
func TestTheKnownPrimesAreThoseOfTheirRFCs(t *testing.T) {
	for group, x := range map[tlsmsg.NamedGroup]int64{tlsmsg.GroupFFDHE2048: 560316, tlsmsg.GroupFFDHE3072: 2625351,
		tlsmsg.GroupFFDHE4096: 5736041, tlsmsg.GroupFFDHE6144: 15705020, tlsmsg.GroupFFDHE8192: 10965728} {
		p, g := DHParameters(group)
		n := uint(len(p) * 8)
		if want := prime(n, eulerBits(n-130), x); new(big.Int).SetBytes(p).Cmp(want) != 0 {
			t.Errorf("%v is not its formula's", group)
		}
		d, err := CheckDH(p, g)
		if err != nil || d.Group != group || d.Bits != int(n) || d.String() != group.String() {
			t.Errorf("%v: %+v, %v", group, d, err)
		}
	}
	for n, x := range map[uint]int64{768: 149686, 1024: 129093, 1536: 741804, 2048: 124476, 3072: 1690314,
		4096: 240904, 6144: 929484, 8192: 4743158} {
		sum := sha256.Sum256(prime(n, piBits(n-130), x).Bytes())
		if name := otherPrimes[hex.EncodeToString(sum[:])]; !strings.Contains(name, fmt.Sprintf("%d-bit", n)) {
			t.Errorf("the %d-bit prime of pi is named %q", n, name)
		}
	}
}

func TestBothSidesAgreeInFiniteFields(t *testing.T) {
	p1024 := prime(1024, piBits(894), 129093).Bytes()
	p2048, g := DHParameters(tlsmsg.GroupFFDHE2048)
	for _, p := range [][]byte{{23}, p1024, p2048} {
		for range 20 {
			server, err := NewDHKey(p, g, rand.Reader)
			if len(p) == 1 {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			key, _, err := NewPeersDHKey(p, g, nil, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			ours, err := key.Agree(server.PublicKey())
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := server.Agree(key.PublicKey())
			if err != nil || !bytes.Equal(ours, theirs) || len(ours) == 0 || ours[0] == 0 {
				t.Fatalf("%d bits: %x and %x, %v", len(p)*8, ours, theirs, err)
			}
			if len(p) == 256 {
				break // one is enough of the slow ones
			}
		}
	}
	key, err := NewKey(tlsmsg.GroupFFDHE2048, bytes.NewReader(ascending(1, 29)))
	again, _ := NewKey(tlsmsg.GroupFFDHE2048, bytes.NewReader(ascending(1, 29)))
	if err != nil || !bytes.Equal(key.PublicKey(), again.PublicKey()) {
		t.Errorf("two keys from the same bytes, %v", err)
	}
}

func TestGroupsThatAreNoneAreRefused(t *testing.T) {
	p, g := DHParameters(tlsmsg.GroupFFDHE2048)
	even := bytes.Clone(p)
	even[255]--
	composite := new(big.Int).Mul(new(big.Int).SetBytes(p[:64]), big.NewInt(3))
	composite.SetBit(composite, 0, 1)
	minusOne := bytes.Clone(p)
	minusOne[255]--
	huge := bytes.Repeat([]byte{0xFF}, 1<<16-1)
	for name, tc := range map[string]struct{ p, g []byte }{
		"even p":      {even, g},
		"p of zero":   {[]byte{0}, g},
		"p of one":    {[]byte{1}, g},
		"empty p":     {nil, g},
		"g of zero":   {p, []byte{0}},
		"g of one":    {p, []byte{1}},
		"g of p-1":    {p, minusOne},
		"empty g":     {p, nil},
		"composite p": {composite.Bytes(), g},
		"huge p":      {huge, g},
	} {
		if _, _, err := NewPeersDHKey(tc.p, tc.g, nil, rand.Reader); !errors.Is(err, ErrDHGroup) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := NewDHKey(tc.p, tc.g, rand.Reader); name != "composite p" && !errors.Is(err, ErrDHGroup) {
			t.Errorf("%s: a key was made (%v)", name, err)
		}
	}
	for name, y := range map[string][]byte{"zero": {0}, "none": nil, "one": {1}, "p-1": minusOne, "p": p,
		"more than p": bytes.Repeat([]byte{0xFF}, 256)} {
		key, err := NewDHKey(p, g, rand.Reader)
		if err == nil {
			_, err = key.Agree(y)
		}
		if early := CheckDHPublic(p, y); !errors.Is(err, ErrPeerKey) || !errors.Is(early, ErrPeerKey) {
			t.Errorf("y of %s: %v, and %v", name, err, early)
		}
	}
	if err := CheckDHPublic(p, []byte{4}); err != nil {
		t.Error(err)
	}
	if _, _, err := NewPeersDHKey(p, g, nil, nil); err == nil || errors.Is(err, ErrPeerKey) || errors.Is(err, ErrDHGroup) {
		t.Errorf("no randomness: %v", err)
	}
}

func TestOddGroupsAreDescribed(t *testing.T) {
	unsafe, err := rand.Prime(rand.Reader, 256)
	for err == nil && new(big.Int).Rsh(unsafe, 1).ProbablyPrime(1) {
		unsafe, err = rand.Prime(rand.Reader, 256)
	}
	if err != nil {
		t.Fatal(err)
	}
	if d, err := CheckDH(unsafe.Bytes(), []byte{5}); err != nil ||
		d.String() != "an unregistered 256-bit group, whose prime is not a safe one" {
		t.Errorf("%v, %v", d, err)
	}
	p := prime(1024, piBits(894), 129093).Bytes()
	if d := DescribeDH(p, []byte{2}); d.String() != "the 1024-bit group of RFC 2409" || d.Bits != 1024 {
		t.Errorf("%v", d)
	}
	if d := DescribeDH(p, []byte{3}); d.Name != "" {
		t.Errorf("with another generator it is another group: %v", d)
	}
}

func TestThePreMasterSecretArrivesAndAWrongOneIsNotTold(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	encrypted, secret, err := EncryptPreMaster(&key.PublicKey, tlsmsg.VersionTLS12, rand.Reader)
	if err != nil || len(secret) != 48 || secret[0] != 3 || secret[1] != 3 {
		t.Fatalf("%x, %v", secret, err)
	}
	got, err := DecryptPreMaster(key, encrypted, tlsmsg.VersionTLS12, rand.Reader)
	if err != nil || !bytes.Equal(got, secret) {
		t.Errorf("%x, expected %x (%v)", got, secret, err)
	}
	for name, decrypt := range map[string]func() ([]byte, error){
		"another version": func() ([]byte, error) {
			return DecryptPreMaster(key, encrypted, tlsmsg.VersionTLS11, rand.Reader)
		},
		"another ciphertext": func() ([]byte, error) {
			bad := bytes.Clone(encrypted)
			bad[100] ^= 1
			return DecryptPreMaster(key, bad, tlsmsg.VersionTLS12, rand.Reader)
		},
		"no ciphertext": func() ([]byte, error) {
			return DecryptPreMaster(key, nil, tlsmsg.VersionTLS12, rand.Reader)
		},
	} {
		if got, err := decrypt(); err != nil || len(got) != 48 || bytes.Equal(got, secret) {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
	if _, _, err := EncryptPreMaster("no key", tlsmsg.VersionTLS12, rand.Reader); err == nil {
		t.Error("encrypted to no key")
	}
	if _, _, err := EncryptPreMaster(&key.PublicKey, tlsmsg.VersionTLS12, nil); err == nil {
		t.Error("encrypted without randomness")
	}
}

// A prime is tested once, where the tester remembers; and what can be refused
// without a test is.
func TestAKeyInThePeersGroupTestsItsPrimeLastAndOnce(t *testing.T) {
	p, g := DHParameters(tlsmsg.GroupFFDHE2048)
	unknown := []byte{5} // another generator: no group that has a name
	tested := 0
	test := func(*big.Int) (bool, bool) { tested++; return true, true }
	for name, tc := range map[string]struct {
		p, g []byte
		want int
	}{
		"a group that has a name": {p, g, 0},
		"an unknown one":          {p, unknown, 1},
		"a bad generator":         {p, []byte{1}, 0},
		"too large a prime":       {bytes.Repeat([]byte{0xff}, MaxDHBits/8+1), unknown, 0},
	} {
		tested = 0
		NewPeersDHKey(tc.p, tc.g, test, rand.Reader)
		if tested != tc.want {
			t.Errorf("%s: %d tests, want %d", name, tested, tc.want)
		}
	}
}

// A private key is no longer than the strength of a group with a safe prime asks
// for: the length of the prime is the peer's choice, and what it costs grows with
// both.
func TestExponentsAreAsLongAsTheGroupIsStrong(t *testing.T) {
	for bits, want := range map[int]int{8: 7, 512: 225, 2048: 225, 2049: 275, 4096: 325, 8000: 400, 8192: 400} {
		if got := exponentBits(bits); got != want {
			t.Errorf("%d bits: %d, want %d", bits, got, want)
		}
	}
}
