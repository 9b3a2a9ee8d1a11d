// Verdicts on chains, kept for the next connection.

package worker

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"sync"
	"time"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Verdicts keeps how chains were judged, for callers that meet the same one at
// many addresses, such as a scanner. It keeps whether a chain leads to a
// trusted root; the name, the use of the key and the leaf's own validity are
// still judged for each connection.
//
// A verdict holds for the same bytes of all certificates of the chain, in their
// order, and for the same roots, which must not change; until a time comes at
// which any certificate of it, or the root that it led to, begins or ceases to
// be valid; and for VerdictLife at most. It is safe for concurrent use, and the
// zero Verdicts is ready to use.
type Verdicts struct {
	mu    sync.Mutex
	known map[chainKey]judged
}

const (
	// VerdictLife is how long a verdict is used.
	VerdictLife = 10 * time.Minute
	// MaxVerdicts bounds the verdicts that are kept. When there are that many,
	// all are discarded.
	MaxVerdicts = 4096
	// maxText bounds the text of one, in bytes: names in certificates may be
	// long.
	maxText = 1 << 10
)

// chainKey is what a verdict is about.
type chainKey struct {
	sum     [sha256.Size]byte // of the certificates, each after its length
	roots   *x509.CertPool
	client  bool
	minBits int
}

type judged struct {
	found       []*Fault // none: trusted
	from, until time.Time
}

func keyOfChain(work *handshake.VerifyChainWork, roots *x509.CertPool) chainKey {
	key := chainKey{roots: roots, client: work.Client, minBits: work.MinRSABits}
	h := sha256.New()
	for _, der := range work.Chain {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(der)))
		h.Write(length[:])
		h.Write(der)
	}
	h.Sum(key.sum[:0])
	return key
}

// find returns a verdict that holds now.
func (v *Verdicts) find(key chainKey, now time.Time) ([]*Fault, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k, ok := v.known[key]
	if !ok || now.Before(k.from) || !now.Before(k.until) {
		return nil, false
	}
	return k.found, true
}

// Len returns how many verdicts are kept.
func (v *Verdicts) Len() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.known)
}

// keep keeps a verdict made now, which holds no longer than until a change of
// validity.
func (v *Verdicts) keep(key chainKey, found []*Fault, now, change time.Time) {
	text := 0
	for _, f := range found {
		text += len(f.Text) + len(f.Subject)
	}
	if text > maxText {
		return
	}
	until := now.Add(VerdictLife)
	if change.Before(until) {
		until = change
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.known == nil || len(v.known) >= MaxVerdicts {
		v.known = make(map[chainKey]judged)
	}
	v.known[key] = judged{found, now, until}
}

// nextChange is when the first of the certificates begins or ceases to be valid
// after now; far away, if none does.
func nextChange(now time.Time, certs []*x509.Certificate) time.Time {
	next := now.Add(2 * VerdictLife)
	for _, c := range certs {
		for _, t := range []time.Time{c.NotBefore, c.NotAfter.Add(time.Nanosecond)} { // NotAfter is still in it
			if t.After(now) && t.Before(next) {
				next = t
			}
		}
	}
	return next
}
