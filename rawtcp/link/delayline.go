package link

import (
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

// lineDepth is how many packets fit into one direction of a bad network. As in
// a router's queue, what comes beyond is lost.
const lineDepth = 4096

// maxOvertaking is by how many packets one can be overtaken at most: as many
// as make three duplicate ACKs, so that a peer takes some of it for a loss.
const maxOvertaking = 3

// A delayLine is one direction of a bad network. Put may be called from
// several goroutines, take from one at a time.
type delayLine struct {
	bad  Impairment
	wake chan struct{} // holds one token: there is something new to look at

	mu    sync.Mutex
	rng   *rand.Rand
	queue []delayed // in the order in which they arrive
	held  []delayed // waiting to be overtaken
	ended bool
}

// delayed is a packet under way.
type delayed struct {
	Packet
	due    time.Time
	behind int // how many packets are yet to overtake it
}

func newDelayLine(w Impairment, direction uint64) *delayLine {
	return &delayLine{bad: w, wake: make(chan struct{}, 1), rng: rand.New(rand.NewPCG(w.Seed, direction))}
}

// fate is what happens to one packet.
type fate struct {
	lost, twice bool
	behind      int
}

// decide draws the same number of times for each packet, so that the next
// one's fate does not hang on this one's.
func (l *delayLine) decide() fate {
	loss, duplicate, reorder, behind := l.rng.Float64(), l.rng.Float64(), l.rng.Float64(), l.rng.IntN(maxOvertaking)
	f := fate{lost: loss < l.bad.Loss, twice: duplicate < l.bad.Duplicate}
	if reorder < l.bad.Reorder {
		f.behind = 1 + behind
	}
	return f
}

// put sends a packet, whose Data it keeps, on its way.
func (l *delayLine) put(p Packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.decide()
	if f.lost || len(l.queue)+len(l.held) >= lineDepth {
		return
	}
	d := delayed{Packet: p, due: time.Now().Add(l.bad.Delay), behind: f.behind}
	if f.behind > 0 {
		d.due = d.due.Add(l.patience())
		l.held = append(l.held, d)
	} else {
		l.queue = append(l.queue, d)
		l.overtake(d.due)
	}
	if f.twice {
		l.queue = append(l.queue, delayed{Packet: p, due: time.Now().Add(l.bad.Delay)})
	}
	l.signal()
}

// pass lets a packet through, after those before it, unharmed.
func (l *delayLine) pass(p Packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, delayed{Packet: p, due: time.Now().Add(l.bad.Delay)})
	l.signal()
}

// patience is how long a packet waits for others to overtake it.
func (l *delayLine) patience() time.Duration { return max(l.bad.Delay, time.Millisecond) }

// overtake counts a packet that is due then against those that are held, and sends
// on, right behind it, those that have been overtaken often enough.
func (l *delayLine) overtake(due time.Time) {
	still := l.held[:0]
	for _, d := range l.held {
		if d.behind--; d.behind > 0 {
			still = append(still, d)
			continue
		}
		d.due = due
		l.queue = append(l.queue, d)
	}
	clear(l.held[len(still):])
	l.held = still
}

// end says that nothing more will be put in.
func (l *delayLine) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.signal()
}

func (l *delayLine) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// take waits for the next packet to arrive. It fails with net.ErrClosed,
// os.ErrDeadlineExceeded, or errEnded when the line has ended and is empty.
func (l *delayLine) take(done, expired <-chan struct{}) (Packet, error) {
	for {
		switch {
		case isClosed(done):
			return Packet{}, net.ErrClosed
		case isClosed(expired):
			return Packet{}, os.ErrDeadlineExceeded
		}
		p, wait, err := l.next(time.Now())
		if p.Data != nil || err != nil {
			return p, err
		}
		var due <-chan time.Time
		if wait > 0 {
			due = time.After(wait)
		}
		select {
		case <-l.wake:
		case <-due:
		case <-done:
		case <-expired:
		}
	}
}

// next takes out the packet that is due, or tells how long to wait for one; 0
// means until there is one.
func (l *delayLine) next(now time.Time) (p Packet, wait time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 && len(l.held) == 0 {
		if l.ended {
			err = errEnded
		}
		return Packet{}, 0, err
	}
	list, i := &l.queue, 0
	for j := range l.held { // those that nobody came to overtake
		if len(*list) == 0 || l.held[j].due.Before((*list)[i].due) {
			list, i = &l.held, j
		}
	}
	d := (*list)[i]
	if wait = d.due.Sub(now); wait > 0 {
		return Packet{}, wait, nil
	}
	*list = slices.Delete(*list, i, i+1)
	return d.Packet, 0, nil
}

// errEnded says that the link below has ended.
var errEnded = errors.New("the link below has ended")
