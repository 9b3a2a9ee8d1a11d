// Long cryptography, done by goroutines outside the loops.

package probe

import (
	"runtime"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// Work that may take long, at a peer's choice, is done by goroutines that all loops
// share, so that it delays only those that wait for work of that kind. What is short
// stays in the loop: handing it over would often cost as much as doing it.
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

// maxAway is how much of a loop's work may be with the workers at a time.
const maxAway = 64

// startWorkers leaves the loops a CPU if there are two.
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

// stop ends the workers once each has finished its task. Nobody waits for that.
func (w *workers) stop() {
	if w != nil {
		close(w.quit)
	}
}

// isLong reports whether work goes to the workers.
func (w *workers) isLong(work handshake.Work) bool { return w != nil && w.long(work) }
