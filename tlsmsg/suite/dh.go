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

// Finite-field Diffie-Hellman (RFC 5246, sections 7.4.3 and 8.1.2; RFC 7919).

// MaxDHBits is the largest prime that is computed with. A power in a group of
// this size takes about a second; a peer may name any that fits 64 KiB.
const MaxDHBits = 8192

// ErrDHGroup says that a group is none: its prime or generator cannot be what
// they claim. The answer is the alert illegal_parameter.
var ErrDHGroup = errors.New("the Diffie-Hellman group is not usable")

// A DHGroup is what is known of a group (p, g) from looking at it.
type DHGroup struct {
	Bits  int               // of the prime
	Group tlsmsg.NamedGroup // of RFC 7919, or 0
	Name  string            // "ffdhe2048", "the 1024-bit group of RFC 2409", or "" for one that is not known here
	Odd   string            // what is odd about it, in words, or ""
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

// DescribeDH says what a group is, without the expense of primality tests:
// those are [CheckDH]'s.
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

// CheckDH is DescribeDH with a look at the primes of a group that is not known
// by name. It takes some milliseconds for 2048 bits. The error wraps
// [ErrDHGroup] for what cannot be a group at all, and where p is not prime.
func CheckDH(p, g []byte) (DHGroup, error) {
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
	// One round and Baillie-PSW. Whoever builds a composite that passes it
	// could as well have chosen a weak prime.
	if !prime.ProbablyPrime(1) {
		return d, fmt.Errorf("%w: p is not a prime", ErrDHGroup)
	}
	if half := new(big.Int).Rsh(prime, 1); !half.ProbablyPrime(1) {
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
	if d := DescribeDH(p, g); d.Group != 0 {
		for _, f := range ffdhe {
			if f.group == d.Group {
				bits = f.expBits
			}
		}
	}
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
		return nil, fmt.Errorf("%w: it does not lie between 1 and p-1 (RFC 7919, section 5.1)", ErrPeerKey)
	}
	z := new(big.Int).Exp(y, k.x, k.p)
	if z.Cmp(big.NewInt(1)) <= 0 {
		return nil, fmt.Errorf("%w: it lies in a subgroup of one", ErrPeerKey)
	}
	return z.Bytes(), nil
}

// AgreeDH is [Agree] in the group (p, g), which is checked as by [CheckDH]. The
// error wraps [ErrDHGroup] or [ErrPeerKey] where the peer is to blame.
func AgreeDH(p, g, peerKey []byte, rand io.Reader) (publicKey, preMaster []byte, group DHGroup, err error) {
	if group, err = CheckDH(p, g); err != nil {
		return nil, nil, group, err
	}
	if y := new(big.Int).SetBytes(peerKey); !between(y, new(big.Int).SetBytes(p)) {
		_, err = (&dhKey{p: new(big.Int).SetBytes(p)}).agree(peerKey)
		return nil, nil, group, err
	}
	key, err := NewDHKey(p, g, rand)
	if err != nil {
		return nil, nil, group, err
	}
	preMaster, err = key.Agree(peerKey)
	return key.PublicKey(), preMaster, group, err
}
