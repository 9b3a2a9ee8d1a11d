package probe

import (
	"sync"
	"sync/atomic"
	"time"
)

// A sink writes the loops' records, in the order in which they are handed
// over, and tells the loops when it cannot any more. It keeps the checkpoint as
// well, since it alone knows which records are on the disk.
type sink struct {
	out   *Output
	queue chan handed
	spare chan handed
	done  chan struct{}

	path       string // of the checkpoint; empty: none
	checkpoint Checkpoint
	resume     *Checkpoint // where an earlier run has stopped; may be nil
	feed       *Feed       // may be nil
	loops      []*reach
	written    []*doneSet // by loop: the targets whose records are written
	lead       uint64
	finished   atomic.Bool
	over       bool // the loops begin nothing more

	mu   sync.Mutex
	err  error
	fell chan struct{} // closed with the first failure
}

// handed is what a loop hands over: records, and of which targets they are.
type handed struct {
	records []byte
	numbers []uint64
	passed  int // of them left out, without a record
	loop    int
}

// bufferLen is how many bytes of records are handed over at a time, or a little
// more.
const bufferLen = 64 << 10

// sinkQueue is how many buffers wait to be written.
const sinkQueue = 16

// saveEvery is how often the checkpoint is written.
const saveEvery = 500 * time.Millisecond

func newSink(out *Output) *sink {
	return &sink{out: out, queue: make(chan handed, sinkQueue), spare: make(chan handed, sinkQueue),
		done: make(chan struct{}), fell: make(chan struct{})}
}

func (s *sink) run() {
	defer close(s.done)
	var saves <-chan time.Time
	if s.path != "" {
		s.fail(s.save()) // until then no loop sends anything
		ticks := time.NewTicker(saveEvery)
		defer ticks.Stop()
		saves = ticks.C
	}
	for {
		var err error
		select {
		case h, ok := <-s.queue:
			if !ok {
				s.over = true
				if !s.broken() {
					s.fail(s.save())
				}
				return
			}
			if !s.broken() {
				err = s.take(h)
			}
		case <-saves:
			if !s.broken() {
				err = s.save()
			}
		}
		s.fail(err)
	}
}

func (s *sink) take(h handed) error {
	if _, err := s.out.Write(h.records); err != nil {
		return &OutputError{err}
	}
	s.checkpoint.Records += uint64(len(h.numbers) - h.passed)
	if s.path != "" {
		for _, n := range h.numbers {
			s.written[h.loop].add(n)
		}
	}
	if len(s.queue) == 0 {
		if err := s.out.Flush(); err != nil {
			return &OutputError{err}
		}
	}
	select {
	case s.spare <- h:
	default:
	}
	return nil
}

// save brings the records to the disk, then the checkpoint, and then lets the
// loops go on as far as it says.
func (s *sink) save() error {
	offset, err := s.out.Sync()
	if err != nil {
		return &OutputError{err}
	}
	if s.path == "" {
		return nil
	}
	c := s.reached(offset, hashTail(s.out.to.last))
	if err := c.write(s.path); err != nil {
		return &CheckpointError{err}
	}
	for i, l := range s.loops {
		l.ceiling.Store(c.Loops[i].Ceiling)
	}
	return nil
}

// reached is the checkpoint of now, with the output on the disk up to offset,
// before which it has this tail. As long as a list may be another than before,
// its targets' places mean nothing: then it is the checkpoint of the earlier run
// still, and more may have been probed.
func (s *sink) reached(offset int64, tail string) *Checkpoint {
	c := s.checkpoint
	c.Offset, c.Tail, c.Finished = offset, tail, s.finished.Load()
	lists, proven := s.feed.extents()
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
			e.Ceiling = max(e.Head, l.head.Load(), l.ceiling.Load(), l.head.Load()+s.lead)
		}
		c.Loops = append(c.Loops, e)
	}
	return &c
}

// put hands records over. Without wait they may be refused.
func (s *sink) put(h handed, wait bool) bool {
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

// buffer gives empty buffers for records and numbers.
func (s *sink) buffer() ([]byte, []uint64) {
	select {
	case h := <-s.spare:
		return h.records[:0], h.numbers[:0]
	default:
		return make([]byte, 0, bufferLen), nil
	}
}

// fail notes the first failure, which ends all loops.
func (s *sink) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && err != nil {
		s.err = err
		close(s.fell)
	}
}

func (s *sink) broken() bool {
	select {
	case <-s.fell:
		return true
	default:
		return false
	}
}

func (s *sink) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// close waits until all is written.
func (s *sink) close() error {
	close(s.queue)
	<-s.done
	return s.failure()
}

// An OutputError says that records could not be written where they should go.
type OutputError struct{ Err error }

func (e *OutputError) Error() string { return "the records cannot be written: " + e.Err.Error() }
func (e *OutputError) Unwrap() error { return e.Err }

// A CheckpointError says that the checkpoint could not be written.
type CheckpointError struct{ Err error }

func (e *CheckpointError) Error() string { return "the checkpoint cannot be written: " + e.Err.Error() }
func (e *CheckpointError) Unwrap() error { return e.Err }
