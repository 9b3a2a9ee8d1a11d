// The cryptography that connections wait for.

package probe

import (
	"errors"
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// workQueue is the cryptography that connections wait for, in order.
type workQueue struct {
	short   []job // from next on
	next    int
	long    []job     // that waits for the workers,
	away    int       // and how much is with them,
	back    chan task // and comes back
	workers *workers  // who do the long work; nil: the loop does it like the other
}

// reset discards all work. What the workers have comes back to nobody.
func (w *workQueue) reset() {
	w.short, w.next = w.short[:0], 0
	w.long, w.away, w.back = nil, 0, make(chan task, maxAway)
}

// waiting reports how much of the short work waits.
func (w *workQueue) waiting() int { return len(w.short) }

// sendAway gives the workers as much as they have room for, and copies only that.
func (w *workQueue) sendAway() {
	for len(w.long) > 0 && w.away < maxAway {
		if j := w.long[0]; j.still() {
			work, _ := j.c.session.Work()
			select {
			case w.workers.tasks <- task{job: j, work: worker.Own(work), done: w.back}:
				w.away++
			default:
				return
			}
		}
		w.long = w.long[1:]
	}
}

// A job is a connection that waits for work. It may be over when its turn
// comes, and the conn another target's, or the next one of the same audit.
type job struct {
	c     *connection
	n     uint64
	since tcb.Instant
	nth   uint8
}

// still reports whether the connection still waits for that work.
func (j *job) still() bool {
	return j.c.n == j.n && j.c.nth == j.nth && j.c.session != nil && j.c.waits && !j.c.reported
}

// resume ends a connection's wait for work, during which the peer did not keep us
// waiting.
func (cs *connections) resume(j *job) {
	j.c.waits = false
	j.c.limit = j.c.limit.Add(cs.now.Sub(j.since))
}

// workTurn bounds the time that cryptography takes before what has arrived is
// looked at again: the receive ring must not run full meanwhile, and what comes
// of one turn shares a system call.
const workTurn = 2 * time.Millisecond

// maxWork is how much may wait before no more targets are begun; benchmarks
// hold more back.
var maxWork = 128

// handOver queues a connection's work for its turn in the loop.
func (cs *connections) handOver(c *connection) {
	cs.queue.short = append(cs.queue.short, job{c, c.n, cs.now, c.nth})
	c.waits = true
}

// handAway hands a connection's work to the workers, or keeps it until there is room.
func (cs *connections) handAway(c *connection) {
	c.waits = true
	cs.queue.long = append(cs.queue.long, job{c, c.n, cs.now, c.nth})
	cs.queue.sendAway()
}

// takeBack goes on with the connections whose long work is done.
func (cs *connections) takeBack() {
	for n := len(cs.queue.back); n > 0; n-- {
		t := <-cs.queue.back
		cs.queue.away--
		if t.still() {
			cs.resume(&t.job)
			t.c.session.Resume(t.result)
			cs.follow(t.c)
		}
	}
	cs.queue.sendAway()
}

// work does waiting work, the oldest first.
func (cs *connections) work() {
	w := &cs.queue
	end := cs.now.Add(workTurn)
	for w.next < len(w.short) && cs.now.Before(end) {
		j := w.short[w.next]
		w.next++
		if j.still() {
			cs.resume(&j)
			cs.advance(j.c, true)
			cs.sendOn(j.c)
		}
		cs.now = cs.instant()
	}
	if w.next == len(w.short) {
		w.short, w.next = w.short[:0], 0
	}
}

// longestWork is how many times the timeout a connection may wait for work of ours,
// from its beginning.
const longestWork = 3

// errBusy ends a connection whose peer has asked for more than we have time for.
var errBusy = errors.New("this machine found no time for the long computation that the peer's keys ask for")

// impatient reports whether a connection has waited for us long enough.
func (cs *connections) impatient(c *connection) bool {
	return cs.now.Sub(c.begin) > longestWork*cs.o.Timeout && c.session.State() != tcb.Closed
}
