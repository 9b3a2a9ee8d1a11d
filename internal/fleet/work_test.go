package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestWorkersDoAllShardsOnce(t *testing.T) {
	s := newScan(t, func(spec *Spec) { spec.Shards = 8 })
	var wait sync.WaitGroup
	for i := range 3 {
		scan := again(t, s)
		w := newWorker(t, scan, fmt.Sprintf("w%d", i), nil)
		wait.Go(func() {
			if err := w.Work(t.Context(), t.Context(), scan); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	st, err := s.Status(t.Context())
	check(t, err)
	if !st.Over() || st.Shards.Done != 8 || st.Recorded != 800 || st.Results != 800 {
		t.Errorf("%+v", st)
	}
	addrs, c := collected(t, s)
	slices.Sort(addrs)
	if len(slices.Compact(addrs)) != 800 || c.Results != 800 || c.Repeats != 0 {
		t.Errorf("%d results, %+v", len(addrs), c)
	}
	for _, w := range st.Workers { // who it was is asked later
		if !w.Left || !slices.Equal(w.Sources, []string{"198.18.0.1"}) {
			t.Errorf("%+v", w)
		}
	}
	if grants := mustGrants(t, s); len(grants) != 0 {
		t.Errorf("grants that nobody has given back: %v", grants)
	}
}

func mustGrants(t *testing.T, s *Scan) grants {
	t.Helper()
	g := make(grants)
	_, err := s.read(t.Context(), "grants", &g)
	check(t, err)
	return g
}

// A scan that is paused begins nothing more, and goes on where it was; one that is
// stopped is left.
func TestAScanIsPausedResumedAndStopped(t *testing.T) {
	s := newScan(t, func(spec *Spec) { spec.Shards = 1 })
	var opened atomic.Int32
	w := newWorker(t, s, "w", func(job *Job) (Probe, error) {
		opened.Add(1)
		return &pretence{job: job, targets: 1 << 30, step: time.Millisecond}, nil
	})
	done := make(chan error, 1)
	go func() { done <- w.Work(t.Context(), t.Context(), s) }()
	recorded := func() uint64 {
		st, err := s.Status(t.Context())
		check(t, err)
		return st.Recorded
	}
	await(t, "targets", func() bool { return recorded() > 20 })
	check(t, s.SetState(t.Context(), Paused))
	await(t, "the end of the job", func() bool { return w.Member().Packets > 0 && len(mustGrants(t, s)) == 0 })
	before := recorded()
	time.Sleep(time.Second)
	if n := recorded(); n != before {
		t.Errorf("%d targets were done in the pause", n-before)
	}
	check(t, s.SetState(t.Context(), Running))
	await(t, "more targets", func() bool { return recorded() > before })
	var st ShardState
	_, err := s.read(t.Context(), shardKey(0), &st)
	check(t, err)
	if st.Tries != 1 || st.Takes != 2 || opened.Load() != 2 {
		t.Errorf("a pause counts as a failed try: %+v", st)
	}
	check(t, s.SetState(t.Context(), Stopped))
	check(t, <-done)
}

// A worker whose machine is the reason ends soon, and its shards are done by others.
func TestAWorkerThatFailsLeavesItsShardsToOthers(t *testing.T) {
	s := newScan(t, func(spec *Spec) { spec.Shards = 2 })
	bad := newWorker(t, again(t, s), "bad", func(*Job) (Probe, error) { return nil, errBroken })
	if err := bad.Work(t.Context(), t.Context(), s); !errors.Is(err, errBroken) {
		t.Fatalf("%v", err)
	}
	st, err := s.Status(t.Context())
	check(t, err)
	if st.Shards.Aside > 0 {
		t.Errorf("the shards were set aside for one broken machine")
	}
	good := newWorker(t, s, "good", nil)
	check(t, good.Work(t.Context(), t.Context(), s))
	if addrs, _ := collected(t, s); len(addrs) != 200 {
		t.Errorf("%d results", len(addrs))
	}
}

// A shard that fails with everybody is set aside, counted and named; the rest is done.
func TestAShardThatAlwaysFailsIsSetAside(t *testing.T) {
	s := newScan(t, func(spec *Spec) { spec.Shards = 3 })
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for n := 0; ; n++ {
		w := newWorker(t, s, fmt.Sprintf("w%d", n), func(job *Job) (Probe, error) {
			if job.Shard == 1 {
				return nil, errBroken
			}
			return &pretence{job: job, targets: 100}, nil
		})
		if err := w.Work(ctx, ctx, s); err == nil {
			break
		}
		check(t, ctx.Err())
	}
	st, err := s.Status(t.Context())
	check(t, err)
	if st.Shards.Done != 2 || st.Shards.Aside != 1 || !st.Over() {
		t.Fatalf("%+v", st.Shards)
	}
	aside := st.Aside[0]
	if aside.Shard != 1 || aside.Takes != MaxTries || !strings.Contains(aside.Aside, errBroken.Error()) || !strings.Contains(aside.Aside, "the last was w") {
		t.Errorf("%+v", aside)
	}
	if addrs, _ := collected(t, s); len(addrs) != 200 {
		t.Errorf("%d results", len(addrs))
	}

	// Once its reason is gone it is taken again.
	n, err := s.Retry(t.Context())
	if n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	check(t, newWorker(t, s, "mended", nil).Work(ctx, ctx, s))
	if addrs, _ := collected(t, s); len(addrs) != 300 {
		t.Errorf("%d results", len(addrs))
	}
}

// A shard on which workers die is one that they come no further with; where they do, it
// is not set aside, however often they die.
func TestProgressIsNoFailure(t *testing.T) {
	s := newScan(t, nil)
	for n := range uint64(3 * MaxTries) {
		tk, err := s.take(t.Context(), 0, "w")
		check(t, err)
		if tk.state.Aside != "" {
			t.Fatalf("set aside after %d takes: %s", n, tk.state.Aside)
		}
		tk.state.Recorded = n + 1
		check(t, tk.save())
	}
	for range MaxTries {
		tk, err := s.take(t.Context(), 0, "w")
		check(t, err)
		if tk.state.Aside != "" {
			t.Fatal("set aside too early")
		}
	}
	if tk, err := s.take(t.Context(), 0, "w"); err != nil || tk.state.Aside == "" {
		t.Errorf("%v: %d takes without progress, and it is not set aside", err, MaxTries)
	}
}

// Of two that take a shard for theirs one finds out before it notes anything.
func TestOneOfTwoHoldersFindsOut(t *testing.T) {
	s := newScan(t, nil)
	first, err := s.take(t.Context(), 0, "first")
	check(t, err)
	second, err := s.take(t.Context(), 0, "second")
	check(t, err)
	first.state.Recorded = 10
	if err := first.save(); !errors.Is(err, ErrShardLost) {
		t.Errorf("%v", err)
	}
	check(t, second.save())
	// A change whose answer was lost is recognized as ours.
	second.revision--
	check(t, second.save())
}

// A server that goes and comes again loses nothing: what was in flight is done again.
func TestAServerMayBeStartedAgain(t *testing.T) {
	dir := t.TempDir()
	srv := newServer(t, dir, "127.0.0.1:0")
	listen := strings.TrimPrefix(srv.URL(), "nats://")
	s := startScan(t, newHub(t, srv), func(spec *Spec) { spec.Shards = 2 })
	w := newWorker(t, s, "w", func(job *Job) (Probe, error) {
		return &pretence{job: job, targets: 300, step: 20 * time.Millisecond}, nil
	})
	done := make(chan error, 1)
	go func() { done <- w.Work(t.Context(), t.Context(), s) }()
	for _, away := range []time.Duration{200 * time.Millisecond, 3 * time.Second, 6 * time.Second} {
		before := w.Member().Packets
		await(t, "progress", func() bool { return w.Member().Packets > before })
		srv.Close()
		time.Sleep(away)
		srv = newServer(t, dir, listen)
	}
	defer func() { srv.Close() }()
	check(t, <-done)
	addrs, _ := collected(t, s)
	slices.Sort(addrs)
	if len(slices.Compact(addrs)) != 600 {
		t.Errorf("%d results", len(addrs))
	}
}

// What is excluded reaches each worker, also one that begins later.
func TestExclusionsReachWorkers(t *testing.T) {
	s := newScan(t, func(spec *Spec) { spec.Shards = 2 })
	check(t, s.Exclude(t.Context(), "198.18.0.0-198.18.0.255"))
	var p atomic.Pointer[pretence]
	w := newWorker(t, s, "w", func(job *Job) (Probe, error) {
		p.Store(&pretence{job: job, targets: 1 << 30, step: time.Millisecond})
		return p.Load(), nil
	})
	go w.Work(t.Context(), t.Context(), s)
	left := func() []string {
		if q := p.Load(); q != nil {
			q.mu.Lock()
			defer q.mu.Unlock()
			return q.left
		}
		return nil
	}
	await(t, "the first", func() bool { return slices.Equal(left(), []string{"198.18.0.0-198.18.0.255"}) })
	check(t, again(t, s).Exclude(t.Context(), "198.18.9.9-198.18.9.9"))
	await(t, "both", func() bool { return len(left()) == 2 })
}

// A lease that cannot be renewed is not longer than it was.
func TestALeaseEndsWithTheServer(t *testing.T) {
	dir := t.TempDir()
	srv := newServer(t, dir, "127.0.0.1:0")
	s := startScan(t, newHub(t, srv), func(spec *Spec) { spec.Shards = 1 })
	var p atomic.Pointer[pretence]
	w := newWorker(t, s, "w", func(job *Job) (Probe, error) {
		p.Store(&pretence{job: job, targets: 1 << 30, step: time.Millisecond})
		return p.Load(), nil
	})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go w.Work(ctx, ctx, s)
	until := func() time.Time {
		q := p.Load()
		if q == nil {
			return time.Time{}
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		return q.until
	}
	await(t, "a lease", func() bool { return !until().IsZero() })
	first := until()
	await(t, "a longer one", func() bool { return until().After(first) })
	srv.Close()
	gone := time.Now()
	time.Sleep(3 * GiveUp)
	if u := until(); u.Sub(gone) > GiveUp {
		t.Errorf("the lease is %v longer than the server was there", u.Sub(gone))
	}
}

// A scan that is removed is left, and another of its name is not taken for it.
func TestAScanThatIsRemovedIsLeft(t *testing.T) {
	for name, next := range map[string]bool{"alone": false, "with another of its name": true} {
		t.Run(name, func(t *testing.T) {
			s := newScan(t, nil)
			w := newWorker(t, s, "w", func(job *Job) (Probe, error) {
				return &pretence{job: job, targets: 1 << 30, step: time.Millisecond}, nil
			})
			done := make(chan error, 1)
			go func() { done <- w.Work(t.Context(), t.Context(), s) }()
			await(t, "results", func() bool { return w.Member().Results > 20 })
			admin := again(t, s)
			check(t, admin.hub.Remove(t.Context(), "test"))
			if next {
				spec := NewSpec("test")
				spec.Rate, spec.Shards = 1000, 4
				other, err := admin.hub.Start(t.Context(), spec, nil)
				check(t, err)
				defer func() {
					st, err := other.Status(t.Context())
					check(t, err)
					if addrs, _ := collected(t, other); len(addrs) > 0 || st.Recorded > 0 || len(st.Workers) > 0 {
						t.Errorf("%d results of the old scan are in the new one: %+v", len(addrs), st)
					}
				}()
			}
			if err := <-done; !errors.Is(err, ErrGone) {
				t.Errorf("%v", err)
			}
		})
	}
}

// What a machine finds that reaches nothing is not believed.
func TestWhatAMachineFindsThatReachesNothingIsNotBelieved(t *testing.T) {
	s := newScan(t, func(spec *Spec) { spec.Shards = 1 })
	bad := newWorker(t, again(t, s), "bad", func(job *Job) (Probe, error) {
		return &pretence{job: job, targets: 100, stuck: errBroken}, nil
	})
	if err := bad.Work(t.Context(), t.Context(), s); !errors.Is(err, errBroken) {
		t.Fatalf("%v", err)
	}
	if addrs, _ := collected(t, s); len(addrs) > 0 {
		t.Errorf("%d results", len(addrs))
	}
}

// A scan that is stopped does not wait for a stream that is full.
func TestAFullStreamDoesNotHoldUpAStop(t *testing.T) {
	s := newScan(t, func(spec *Spec) { spec.Shards, spec.MaxBytes = 1, 20<<10 })
	w := newWorker(t, s, "w", func(job *Job) (Probe, error) {
		return &pretence{job: job, targets: 1 << 30}, nil
	})
	done := make(chan error, 1)
	go func() { done <- w.Work(t.Context(), t.Context(), s) }()
	await(t, "a stream that is full", func() bool {
		st, err := s.Status(t.Context())
		check(t, err)
		return len(st.Workers) == 1 && strings.Contains(st.Workers[0].Note, "is full")
	})
	check(t, s.SetState(t.Context(), Stopped))
	check(t, <-done)
	// Nor does what publishes for it, which only its own context would end otherwise.
	soft, stopped := context.WithCancel(t.Context())
	stopped()
	p := s.publisher(t.Context(), 0, "late", func(string) {})
	p.soft = soft
	if _, err := p.Write(bytes.Repeat([]byte(line("198.18.0.1", "")), 1000)); err != nil {
		t.Fatal(err)
	}
	if err := p.Settle(); err == nil || !strings.Contains(err.Error(), "is full") {
		t.Errorf("%v", err)
	}
	// With more room it goes on.
	check(t, s.SetMaxBytes(t.Context(), 10<<20))
	check(t, s.SetState(t.Context(), Running))
	before := w.Member().Results
	ctx, stop := context.WithCancel(t.Context())
	go func() { done <- w.Work(ctx, t.Context(), s) }()
	await(t, "more results", func() bool { return w.Member().Results > before })
	stop()
	<-done
}
