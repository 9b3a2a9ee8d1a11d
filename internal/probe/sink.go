package probe

import (
	"io"
	"sync"
)

// A sink writes the loops' records, in the order in which they are handed
// over, and tells the loops when it cannot any more.
type sink struct {
	w     io.Writer
	queue chan []byte
	spare chan []byte
	done  chan struct{}

	mu   sync.Mutex
	err  error
	fell chan struct{} // closed with the first failure
}

// sinkQueue is how many buffers wait to be written.
const sinkQueue = 16

func newSink(w io.Writer) *sink {
	s := &sink{w: w, queue: make(chan []byte, sinkQueue), spare: make(chan []byte, sinkQueue),
		done: make(chan struct{}), fell: make(chan struct{})}
	go s.run()
	return s
}

func (s *sink) run() {
	defer close(s.done)
	for b := range s.queue {
		if s.broken() {
			continue
		}
		if _, err := s.w.Write(b); err != nil {
			s.fail(&OutputError{err})
		}
		select {
		case s.spare <- b[:0]:
		default:
		}
	}
}

// put hands a buffer over. Without wait it may be refused.
func (s *sink) put(b []byte, wait bool) bool {
	if wait {
		s.queue <- b
		return true
	}
	select {
	case s.queue <- b:
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
	if s.err == nil {
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
