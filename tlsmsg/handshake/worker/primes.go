// Primality tests of Diffie-Hellman groups, kept for the next connection.

package worker

import (
	"crypto/sha256"
	"math/big"
	"sync"

	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// Primes keeps the results of testing the primes of Diffie-Hellman groups, for
// callers that meet the same one at many addresses: testing a long one takes
// seconds. A caller that asks for one that is being tested waits. It is safe
// for concurrent use, and the zero Primes is ready to use.
type Primes struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]*testedPrime
}

// MaxPrimes bounds the primes that are kept. When there are that many, all are
// discarded.
const MaxPrimes = 1024

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
		if k.known == nil || len(k.known) >= MaxPrimes {
			k.known = make(map[[sha256.Size]byte]*testedPrime)
		}
		t = new(testedPrime)
		k.known[sum] = t
	}
	return t
}
