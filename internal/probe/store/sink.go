// Package store writes the results of a scan to where they go, and keeps the checkpoint
// from which another run goes on.
package store

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/rawshake/rawshake/internal/probe/targets"
)

// A Sink writes the loops' results, in the order in which they are handed over, and tells
// the loops when it no longer can. It keeps the checkpoint as well, since it alone knows
// which results are on the disk.
type Sink struct {
	out   *Output
	queue chan Batch
	spare chan Batch
	done  chan struct{}

	keep       func(*Checkpoint) error // where the checkpoint goes; nil: there is none
	checkpoint Checkpoint
	resume     *Checkpoint // where an earlier run stopped; may be nil
	lists      targets.Lists
	loops      []*Reach
	written    []*doneSet // by loop: the targets whose results are written
	lead       atomic.Uint64
	finished   atomic.Bool
	over       bool // the loops begin nothing more

	mu   sync.Mutex
	err  error
	fell chan struct{} // closed with the first failure
}

// A Batch is what a loop hands over: results, and of which targets they are.
type Batch struct {
	Results []byte
	Numbers []uint64
	Passed  int // of them left out, without a result
	Loop    int
}

// A Reach is how far a loop has begun targets, and how far it may before the next
// checkpoint is on the disk.
type Reach struct {
	head, ceiling atomic.Uint64
	kept          bool // there is a checkpoint
}

// Begin notes that the targets before a number are begun.
func (r *Reach) Begin(head uint64) { r.head.Store(head) }

// May reports whether a target may be begun.
func (r *Reach) May(n uint64) bool { return !r.kept || n < r.ceiling.Load() }

// BufferLen is how many bytes of results are handed over at a time, or a little
// more.
const BufferLen = 64 << 10

// sinkQueue is how many buffers wait to be written.
const sinkQueue = 16

// SaveEvery is how often the checkpoint is written.
const SaveEvery = 500 * time.Millisecond

// NewSink is one that writes to an output, with no checkpoint.
func NewSink(out *Output) *Sink {
	return &Sink{out: out, queue: make(chan Batch, sinkQueue), spare: make(chan Batch, sinkQueue),
		done: make(chan struct{}), fell: make(chan struct{})}
}

// A Keeper puts a checkpoint where another run finds it, durably.
type Keeper func(*Checkpoint) error

// InFile keeps checkpoints in a file; nil if it has no name.
func InFile(path string) Keeper {
	if path == "" {
		return nil
	}
	return func(c *Checkpoint) error { return c.write(path) }
}

// Keep makes the sink keep a checkpoint, unless keep is nil. c is what it says
// besides how far the loops are, and resume that of an earlier run, or nil. Loops may go
// by lead beyond it, so that they need not wait for the next.
func (s *Sink) Keep(keep Keeper, c Checkpoint, resume *Checkpoint, lists targets.Lists, lead uint64) {
	s.keep, s.checkpoint, s.resume, s.lists = keep, c, resume, lists
	s.Lead(lead)
	s.checkpoint.Version, s.checkpoint.Output = checkpointVersion, s.out.Path
	if resume != nil {
		s.checkpoint.Results = resume.Results
	}
}

// Lead says anew by how much loops may go beyond a checkpoint.
func (s *Sink) Lead(lead uint64) { s.lead.Store(lead) }

// Add is the reach of another loop.
func (s *Sink) Add() *Reach {
	r, done := &Reach{kept: s.keep != nil}, new(doneSet)
	if s.resume != nil {
		e := &s.resume.Loops[len(s.loops)]
		done = setOf(e)
		r.ceiling.Store(e.Ceiling)
	}
	s.loops, s.written = append(s.loops, r), append(s.written, done)
	return r
}

// Finish notes that all targets are done.
func (s *Sink) Finish() { s.finished.Store(true) }

// Run writes until Close.
func (s *Sink) Run() {
	defer close(s.done)
	var saves <-chan time.Time
	if s.keep != nil {
		s.Fail(s.save()) // until then no loop sends anything
		ticks := time.NewTicker(SaveEvery)
		defer ticks.Stop()
		saves = ticks.C
	}
	for {
		var err error
		select {
		case h, ok := <-s.queue:
			if !ok {
				s.over = true
				if !s.Broken() {
					s.Fail(s.save())
				}
				return
			}
			if !s.Broken() {
				err = s.take(h)
			}
		case <-saves:
			if !s.Broken() {
				err = s.save()
			}
		}
		s.Fail(err)
	}
}

func (s *Sink) take(h Batch) error {
	if _, err := s.out.Write(h.Results); err != nil {
		return &WriteError{err}
	}
	s.checkpoint.Results += uint64(len(h.Numbers) - h.Passed)
	if s.keep != nil {
		for _, n := range h.Numbers {
			s.written[h.Loop].add(n)
		}
	}
	if len(s.queue) == 0 {
		if err := s.out.Flush(); err != nil {
			return &WriteError{err}
		}
	}
	select {
	case s.spare <- h:
	default:
	}
	return nil
}

// save brings the results to the disk, then the checkpoint, and then lets the
// loops go on as far as it says.
func (s *Sink) save() error {
	offset, err := s.out.Sync()
	if err != nil {
		return &WriteError{err}
	}
	if s.keep == nil {
		return nil
	}
	c := s.reached(offset, hashTail(s.out.to.last))
	if err := s.keep(c); err != nil {
		return &CheckpointError{err}
	}
	for i, l := range s.loops {
		l.ceiling.Store(c.Loops[i].Ceiling)
	}
	return nil
}

// reached is the present checkpoint, with the output on the disk up to offset, and this
// tail before that. As long as a list may differ from the earlier run's, its targets'
// places mean nothing: then it is still the checkpoint of the earlier run, and more may
// have been probed.
func (s *Sink) reached(offset int64, tail string) *Checkpoint {
	c := s.checkpoint
	c.Offset, c.Tail, c.Finished = offset, tail, s.finished.Load()
	lists, proven := s.lists.Extents()
	if !proven {
		c = *s.resume
	}
	c.Lists, c.Loops = lists, nil
	for i, l := range s.loops {
		e := s.written[i].extent()
		if !proven {
			e = s.resume.Loops[i]
		}
		switch {
		case c.Finished:
			e.Ceiling = e.Head
		case s.over: // what an earlier run may have begun stays open
			e.Ceiling = max(e.Head, l.head.Load(), s.resume.ceiling(i))
		default:
			e.Ceiling = max(e.Head, l.head.Load(), l.ceiling.Load(), l.head.Load()+s.lead.Load())
		}
		c.Loops = append(c.Loops, e)
	}
	return &c
}

// Put hands results over. Without wait they may be refused.
func (s *Sink) Put(h Batch, wait bool) bool {
	if wait {
		s.queue <- h
		return true
	}
	select {
	case s.queue <- h:
		return true
	default:
		return false
	}
}

// Buffer gives empty buffers for results and numbers.
func (s *Sink) Buffer() ([]byte, []uint64) {
	select {
	case h := <-s.spare:
		return h.Results[:0], h.Numbers[:0]
	default:
		return make([]byte, 0, BufferLen), nil
	}
}

// Fail notes the first failure, which ends all loops.
func (s *Sink) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && err != nil {
		s.err = err
		close(s.fell)
	}
}

// Broken reports whether there was a failure.
func (s *Sink) Broken() bool {
	select {
	case <-s.fell:
		return true
	default:
		return false
	}
}

func (s *Sink) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Close waits until all is written.
func (s *Sink) Close() error {
	close(s.queue)
	<-s.done
	return s.failure()
}

// A WriteError says that results could not be written where they should go.
type WriteError struct{ Err error }

func (e *WriteError) Error() string { return "the results cannot be written: " + e.Err.Error() }
func (e *WriteError) Unwrap() error { return e.Err }

// A CheckpointError says that the checkpoint could not be written.
type CheckpointError struct{ Err error }

func (e *CheckpointError) Error() string { return "the checkpoint cannot be written: " + e.Err.Error() }
func (e *CheckpointError) Unwrap() error { return e.Err }
