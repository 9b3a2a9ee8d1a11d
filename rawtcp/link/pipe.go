// A link in memory, for tests.

package link

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// pipeMTU is Ethernet's.
	pipeMTU = 1500
	// pipeDepth is how many packets wait in one direction of a pipe.
	pipeDepth = 1024
)

// pipeEnd is one end of a Pipe.
type pipeEnd struct {
	in, out chan []byte
	done    chan struct{}
	once    sync.Once
	until   deadline
}

// Pipe returns the two ends of a link in memory, with an MTU of 1500 bytes.
// What one end sends the other receives, in order. Like a network it loses
// packets: beyond 1024 that wait to be received, and those to an end that is
// closed. It filters nothing.
func Pipe() (a, b Link) {
	ab, ba := make(chan []byte, pipeDepth), make(chan []byte, pipeDepth)
	return newPipeEnd(ba, ab), newPipeEnd(ab, ba)
}

func newPipeEnd(in, out chan []byte) *pipeEnd {
	return &pipeEnd{in: in, out: out, done: make(chan struct{}), until: makeDeadline()}
}

func (p *pipeEnd) Send(packet []byte) error {
	if isClosed(p.done) {
		return net.ErrClosed
	}
	if len(packet) > pipeMTU {
		return fmt.Errorf("send on a pipe: a packet of %d bytes exceeds the MTU of %d", len(packet), pipeMTU)
	}
	select {
	case p.out <- bytes.Clone(packet):
	default:
	}
	return nil
}

func (p *pipeEnd) Receive(buf []byte) (Packet, error) {
	expired := p.until.wait()
	switch {
	case isClosed(p.done):
		return Packet{}, net.ErrClosed
	case isClosed(expired):
		return Packet{}, os.ErrDeadlineExceeded
	}
	select {
	case packet := <-p.in:
		return Packet{Data: buf[:copy(buf, packet)], Time: time.Now()}, nil
	case <-p.done:
		return Packet{}, net.ErrClosed
	case <-expired:
		return Packet{}, os.ErrDeadlineExceeded
	}
}

// SetReadDeadline also ends or prolongs a Receive that is waiting.
func (p *pipeEnd) SetReadDeadline(t time.Time) error {
	if isClosed(p.done) {
		return net.ErrClosed
	}
	p.until.set(t)
	return nil
}

func (p *pipeEnd) MTU() int   { return pipeMTU }
func (p *pipeEnd) Kind() Kind { return KindPipe }

func (p *pipeEnd) Close() error {
	err := net.ErrClosed
	p.once.Do(func() {
		close(p.done)
		err = nil
	})
	return err
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
