// Virtual time, and what happens next.

package simnet

import (
	"fmt"
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// Epoch is when a network's time begins: not at zero, which a real driver's
// clock does not show for long.
const Epoch = tcb.Instant(time.Hour)

// A Network is hosts, the links between them, and the time. Nothing in it
// happens by itself: [Network.Step] makes the next event happen, and which one
// that is depends only on the seeds of its links.
type Network struct {
	// Watch is told of every packet; it may be nil.
	Watch Watcher

	now   tcb.Instant
	queue queue
	order uint64
	steps int
	spare [][]byte // buffers of packets that have arrived, for reuse
	err   error
}

// A Watcher sees the packets of a network. It must not keep them.
type Watcher interface {
	// Sent is called with a packet that a host gives to its link.
	Sent(from *Host, packet []byte)
	// Fate is called once for each copy of a packet, with what becomes of it: how
	// it arrives, or why it does not.
	Fate(from *Host, packet []byte, what string)
	// Arrives is called before a host takes a packet. A damaged one is not what
	// was sent.
	Arrives(to *Host, packet []byte, damaged bool)
}

// New returns a network without hosts, at [Epoch].
func New() *Network { return &Network{now: Epoch} }

// Now is the network's time.
func (n *Network) Now() tcb.Instant { return n.now }

// Steps is how many events have happened.
func (n *Network) Steps() int { return n.steps }

// After calls do once d has passed.
func (n *Network) After(d time.Duration, do func()) { n.at(n.now.Add(max(d, 0)), do) }

func (n *Network) at(at tcb.Instant, do func()) {
	n.order++
	n.queue.push(event{at, n.order, do})
}

// Step makes the next event happen, and reports whether there was one and
// nothing has failed.
func (n *Network) Step() bool {
	if n.err != nil || len(n.queue) == 0 {
		return false
	}
	e := n.queue.pop()
	n.now = max(n.now, e.at)
	n.steps++
	e.do()
	return n.err == nil
}

// RunFor makes everything happen that is due within d, and advances the time by
// d.
func (n *Network) RunFor(d time.Duration) {
	until := n.now.Add(d)
	for len(n.queue) > 0 && n.queue[0].at <= until && n.Step() {
	}
	n.now = max(n.now, until)
}

// Failf stops the network. Only the first failure counts.
func (n *Network) Failf(format string, args ...any) {
	if n.err == nil {
		n.err = fmt.Errorf("at %v: %w", n.now.Sub(Epoch), fmt.Errorf(format, args...))
	}
}

// Err is why the network stopped, or nil.
func (n *Network) Err() error { return n.err }

// copyOf returns a packet in a buffer of its own.
func (n *Network) copyOf(packet []byte) []byte {
	var b []byte
	if k := len(n.spare); k > 0 {
		b, n.spare = n.spare[k-1], n.spare[:k-1]
	}
	return append(b[:0], packet...)
}

// release takes a buffer back, and overwrites it, to expose anybody who still
// reads it.
func (n *Network) release(b []byte) {
	for i := range b {
		b[i] = 0xee
	}
	n.spare = append(n.spare, b)
}

// An event is something that will happen. Of two events at the same instant,
// the one that was planned first comes first.
type event struct {
	at    tcb.Instant
	order uint64
	do    func()
}

func (e *event) before(f *event) bool { return e.at < f.at || e.at == f.at && e.order < f.order }

// queue is a binary heap of events, the next one first.
type queue []event

func (q *queue) push(e event) {
	h := append(*q, e)
	i := len(h) - 1
	for parent := (i - 1) / 2; i > 0 && h[i].before(&h[parent]); parent = (i - 1) / 2 {
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
	*q = h
}

func (q *queue) pop() event {
	h := *q
	top, last := h[0], len(h)-1
	h[0], h[last] = h[last], event{}
	h = h[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && h[child+1].before(&h[child]) {
			child++
		}
		if !h[child].before(&h[i]) {
			break
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
	*q = h
	return top
}
