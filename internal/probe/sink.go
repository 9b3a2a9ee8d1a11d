package probe

import (
	"sync"
	"sync/atomic"
)

// A sink writes the loops' records, in the order in which they are handed
// over, and tells the loops when it cannot any more. It writes the checkpoint
// as well: what a loop says of its targets comes through the same queue, behind
// their records, so that these are on the disk first.
type sink struct {
	out   *Output
	queue chan handed
	spare chan []byte
	done  chan struct{}

	path       string // of the checkpoint; empty: none
	checkpoint Checkpoint
	extents    []*LoopExtent
	ceilings   []*atomic.Uint64
	lead       uint64
	finished   atomic.Bool

	mu   sync.Mutex
	err  error
	fell chan struct{} // closed with the first failure
}

// handed is what a loop hands over: records, or how far it has come.
type handed struct {
	records []byte
	count   uint64
	loop    int
	extent  *LoopExtent
}

// sinkQueue is how many buffers wait to be written.
const sinkQueue = 16

func newSink(out *Output) *sink {
	s := &sink{out: out, queue: make(chan handed, sinkQueue), spare: make(chan []byte, sinkQueue),
		done: make(chan struct{}), fell: make(chan struct{})}
	return s
}

func (s *sink) run() {
	defer close(s.done)
	for h := range s.queue {
		if s.broken() {
			continue
		}
		if err := s.take(h); err != nil {
			s.fail(err)
		}
	}
	if !s.broken() {
		s.fail(s.save())
	}
}

func (s *sink) take(h handed) error {
	if h.extent != nil {
		s.extents[h.loop] = h.extent
		for _, e := range s.extents {
			if e == nil {
				return nil
			}
		}
		return s.save()
	}
	if _, err := s.out.Write(h.records); err != nil {
		return &OutputError{err}
	}
	s.checkpoint.Records += h.count
	if len(s.queue) == 0 {
		if err := s.out.Flush(); err != nil {
			return &OutputError{err}
		}
	}
	select {
	case s.spare <- h.records[:0]:
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
	c := &s.checkpoint
	c.Offset, c.Finished, c.Loops = offset, s.finished.Load(), c.Loops[:0]
	for i, e := range s.extents {
		if e == nil {
			return nil // a loop that has not begun
		}
		e.Ceiling = max(e.Head+s.lead, s.ceilings[i].Load())
		c.Loops = append(c.Loops, *e)
	}
	if err := c.write(s.path); err != nil {
		return &CheckpointError{err}
	}
	for i, e := range s.extents {
		s.ceilings[i].Store(e.Ceiling)
	}
	return nil
}

// put hands something over. Without wait it may be refused.
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

// buffer gives an empty buffer.
func (s *sink) buffer() []byte {
	select {
	case b := <-s.spare:
		return b
	default:
		return make([]byte, 0, 64<<10)
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
