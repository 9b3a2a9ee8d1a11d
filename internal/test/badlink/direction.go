// One direction of a bad network: what happens to each packet, and when it arrives.

package badlink

import (
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"

	"github.com/rawshake/rawshake/internal/netem"
	"github.com/rawshake/rawshake/rawtcp/link"
)

// A direction is one direction of a bad network. Put may be called from several
// goroutines, take from one at a time.
type direction struct {
	bad  netem.Impairment
	mark float64
	wake chan struct{} // holds one token: there is something new to look at

	mu    sync.Mutex
	rng   *rand.Rand
	queue *netem.Queue[link.Packet]
	ended bool
	until time.Time // of take; zero: for ever
}

func newDirection(w Impairment, seed uint64) *direction {
	bad := netem.Impairment{Latency: w.Delay, Loss: netem.Chance(w.Loss), Duplicate: netem.Chance(w.Duplicate), Reorder: netem.Chance(w.Reorder)}
	return &direction{bad: bad, mark: w.Mark, wake: make(chan struct{}, 1), rng: rand.New(rand.NewPCG(w.Seed, seed)), queue: netem.NewQueue[link.Packet](bad)}
}

// put sends a packet, whose Data it keeps, on its way.
func (d *direction) put(p link.Packet) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mark > 0 && d.rng.Float64() < d.mark {
		markCongestion(p.Data)
	}
	d.queue.Put(time.Now(), p, len(p.Data), d.bad.Effect(d.bad.Draw(d.rng), len(p.Data)))
	d.signal()
}

// pass lets a packet through unharmed.
func (d *direction) pass(p link.Packet) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queue.Put(time.Now(), p, len(p.Data), netem.Effect{})
	d.signal()
}

// end says that nothing more will be put in.
func (d *direction) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	d.signal()
}

func (d *direction) setDeadline(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until = t
	d.signal()
}

func (d *direction) signal() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// take waits for the next packet to arrive. It fails with net.ErrClosed,
// os.ErrDeadlineExceeded, or errEnded when the direction has ended and is empty.
func (d *direction) take(done <-chan struct{}) (link.Packet, error) {
	for {
		p, wait, err := d.next(time.Now())
		if p.Data != nil || err != nil {
			return p, err
		}
		var due <-chan time.Time
		if wait > 0 {
			due = time.After(wait)
		}
		select {
		case <-d.wake:
		case <-due:
		case <-done:
			return link.Packet{}, net.ErrClosed
		}
	}
}

// next takes out the packet that is due, or tells how long to wait for one or for
// the deadline; 0 means until something changes.
func (d *direction) next(now time.Time) (p link.Packet, wait time.Duration, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	left := d.until.Sub(now)
	if !d.until.IsZero() && left <= 0 {
		return p, 0, os.ErrDeadlineExceeded
	}
	p, wait, ok := d.queue.Take(now)
	switch {
	case ok:
		return p, 0, nil
	case wait == 0 && d.ended:
		return p, 0, errEnded
	case !d.until.IsZero() && (wait == 0 || left < wait):
		wait = left
	}
	return p, wait, nil
}

// errEnded says that the link below has ended.
var errEnded = errors.New("the link below has ended")
