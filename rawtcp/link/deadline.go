// The read deadline of a link that waits on channels.

package link

import (
	"sync"
	"time"
)

// deadline is a point in time that closes a channel when it has passed, and
// can be moved: the read deadline of a link that waits on channels.
type deadline struct {
	mu      sync.Mutex
	timer   *time.Timer
	expired chan struct{} // closed when it has passed
}

func makeDeadline() deadline { return deadline{expired: make(chan struct{})} }

// wait returns the channel. It is replaced only once it is closed, so that a
// waiter sees a deadline that was moved in the meantime.
func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.expired
}

// set moves the deadline to t; the zero time means never.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !d.timer.Stop() {
		<-d.expired // it has fired: let it finish closing
	}
	d.timer = nil
	if isClosed(d.expired) {
		d.expired = make(chan struct{})
	}
	if t.IsZero() {
		return
	}
	expired := d.expired
	if left := time.Until(t); left > 0 {
		d.timer = time.AfterFunc(left, func() { close(expired) })
	} else {
		close(expired)
	}
}
