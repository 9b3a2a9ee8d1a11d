// A worker takes shards and does them, one after the other.

package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/rawshake/rawshake/internal/probe/store"
)

// A Job is a shard, or what is left of it.
type Job struct {
	Spec    *Spec
	Shard   uint64
	Take    string            // differs for each job
	Resume  *store.Checkpoint // where an earlier take stopped; nil: nothing is done
	Keep    store.Keeper      // where the checkpoint goes
	Results io.Writer         // where results go, unless they are kept in a file
	Rate    float64           // at first

	Kept string // out: the file that they are kept in
}

// A Probe is a job that is ready to run.
type Probe interface {
	// Run probes the targets. When soft is done it finishes what is in flight, for a
	// moment; when hard is done it returns at once.
	Run(soft, hard context.Context) error
	SetRate(float64)         // packets a second
	SendUntil(time.Time)     // nothing leaves after that
	Exclude(ranges []string) // begin nothing more there
	Progress() (packets, results, excluded uint64, sources []netip.Addr)
	// Stuck says why this machine reaches no target at all; nil: it does, or nobody knows.
	Stuck() error
}

// A Worker takes part in scans.
type Worker struct {
	Hub     *Hub
	Name    string
	Version string
	Open    func(context.Context, *Job) (Probe, error) // makes a job ready; nothing leaves before Run
	Log     func(format string, args ...any)           // what a person should know

	instance string
	failures int // in a row

	mu   sync.Mutex
	last Member // what it said last
}

// maxFailures is how many jobs in a row may fail before a worker takes its machine to be
// the reason.
const maxFailures = 3

// Member is what the worker said of itself last.
func (w *Worker) Member() Member {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// Work takes part in a scan until nothing of it is left, somebody stops it, or soft is
// done, when what is in flight has a moment. When hard is done it returns at once. It
// survives a server that is away.
func (w *Worker) Work(soft, hard context.Context, scan *Scan) error {
	if w.instance == "" {
		w.instance = newInstance()
	}
	for soft.Err() == nil {
		over, err := w.takePart(soft, hard, scan)
		switch {
		case over, errors.Is(err, ErrNameTaken), w.failures >= maxFailures:
			return err
		case soft.Err() != nil:
			return nil
		case err != nil:
			w.Log("%v; trying again", err)
			sleep(soft, time.Second)
		}
	}
	return nil
}

// takePart is one membership. It reports whether the worker has nothing more to do in
// the scan.
func (w *Worker) takePart(soft, hard context.Context, scan *Scan) (over bool, err error) {
	host, _ := os.Hostname()
	last := w.Member()
	if err := scan.Gone(hard); err != nil {
		return errors.Is(err, ErrGone), err
	}
	n, err := scan.join(hard, Member{Name: w.Name, Instance: w.instance, Host: host, Version: w.Version, Packets: last.Packets, Results: last.Results, Excluded: last.Excluded, Sources: last.Sources})
	if err != nil {
		return false, err
	}
	defer func() {
		n.Leave()
		w.mu.Lock()
		w.last.Rate, w.last.Shard = 0, nil
		w.mu.Unlock()
	}()
	consumer, err := scan.hub.js.CreateOrUpdateConsumer(n.ctx, shardsOf(scan.Spec.Name), jetstream.ConsumerConfig{
		Durable: "workers", AckPolicy: jetstream.AckExplicitPolicy, AckWait: Lease, MaxAckPending: -1})
	if err != nil {
		return false, explain(err)
	}
	for soft.Err() == nil {
		if n.ctx.Err() != nil {
			return false, context.Cause(n.ctx)
		}
		switch n.view.State() {
		case Stopped:
			return true, nil
		case Paused:
			n.Say(func(m *Member) { m.Working, m.Note = false, "paused" })
			sleep(soft, Heartbeat)
			continue
		}
		msg, err := next(n.ctx, consumer)
		if err != nil {
			return false, explain(err)
		}
		if msg == nil {
			n.Say(func(m *Member) { m.Working, m.Note = false, "no shard is free" })
			if over, err := scan.Finished(n.ctx); over || err != nil {
				return over, err
			}
			continue
		}
		if err := w.do(soft, n, msg); err != nil {
			return false, err
		}
	}
	return false, nil
}

// next fetches a shard; nil: there is none now.
func next(ctx context.Context, consumer jetstream.Consumer) (jetstream.Msg, error) {
	batch, err := consumer.Fetch(1, jetstream.FetchMaxWait(time.Second))
	if err != nil {
		return nil, err
	}
	msg := <-batch.Messages()
	if msg == nil && batch.Error() != nil {
		sleep(ctx, Heartbeat)
		return nil, batch.Error()
	}
	return msg, nil
}

// Finished reports whether no shard is left.
func (s *Scan) Finished(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	stream, err := s.hub.js.Stream(ctx, shardsOf(s.Spec.Name))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return true, fmt.Errorf("%w: %s", ErrGone, s.Spec.Name)
	}
	if err != nil {
		return false, explain(err)
	}
	return stream.CachedInfo().State.Msgs == 0, nil
}

// do does a shard. An error ends the membership.
func (w *Worker) do(soft context.Context, n *session, msg jetstream.Msg) error {
	shard, err := strconv.ParseUint(string(msg.Data()), 10, 64)
	if err != nil {
		return errors.Join(fmt.Errorf("the stream of shards holds something else: %q", msg.Data()), msg.Term())
	}
	t, err := n.scan.take(n.ctx, shard, w.Name)
	switch {
	case errors.Is(err, ErrShardLost):
		return nil
	case err != nil:
		return err
	case t.state.Done:
		return msg.DoubleAck(n.ctx)
	case t.state.Aside != "":
		w.Log("shard %d is set aside: %s", shard, t.state.Aside)
		return msg.DoubleAck(n.ctx)
	}
	failure := w.probe(soft, n, msg, t)
	if soft.Err() != nil || n.view.State() != Running {
		failure = nil // it was to end
	}
	n.Drive(nil, nil, nil)
	n.Say(func(m *Member) { m.Shard = nil })
	switch {
	case n.ctx.Err() != nil:
		return context.Cause(n.ctx) // somebody else will have it
	case errors.Is(failure, ErrShardLost):
		return nil
	case t.state.Done:
		w.failures = 0
		return msg.DoubleAck(n.ctx)
	}
	err = t.giveBack(failure)
	if failure == nil {
		w.failures = 0
		return errors.Join(err, msg.Nak())
	}
	w.failures++
	return errors.Join(fmt.Errorf("shard %d: %w", shard, failure), err, msg.NakWithDelay(time.Second))
}

// probe runs a shard's job until it is done, given back, or failed.
func (w *Worker) probe(soft context.Context, n *session, msg jetstream.Msg, t *take) error {
	shard := t.state.Shard
	n.Say(func(m *Member) { m.Working, m.Shard, m.Note = true, &shard, "waits for a part of the rate" })
	n.Drive(func() { msg.InProgress() }, func(time.Time) {}, func(float64) {})
	for n.Rate() == 0 {
		if n.view.State() != Running || !sleep(soft, Heartbeat/5) || n.ctx.Err() != nil {
			return nil
		}
	}
	note := func(s string) { n.Say(func(m *Member) { m.Note = s }) }
	note("")
	resume, err := t.Resume()
	if err != nil {
		return err
	}
	ctx, cut := context.WithCancel(n.ctx)
	defer cut()
	t.ctx = ctx
	defer func() { t.ctx = n.ctx }()
	soft, stop := context.WithCancel(soft)
	defer stop()
	results := n.scan.publisher(ctx, shard, t.state.Take, note)
	results.soft = soft
	var p Probe
	keep := func(c *store.Checkpoint) error {
		if err := p.Stuck(); err != nil { // what it found is not to be believed
			return err
		}
		if err := results.Settle(); err != nil { // what a checkpoint counts is there before it
			return err
		}
		return t.keep(c)
	}
	job := &Job{Spec: &n.scan.Spec, Shard: shard, Take: t.state.Take, Resume: resume, Keep: keep, Rate: n.Rate(), Results: results}
	if p, err = w.Open(soft, job); err != nil {
		return err
	}
	if job.Kept != "" {
		t.state.Kept = append(t.state.Kept, w.Name+":"+job.Kept)
	}
	defer context.AfterFunc(soft, func() {
		if sleep(ctx, stopTime) {
			cut() // the results could not be published
		}
	})()
	return w.drive(soft, ctx, stop, n, msg, p)
}

// stopTime is how long a job may take to end once it is to.
const stopTime = 10 * time.Second

// drive runs a probe, and lets it know what changes meanwhile.
func (w *Worker) drive(soft, hard context.Context, stop func(), n *session, msg jetstream.Msg, p Probe) error {
	defer context.AfterFunc(hard, stop)()
	before := w.Member()
	known := -1
	look := func() {
		if list := n.view.Excluded(); len(list) != known {
			known = len(list)
			p.Exclude(list)
		}
		if n.view.State() != Running {
			stop()
		}
		w.count(n, p, &before)
	}
	look()
	n.Drive(func() { msg.InProgress(); look() }, p.SendUntil, p.SetRate)
	err := p.Run(soft, hard)
	w.count(n, p, &before)
	if stuck := p.Stuck(); stuck != nil {
		return stuck
	}
	return err
}

// count has the worker say what the probe has done so far, beside what was there before.
func (w *Worker) count(n *session, p Probe, before *Member) {
	packets, results, excluded, sources := p.Progress()
	n.Say(func(m *Member) {
		m.Packets, m.Results, m.Excluded = before.Packets+packets, before.Results+results, before.Excluded+excluded
		m.Sources = with(before.Sources, sources)
		w.mu.Lock()
		w.last = *m
		w.mu.Unlock()
	})
}

// with is a list with more addresses, each once.
func with(list []string, more []netip.Addr) []string {
	for _, a := range more {
		if s := a.String(); !slices.Contains(list, s) {
			list = append(list[:len(list):len(list)], s)
		}
	}
	return list
}
