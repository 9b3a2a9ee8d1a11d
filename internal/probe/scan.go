// A scan: opened, run, and stopped.

package probe

import (
	"context"
	crand "crypto/rand"
	"errors"
	"math/rand/v2"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rawshake/rawshake/internal/probe/store"
	"github.com/rawshake/rawshake/internal/probe/supply"
	"github.com/rawshake/rawshake/internal/probe/syn"
	"github.com/rawshake/rawshake/internal/probe/targets"
)

// A Scan is set up by Open, and runs once.
type Scan struct {
	o     *Options
	loops []*loop
	sink  *store.Sink
	epoch time.Time
	total uint64 // targets of this shard, as far as known
	dist  *supply.Distributor
	reins reins
}

// Open finds the routes to the targets, puts up the guard and opens the links:
// all that can fail before the first packet.
func Open(ctx context.Context, o Options, out *store.Output) (*Scan, error) {
	o.Loops = max(min(o.Loops, o.MaxInFlight), 1)
	if o.Resume != nil && len(o.Resume.Loops) > 0 {
		o.Loops = len(o.Resume.Loops) // whose numbers the checkpoint holds
	}
	s := &Scan{o: &o, epoch: time.Now(), sink: store.NewSink(out)}
	var lists targets.Lists
	if o.Feed != nil {
		lists = o.Feed.Lists
	}
	s.sink.Keep(o.Keep, store.Checkpoint{Scan: o.Scan, Seed: o.Seed, Shard: o.Shard, Shards: o.Shards}, o.Resume, lists, leadAt(o.Rate, o.Loops))
	if o.Feed != nil {
		s.dist = supply.NewDistributor(o.Feed, o.Shard, o.Shards)
	}
	var key [16]byte
	crand.Read(key[:])
	for i := range o.Loops {
		l := newLoop(s.o, i)
		l.results.sink, l.results.reach, l.epoch = s.sink, s.sink.Add(), s.epoch
		l.reins, l.admission.reins, l.egress.reins = &s.reins, &s.reins, &s.reins
		s.loops = append(s.loops, l)
		err := l.ports.take(o.Kept)
		if err == nil {
			if o.Prepared {
				l.ports.guardBetter()
			}
			l.findRoutes()
			l.supply(key, s.dist)
			err = l.openPaths(ctx)
		}
		if err != nil {
			s.Close()
			return nil, err
		}
	}
	if o.Space != nil && o.Shard < o.Space.Probed() {
		s.total = (o.Space.Probed()-o.Shard-1)/max(o.Shards, 1) + 1
	}
	return s, nil
}

// How far the loops may go beyond a checkpoint before they wait for the next.
const (
	minLead  = 128
	fastLead = 1 << 19 // where there is no rate
	leadTime = 2 * store.SaveEvery
)

// leadAt is how far each of so many loops may go at a rate.
func leadAt(rate float64, loops int) uint64 {
	if rate == 0 {
		return fastLead
	}
	return minLead + uint64(leadTime.Seconds()*rate)/uint64(loops)
}

// supply makes the loop's source.
func (l *loop) supply(key [16]byte, d *supply.Distributor) {
	o := l.o
	var seed [32]byte
	crand.Read(seed[:])
	l.syns.mac, l.connections.random = syn.NewMAC(key), rand.NewChaCha8(seed)
	part := supply.Part{Shard: o.Shard, Shards: o.Shards, Loop: l.index, Loops: o.Loops}
	l.begun.source = supply.New(o.Space, o.Seed, o.Name, part, d, l.syns.mac, l.ports.count)
	l.begun.source.Avoid(l.connections.portInUse)
	l.begun.window = newWindow(0)
	l.results.buf = make([]byte, 0, store.BufferLen)
}

// Run probes all targets and writes a result for each. It returns [ErrRuntime] or
// [ErrResults] if the options ended it. When ctx is done no
// more targets are begun, and what is in flight has a second to finish; when hard is
// done, Run returns at once. The scan is closed afterwards.
func (s *Scan) Run(ctx, hard context.Context) (Stats, error) {
	defer s.Close()
	if s.o.MaxRuntime > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, s.o.MaxRuntime, ErrRuntime)
		defer cancel()
		ctx = limited
	}
	ctx, enough := context.WithCancelCause(ctx)
	defer enough(nil)
	q := newQuota(s.o.MaxResults, func() { enough(ErrResults) })
	for _, l := range s.loops {
		l.results.quota = q
	}
	feeding, cancel := context.WithCancel(ctx)
	defer cancel()
	if s.dist != nil {
		go s.dist.Run(feeding)
	}
	go s.sink.Run()
	workers := startWorkers(s.o.Worker.Do)
	defer workers.stop()
	for _, l := range s.loops {
		l.connections.queue.workers = workers
	}
	var wait sync.WaitGroup
	var cut atomic.Bool // a loop stopped before it had finished
	for _, l := range s.loops[1:] {
		wait.Go(func() {
			if l.run(ctx, hard) != nil {
				cut.Store(true)
			}
		})
	}
	if s.loops[0].run(ctx, hard) != nil {
		cut.Store(true)
	}
	wait.Wait()
	if s.dist != nil {
		s.sink.Fail(s.dist.Failure())
	}
	if ctx.Err() == nil && hard.Err() == nil && !cut.Load() {
		s.sink.Finish()
	}
	err := s.sink.Close()
	if cause := context.Cause(ctx); err == nil && (errors.Is(cause, ErrRuntime) || errors.Is(cause, ErrResults)) {
		err = cause
	}
	return s.Stats(), err
}

// What ends a scan before its targets do, as its options say.
var (
	ErrRuntime = errors.New("the time of --max-runtime is over")
	ErrResults = errors.New("the results of --max-results are there")
)

// Stats are the counters of all loops together. It may be called at any time.
func (s *Scan) Stats() Stats {
	sum := Stats{Slowed: 1, Time: time.Since(s.epoch), Memory: heapInUse()}
	for _, l := range s.loops {
		if t := l.published.Load(); t != nil {
			sum.add(t)
		}
	}
	return sum
}

// Total is how many targets there are, and whether that is all of them: a
// stream's are not known beforehand.
func (s *Scan) Total() (n uint64, whole bool) { return s.total, s.dist == nil }

// Done is how many of the targets have results, by this run or an earlier one.
func (s *Stats) Done() uint64 { return s.Results + s.Known }

func heapInUse() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// Close gives up links and guards.
func (s *Scan) Close() {
	for _, l := range s.loops {
		if l.routes != nil {
			l.routes.Close()
		}
		l.ports.close(s.o.Kept)
	}
}
