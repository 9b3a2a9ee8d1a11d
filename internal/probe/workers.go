package probe

import (
	"errors"
	"runtime"

	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// Work that may take long, and is as long as a peer wants it to be, is done by
// goroutines that all loops share, so that it delays nobody but those that wait
// for work of that kind. What is short stays in the loop: to hand it over costs
// as much as many a piece of it.
type workers struct {
	do    func(handshake.Work) handshake.Result
	long  func(handshake.Work) bool
	tasks chan task
	quit  chan struct{}
}

// A task is a connection's work on its way to a worker, and back when it is done.
type task struct {
	job
	work   handshake.Work
	result handshake.Result
	done   chan<- task // has room for it
}

// mostAway is how much of a loop's work may be with the workers at a time.
const mostAway = 64

// startWorkers leaves the loops a CPU where there are two.
func startWorkers(do func(handshake.Work) handshake.Result) *workers {
	w := &workers{do: do, long: worker.Long, tasks: make(chan task), quit: make(chan struct{})}
	for range max(runtime.GOMAXPROCS(0)/2, 1) {
		go w.run()
	}
	return w
}

func (w *workers) run() {
	for {
		select {
		case t := <-w.tasks:
			t.result = w.do(t.work)
			t.done <- t
		case <-w.quit:
			return
		}
	}
}

// stop ends the workers, when each has done what it is at. Nobody waits for that.
func (w *workers) stop() {
	if w != nil {
		close(w.quit)
	}
}

// isLong reports whether work goes to the workers.
func (w *workers) isLong(work handshake.Work) bool { return w != nil && w.long(work) }

// handAway hands a connection's work to the workers, or keeps it until there is room.
func (l *loop) handAway(c *connection) {
	c.waits = true
	l.long = append(l.long, job{c, c.n, l.now})
	l.sendAway()
}

// sendAway gives the workers what they have room for. Only that is copied.
func (l *loop) sendAway() {
	for len(l.long) > 0 && l.away < mostAway {
		if j := l.long[0]; j.still() {
			work, _ := j.c.session.Work()
			select {
			case l.workers.tasks <- task{job: j, work: worker.Own(work), done: l.back}:
				l.away++
			default:
				return
			}
		}
		l.long = l.long[1:]
	}
}

// takeBack goes on with the connections whose long work is done.
func (l *loop) takeBack() {
	for n := len(l.back); n > 0; n-- {
		t := <-l.back
		l.away--
		if t.still() {
			l.resume(&t.job)
			t.c.session.Resume(t.result)
			l.settle(t.c)
		}
	}
	l.sendAway()
}

// forgetWork lets go of all work. What is with the workers comes back to nobody.
func (l *loop) forgetWork() {
	l.work, l.working = l.work[:0], 0
	l.long, l.away, l.back = nil, 0, make(chan task, mostAway)
}

// longestWork is how many times the timeout a connection may wait for work of ours,
// from its beginning.
const longestWork = 3

// errBusy ends a connection whose peer has asked for more than we have time for.
var errBusy = errors.New("this machine found no time for the long computation that the peer's keys ask for")

// impatient reports whether a connection has waited for us long enough.
func (l *loop) impatient(c *connection) bool {
	return l.now.Sub(c.begin) > longestWork*l.o.Timeout && c.session.State() != tcb.Closed
}
