// A deadline that can be moved while somebody waits for it.

package rawtcp

import (
	"os"
	"sync"
	"time"
)

// A deadline is a point in time that closes a channel when it has passed, and
// can be moved. The zero value cannot be used: call makeDeadline.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	done  chan struct{}
}

func makeDeadline() deadline { return deadline{done: make(chan struct{})} }

// set moves the deadline to t; the zero time means never.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !d.timer.Stop() {
		<-d.done // the timer has fired: let it finish before its channel is replaced
	}
	d.timer = nil
	select {
	case <-d.done:
		d.done = make(chan struct{})
	default:
	}
	if t.IsZero() {
		return
	}
	if left := time.Until(t); left > 0 {
		done := d.done
		d.timer = time.AfterFunc(left, func() { close(done) })
		return
	}
	close(d.done)
}

// wait returns a channel that is closed when the deadline has passed.
func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.done
}

func (d *deadline) expired() bool {
	select {
	case <-d.wait():
		return true
	default:
		return false
	}
}

func deadlineExceeded() error { return os.ErrDeadlineExceeded }
