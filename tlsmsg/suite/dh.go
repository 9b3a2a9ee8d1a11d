// Finite-field Diffie-Hellman (RFC 5246, sections 7.4.3 and 8.1.2; RFC 7919).

package suite

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/rawshake/rawshake/tlsmsg"
)

// MaxDHBits is the size of the largest prime that is accepted, in bits: RFC
// 3526 and RFC 7919 have none that is larger, but a peer may name any that fits
// 64 KiB. Testing one of this size takes some seconds, and a power with an
// exponent of its length half a second.
const MaxDHBits = 8192

// ErrDHGroup says that a group is not usable: its prime or generator is not
// one. The answer is the alert illegal_parameter.
var ErrDHGroup = errors.New("the Diffie-Hellman group is not usable")

// A DHGroup is what can be said of a group (p, g).
type DHGroup struct {
	Bits  int               // of the prime
	Group tlsmsg.NamedGroup // of RFC 7919, or 0
	Name  string            // "ffdhe2048", "the 1024-bit group of RFC 2409", or "" if it is not known here
	Odd   string            // what is unusual about it, in words, or ""
}

// String names the group, or describes it: "a 1024-bit group that nobody here
// knows".
func (g DHGroup) String() string {
	s := g.Name
	if s == "" {
		s = fmt.Sprintf("an unregistered %d-bit group", g.Bits)
	}
	if g.Odd != "" {
		s += ", " + g.Odd
	}
	return s
}

var ffdhe = [...]struct {
	group   tlsmsg.NamedGroup
	prime   string
	expBits int // of a private key (RFC 7919, appendix A)
}{
	{tlsmsg.GroupFFDHE2048, ffdhe2048, 225},
	{tlsmsg.GroupFFDHE3072, ffdhe3072, 275},
	{tlsmsg.GroupFFDHE4096, ffdhe4096, 325},
	{tlsmsg.GroupFFDHE6144, ffdhe6144, 375},
	{tlsmsg.GroupFFDHE8192, ffdhe8192, 400},
}

// exponentBits is how long a private key is in a group whose prime is a safe one:
// twice the group's strength, as RFC 7919, appendix A, has it and RFC 3526, section
// 8, for groups of the same sizes. In any other the key is as long as the prime.
func exponentBits(bits int) int {
	for _, f := range ffdhe {
		if bits <= 4*len(f.prime) {
			return min(f.expBits, bits-1)
		}
	}
	return bits - 1
}

// IsFFDHE reports whether a group is one of RFC 7919's.
func IsFFDHE(g tlsmsg.NamedGroup) bool { return g>>8 == 1 }

// FFDHEGroups returns the groups of RFC 7919 that are worth offering, the
// quickest first. The slice is fresh.
func FFDHEGroups() []tlsmsg.NamedGroup {
	return []tlsmsg.NamedGroup{tlsmsg.GroupFFDHE2048, tlsmsg.GroupFFDHE3072, tlsmsg.GroupFFDHE4096}
}

// DHParameters returns prime and generator of a group of RFC 7919, or nil for
// any other. The slices are fresh.
func DHParameters(group tlsmsg.NamedGroup) (p, g []byte) {
	for _, f := range ffdhe {
		if f.group == group {
			p, _ = hex.DecodeString(f.prime)
			return p, []byte{2}
		}
	}
	return nil, nil
}

// otherPrimes are the SHA-256 of primes that were in wide use before RFC 7919.
// Their generator is 2.
var otherPrimes = map[string]string{
	"b52ba6a3026520a6c49d37e4587601801bee500123b3259b6bf03e7cecc3e63d": "the 768-bit group of RFC 2409",
	"3f35a3f5f6c4376a744acad409bb22f8d897f949d2311d885adaa890981b67a0": "the 1024-bit group of RFC 2409",
	"64fcc83ec403930bf18393dbc883ccaa1fbb08ac876f77f7aa99748ca945019b": "the 1536-bit group of RFC 3526",
	"d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e": "the 2048-bit group of RFC 3526",
	"48cf8b092fbce4359d9871abf74f98e25b6163379eaa15cd9087e800c6d1c55c": "the 3072-bit group of RFC 3526",
	"4ee95187682bcb230ad26a95205f6920e84708f6251b3894329b09ec23919e33": "the 4096-bit group of RFC 3526",
	"d1bfe6d0925ce7e4da262b62861514a7755e35831e429f343e7b864848657efd": "the 6144-bit group of RFC 3526",
	"39ab4feab950a3128fb71accb9fc3965d857012e081998a85996e3ea8b3c3bcf": "the 8192-bit group of RFC 3526",
}

// DescribeDH says what a group is, without primality tests, which are expensive
// and left to [CheckDH].
func DescribeDH(p, g []byte) DHGroup {
	prime := new(big.Int).SetBytes(p)
	d := DHGroup{Bits: prime.BitLen()}
	if len(g) == 0 || new(big.Int).SetBytes(g).Cmp(big.NewInt(2)) != 0 {
		return d
	}
	for _, f := range ffdhe {
		if known, _ := new(big.Int).SetString(f.prime, 16); d.Bits == known.BitLen() && prime.Cmp(known) == 0 {
			d.Group, d.Name = f.group, f.group.String()
			return d
		}
	}
	sum := sha256.Sum256(prime.Bytes())
	d.Name = otherPrimes[hex.EncodeToString(sum[:])]
	return d
}

// A PrimeTest says whether p is a prime, and whether it is a safe one: (p-1)/2
// is prime as well. [TestPrime] is one; another may remember its answers.
type PrimeTest func(p *big.Int) (prime, safe bool)

// TestPrime tests p by one round and Baillie-PSW. Whoever builds a composite that
// passes them could as well have chosen a weak prime.
func TestPrime(p *big.Int) (prime, safe bool) {
	if !p.ProbablyPrime(1) {
		return false, false
	}
	return true, new(big.Int).Rsh(p, 1).ProbablyPrime(1)
}

// CheckDH is DescribeDH with primality tests for a group that is not known by
// name. It takes some milliseconds for 2048 bits, and seconds for 8192. The
// error wraps [ErrDHGroup] for what cannot be a group at all, and where p is
// not prime.
func CheckDH(p, g []byte) (DHGroup, error) { return checkDH(p, g, TestPrime) }

func checkDH(p, g []byte, test PrimeTest) (DHGroup, error) {
	d := DescribeDH(p, g)
	prime, gen := new(big.Int).SetBytes(p), new(big.Int).SetBytes(g)
	switch {
	case d.Bits > MaxDHBits:
		return d, fmt.Errorf("%w: a prime of %d bits, expected at most %d", ErrDHGroup, d.Bits, MaxDHBits)
	case d.Bits < 2 || prime.Bit(0) == 0:
		return d, fmt.Errorf("%w: p is even", ErrDHGroup)
	case !between(gen, prime):
		return d, fmt.Errorf("%w: g does not lie between 1 and p-1", ErrDHGroup)
	case d.Name != "":
		return d, nil
	}
	isPrime, safe := test(prime)
	if !isPrime {
		return d, fmt.Errorf("%w: p is not a prime", ErrDHGroup)
	}
	if !safe {
		d.Odd = "whose prime is not a safe one"
	}
	return d, nil
}

// between reports whether 1 < x < p-1.
func between(x, p *big.Int) bool {
	one := big.NewInt(1)
	return x.Cmp(one) > 0 && x.Cmp(new(big.Int).Sub(p, one)) < 0
}

// dhKey is a private key in a group.
type dhKey struct{ p, x, y *big.Int }

// NewDHKey makes an ephemeral key in the group (p, g), big-endian, from rand's
// bytes. A group that [CheckDH] would refuse for its form is refused, but
// primes are not tested.
//
// math/big does not work in constant time. The keys made here serve one
// handshake each.
func NewDHKey(p, g []byte, rand io.Reader) (*Key, error) {
	prime, gen := new(big.Int).SetBytes(p), new(big.Int).SetBytes(g)
	n := prime.BitLen()
	if n < 8 || n > MaxDHBits || prime.Bit(0) == 0 || !between(gen, prime) {
		_, err := CheckDH(p, g)
		if err == nil {
			err = fmt.Errorf("%w: a prime of %d bits", ErrDHGroup, n)
		}
		return nil, err
	}
	bits := n - 1
	if DescribeDH(p, g).Name != "" {
		bits = exponentBits(n)
	}
	return makeDHKey(prime, gen, bits, rand)
}

// makeDHKey makes a key with an exponent of so many bits.
func makeDHKey(prime, gen *big.Int, bits int, rand io.Reader) (*Key, error) {
	if rand == nil {
		return nil, errors.New("no randomness for an ephemeral key")
	}
	b := make([]byte, (bits+7)/8)
	k := &dhKey{p: prime}
	for range 64 { // the smaller the group, the likelier a useless exponent
		if _, err := io.ReadFull(rand, b); err != nil {
			return nil, fmt.Errorf("randomness for an ephemeral key: %w", err)
		}
		b[0] &= 0xFF >> (len(b)*8 - bits)
		k.x = new(big.Int).SetBytes(b)
		k.y = new(big.Int).Exp(gen, k.x, prime)
		if between(k.y, prime) {
			return &Key{dh: k}, nil
		}
	}
	return nil, fmt.Errorf("%w: no usable key in 64 tries", ErrDHGroup)
}

// agree returns the pre_master_secret, without leading zeros (RFC 5246,
// section 8.1.2).
func (k *dhKey) agree(peerKey []byte) ([]byte, error) {
	y := new(big.Int).SetBytes(peerKey)
	if !between(y, k.p) {
		return nil, errDHPeerKey
	}
	z := new(big.Int).Exp(y, k.x, k.p)
	if z.Cmp(big.NewInt(1)) <= 0 {
		return nil, fmt.Errorf("%w: it lies in a subgroup of one", ErrPeerKey)
	}
	return z.Bytes(), nil
}

// NewPeersDHKey is [NewDHKey] in a group of the peer's choice, which is checked
// as by [CheckDH], with test for its prime; nil stands for [TestPrime]. Cheap
// checks come first. The error wraps [ErrDHGroup] if the group is not usable.
func NewPeersDHKey(p, g []byte, test PrimeTest, rand io.Reader) (*Key, DHGroup, error) {
	if test == nil {
		test = TestPrime
	}
	group, err := checkDH(p, g, test)
	if err != nil {
		return nil, group, err
	}
	bits := group.Bits - 1
	if group.Odd == "" {
		bits = exponentBits(group.Bits)
	}
	key, err := makeDHKey(new(big.Int).SetBytes(p), new(big.Int).SetBytes(g), bits, rand)
	return key, group, err
}

// CheckDHPublic returns nil for a public value that may be one modulo p, or an
// error that wraps [ErrPeerKey]: before a prime is tested or a key is made.
func CheckDHPublic(p, y []byte) error {
	if !between(new(big.Int).SetBytes(y), new(big.Int).SetBytes(p)) {
		return errDHPeerKey
	}
	return nil
}

var errDHPeerKey = fmt.Errorf("%w: it does not lie between 1 and p-1 (RFC 7919, section 5.1)", ErrPeerKey)
