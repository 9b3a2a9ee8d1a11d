// A worker's membership of a scan.

package fleet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"
)

// What ends a worker's part in a scan.
var (
	ErrNameTaken = errors.New("another worker has that name")
	errLost      = errors.New("the lease could not be renewed: the NATS server was out of reach")
)

// A session is a worker's membership from when it joins until it leaves, or loses its
// lease. The lease is as long as its last heartbeat that came back through the view: so
// a worker that sends is one that others know to be there, and that knows what others say.
type session struct {
	scan  *Scan
	view  *view
	share *share
	ctx   context.Context // ends with the membership; its cause says why
	end   context.CancelCauseFunc
	done  chan struct{}

	mu    sync.Mutex
	me    Member
	sent  map[uint64]time.Time // heartbeats that have not come back
	until time.Time            // of the lease
	on    func()               // after each heartbeat; may be nil
	lease func(time.Time)      // when the lease is longer; may be nil
	rate  func(float64)        // when the rate has changed; may be nil
}

// newInstance is a name that nobody else has.
func newInstance() string { return rand.Text()[:12] }

// join makes a worker a member. Of an instance of the same name nothing must have been
// heard for a lease's time.
func (s *Scan) join(ctx context.Context, me Member) (*session, error) {
	ctx, end := context.WithCancelCause(ctx)
	n := &session{scan: s, ctx: ctx, end: end, done: make(chan struct{}), me: me, sent: make(map[uint64]time.Time)}
	revision, err := n.claim(ctx)
	if err == nil {
		n.view, err = s.watch(ctx, me.Name)
	}
	if err != nil {
		end(err)
		return nil, err
	}
	n.share = &share{scan: s, view: n.view, name: me.Name, set: n.setRate}
	n.until = time.Now().Add(GiveUp)
	go n.beat(revision)
	return n, nil
}

// claim takes the worker's name, and returns the revision of its key.
func (n *session) claim(ctx context.Context) (uint64, error) {
	key := memberKey(n.me.Name)
	var first Member
	for end := time.Now().Add(Lease + Heartbeat); ; {
		var was Member
		revision, there, err := n.scan.readAt(ctx, key, &was)
		if err != nil {
			return 0, err
		}
		if first.Instance == "" || first.Instance == n.me.Instance {
			first = was
		}
		// A word of our own may have been on its way when we lost the server.
		ours := was.Instance == n.me.Instance
		free := !there || ours || was.Instance == ""
		switch {
		case !free && (was.Beat != first.Beat || was.Instance != first.Instance):
			return 0, fmt.Errorf("%w: %s, on %s. Give each a name of its own (--name)", ErrNameTaken, was.Name, was.Host)
		case free || time.Now().After(end):
			n.me.Beat = was.Beat + 1
			revision, err = n.scan.change(ctx, key, &n.me, revision)
			if !errors.Is(err, errChanged) {
				return revision, err
			}
		}
		if !sleep(ctx, Heartbeat) {
			return 0, context.Cause(ctx)
		}
	}
}

// sleep waits, and reports whether ctx has not ended meanwhile.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// beat renews the lease until the session ends.
func (n *session) beat(revision uint64) {
	defer close(n.done)
	ticks := time.NewTicker(Heartbeat)
	defer ticks.Stop()
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-n.view.changed:
			n.extend()
			continue
		case <-ticks.C:
		}
		n.extend()
		if time.Now().After(n.Until()) {
			n.end(errLost)
			return
		}
		revision = n.say(revision)
		n.mu.Lock()
		want, on := n.me.Working, n.on
		n.mu.Unlock()
		ctx, cancel := context.WithTimeout(n.ctx, Heartbeat)
		n.share.Renew(ctx, want) // what fails is tried again with the next
		cancel()
		if on != nil {
			on()
		}
	}
}

// say writes what the worker says of itself, and returns the key's new revision.
func (n *session) say(revision uint64) uint64 {
	n.mu.Lock()
	n.me.Beat++
	me := n.me
	n.sent[me.Beat] = time.Now()
	n.mu.Unlock()
	ctx, cancel := context.WithTimeout(n.ctx, Heartbeat)
	defer cancel()
	key := memberKey(me.Name)
	next, err := n.scan.change(ctx, key, &me, revision)
	if err == nil {
		return next
	}
	if !errors.Is(err, errChanged) {
		return revision
	}
	var now Member
	next, there, err := n.scan.readAt(ctx, key, &now)
	switch {
	case err != nil:
		return revision
	case !there: // it is another bucket
		n.end(errLost)
		return revision
	case now.Instance != me.Instance && now.Instance != "":
		n.end(fmt.Errorf("%w: %s, on %s. Give each a name of its own (--name)", ErrNameTaken, now.Name, now.Host))
	}
	return next // one of ours, of which we did not know to have come about
}

// extend makes the lease as long as the last heartbeat that came back allows.
func (n *session) extend() {
	beat, instance := n.view.Echoed()
	n.mu.Lock()
	at, known := n.sent[beat]
	if !known || instance != n.me.Instance {
		n.mu.Unlock()
		return
	}
	for b := range n.sent {
		if b <= beat {
			delete(n.sent, b)
		}
	}
	n.until = at.Add(GiveUp)
	until, lease := n.until, n.lease
	n.mu.Unlock()
	if lease != nil {
		lease(until)
	}
}

// Until is when the lease ends.
func (n *session) Until() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.until
}

// Rate is what the worker may send with.
func (n *session) Rate() float64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.me.Rate
}

func (n *session) setRate(rate float64) {
	n.mu.Lock()
	n.me.Rate = rate
	set := n.rate
	n.mu.Unlock()
	if set != nil {
		set(rate)
	}
}

// Say changes what the worker says of itself with the next heartbeat.
func (n *session) Say(change func(*Member)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(&n.me)
}

// Drive has functions called: with each heartbeat, when the lease is longer, and when
// the rate has changed. The last two are called at once.
func (n *session) Drive(on func(), lease func(time.Time), rate func(float64)) {
	n.mu.Lock()
	n.on, n.lease, n.rate = on, lease, rate
	until, now := n.until, n.me.Rate
	n.mu.Unlock()
	if lease != nil {
		lease(until)
		rate(now)
	}
}

// Leave ends the session, and gives back what the worker had.
func (n *session) Leave() {
	lost := n.ctx.Err() != nil
	n.end(nil)
	<-n.done
	if lost {
		return // somebody else will find out
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for range 5 { // against others' changes
		all := make(grants)
		revision, there, err := n.scan.readAt(ctx, "grants", &all)
		if _, ours := all[n.me.Name]; err != nil || !there || !ours {
			break
		}
		delete(all, n.me.Name)
		if _, err := n.scan.change(ctx, "grants", all, revision); !errors.Is(err, errChanged) {
			break
		}
	}
	n.me.Shard, n.me.Rate, n.me.Working, n.me.Note = nil, 0, false, ""
	n.scan.write(ctx, pastKey(n.me.Name), &n.me) // who it was, and from which addresses, is asked later
	n.scan.kv.Delete(ctx, memberKey(n.me.Name))
}
