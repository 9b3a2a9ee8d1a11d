// A byte queue in one contiguous slice, for both directions' octets.

package tcb

import "github.com/rawshake/rawshake/slab"

// A buffer is a contiguous byte queue: octets are added at the back and taken
// from the front, and what is queued is always one slice. Space freed at the
// front is reused when there is enough of it, so that an octet is moved at most
// twice on average. Its memory comes from a pool, if there is one, and goes
// back as soon as nothing is queued; without a pool the buffer keeps it.
type buffer struct {
	b   []byte
	off int // of the first queued octet; below 0: so many are queued, and are not here
}

// len returns the number of queued octets.
func (q *buffer) len() int { return len(q.b) - q.off }

// unload gives the memory back without forgetting how many octets are queued.
func (q *buffer) unload(pool *slab.Pool) {
	n := q.len()
	q.free(pool)
	q.off = -n
}

// unloaded reports whether the queued octets are not here.
func (q *buffer) unloaded() bool { return q.off < 0 }

// load brings queued octets back: the last of p.
func (q *buffer) load(p []byte, pool *slab.Pool) {
	p = p[len(p)-q.len():]
	q.b, q.off = append(pool.Get(len(p)), p...), 0
}

// bytes returns the queued octets. They stay in place until the next grow.
func (q *buffer) bytes() []byte { return q.b[q.off:] }

// grow makes the queue n octets long, if it is shorter, with a capacity of no
// more than one and a half times limit. The new octets are undefined.
func (q *buffer) grow(n, limit int, pool *slab.Pool) {
	if n <= q.len() {
		return
	}
	if q.off+n <= cap(q.b) {
		q.b = q.b[:q.off+n]
		return
	}
	room := max(limit+limit/2, n)
	if n > cap(q.b) || (q.off < n/2 && cap(q.b) < room) {
		bigger := pool.Get(min(max(n, 2*cap(q.b)), room))
		bigger = append(bigger, q.bytes()...)
		pool.Put(q.b)
		q.b, q.off = bigger[:n], 0
		return
	}
	copy(q.b, q.bytes())
	q.b, q.off = q.b[:n], 0
}

// add appends p. The caller enforces the limit.
func (q *buffer) add(p []byte, limit int, pool *slab.Pool) {
	n := q.len()
	q.grow(n+len(p), limit, pool)
	copy(q.bytes()[n:], p)
}

// cut removes n octets from the front.
func (q *buffer) cut(n int, pool *slab.Pool) {
	q.off += n
	if q.off == len(q.b) {
		q.b, q.off = q.b[:0], 0
		if pool != nil {
			q.free(pool)
		}
	}
}

// free empties the queue and gives its memory back.
func (q *buffer) free(pool *slab.Pool) {
	pool.Put(q.b)
	*q = buffer{}
}
