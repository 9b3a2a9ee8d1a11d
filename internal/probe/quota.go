// The number of results after which a scan ends.

package probe

import "sync/atomic"

// A quota is how many results may still be written, by all loops together. A
// nil quota has no end.
type quota struct {
	left  atomic.Int64
	spent func() // called once, with the last
}

// newQuota returns a quota of n results, or nil if n is 0.
func newQuota(n uint64, spent func()) *quota {
	if n == 0 {
		return nil
	}
	q := &quota{spent: spent}
	q.left.Store(int64(min(n, 1<<62)))
	return q
}

// take reports whether one more may be written.
func (q *quota) take() bool {
	if q == nil {
		return true
	}
	left := q.left.Add(-1)
	if left == 0 {
		q.spent()
	}
	return left >= 0
}
