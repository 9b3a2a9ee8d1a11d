// Package badlink puts a bad network before a link, by the decisions and the queue
// of package netem.
package badlink

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rawshake/rawshake/rawtcp/link"
)

// An Impairment is what the bad network that [Wrap] makes does. The zero value is a
// clear network. Probabilities are from 0 to 1, and count for each packet, in
// either direction.
type Impairment struct {
	// Seed decides every packet's fate: that of the nth in a direction is the
	// same for the same seed and the same probabilities.
	Seed uint64

	Loss      float64
	Duplicate float64       // the copy follows at once
	Reorder   float64       // of being overtaken by one to three later packets
	Delay     time.Duration // each way: the round trip is twice that

	// Mark is the probability that an ECN-capable packet arrives marked as having
	// experienced congestion (RFC 3168, section 5).
	Mark float64

	// MTU, where it is not 0, is what the path takes from the moment on at
	// which MTUAfter bytes have entered it, in both directions together. A
	// larger packet is lost; its sender gets an ICMP message that says so
	// (RFC 1191, RFC 8201), unless BlackHole keeps silent about it.
	MTU, MTUAfter int
	BlackHole     bool
}

// Wrap puts a bad network between l, which it owns from now on, and its
// user. Both directions suffer alike. As on a real path nobody is told of what
// is lost, and a failure to send comes to light at a later Send.
//
// A kernel's peer that hands over segments larger than the MTU (GSO) makes
// losses of many segments at a time: turn its offloads off.
func Wrap(l link.Link, bad Impairment) link.Link {
	i := &impaired{Link: l, bad: bad, done: make(chan struct{}), out: newDirection(bad, 1), in: newDirection(bad, 2)}
	i.workers.Add(2)
	go i.transmit()
	go i.collect()
	return i
}

// impaired is a link behind a bad network.
type impaired struct {
	link.Link
	bad     Impairment
	out, in *direction
	entered atomic.Int64 // bytes, in both directions

	done    chan struct{}
	once    sync.Once
	workers sync.WaitGroup

	mu          sync.Mutex
	sendFailure error // of an earlier packet, to be told once
	failure     error // why nothing is received any more
}

func (l *impaired) Send(packet []byte) error {
	if l.closed() {
		return net.ErrClosed
	}
	l.mu.Lock()
	err := l.sendFailure
	l.sendFailure = nil
	l.mu.Unlock()
	if l.tooBig(packet) {
		if answer := l.answer(packet); answer != nil {
			l.in.put(link.Packet{Data: answer})
		}
		return err
	}
	l.out.put(link.Packet{Data: bytes.Clone(packet)})
	return err
}

// transmit sends what has been under way for long enough.
func (l *impaired) transmit() {
	defer l.workers.Done()
	for {
		p, err := l.out.take(l.done)
		if err != nil {
			return
		}
		if err := l.Link.Send(p.Data); err != nil {
			l.mu.Lock()
			l.sendFailure = err
			l.mu.Unlock()
		}
	}
}

// collect receives from the link below.
func (l *impaired) collect() {
	defer l.workers.Done()
	buf := make([]byte, link.MaxPacket)
	for {
		p, err := l.Link.Receive(buf)
		if err != nil {
			l.mu.Lock()
			l.failure = err
			l.mu.Unlock()
			l.in.end()
			return
		}
		switch {
		case p.KernelSent: // nothing arrives: it is only shown
			p.Data = bytes.Clone(p.Data)
			l.in.pass(p)
		case l.tooBig(p.Data):
			if answer := l.answer(p.Data); answer != nil {
				l.out.put(link.Packet{Data: answer})
			}
		default:
			p.Data = bytes.Clone(p.Data)
			l.in.put(p)
		}
	}
}

func (l *impaired) Receive(buf []byte) (link.Packet, error) {
	p, err := l.in.take(l.done)
	if errors.Is(err, errEnded) {
		l.mu.Lock()
		defer l.mu.Unlock()
		return link.Packet{}, l.failure
	}
	if err != nil {
		return link.Packet{}, err
	}
	p.Data = buf[:copy(buf, p.Data)]
	p.Time = time.Now()
	return p, nil
}

func (l *impaired) SetReadDeadline(t time.Time) error {
	if l.closed() {
		return net.ErrClosed
	}
	l.in.setDeadline(t)
	return nil
}

// Close loses what is under way.
func (l *impaired) Close() error {
	err := net.ErrClosed
	l.once.Do(func() {
		close(l.done)
		err = l.Link.Close()
		l.workers.Wait()
	})
	return err
}

// tooBig counts a packet that enters the path, and reports whether the path
// does not take it.
func (l *impaired) tooBig(packet []byte) bool {
	n := l.entered.Add(int64(len(packet)))
	return l.bad.MTU > 0 && len(packet) > l.bad.MTU && n > int64(l.bad.MTUAfter)
}

// answer is what the router before the narrow hop tells a packet's sender.
func (l *impaired) answer(packet []byte) []byte {
	if l.bad.BlackHole {
		return nil
	}
	return appendTooBig(nil, packet, l.bad.MTU)
}

func (l *impaired) closed() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}
