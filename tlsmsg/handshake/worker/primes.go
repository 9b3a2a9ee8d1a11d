package worker

import (
	"crypto/sha256"
	"math/big"
	"sync"

	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// Primes keeps what came of testing the primes of Diffie-Hellman groups, for who
// meets the same one at many addresses: a test of a long one takes seconds. Who
// asks for one that is being tested waits. It is safe for concurrent use, and the
// zero Primes is ready.
type Primes struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]*testedPrime
}

// MostPrimes bounds those that are kept. When there are so many, it begins anew.
const MostPrimes = 1024

type testedPrime struct {
	once        sync.Once
	prime, safe bool
}

// test is a [suite.PrimeTest].
func (k *Primes) test(p *big.Int) (prime, safe bool) {
	if k == nil {
		return suite.TestPrime(p)
	}
	t := k.of(sha256.Sum256(p.Bytes()))
	t.once.Do(func() { t.prime, t.safe = suite.TestPrime(p) })
	return t.prime, t.safe
}

func (k *Primes) of(sum [sha256.Size]byte) *testedPrime {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.known[sum]
	if t == nil {
		if k.known == nil || len(k.known) >= MostPrimes {
			k.known = make(map[[sha256.Size]byte]*testedPrime)
		}
		t = new(testedPrime)
		k.known[sum] = t
	}
	return t
}
