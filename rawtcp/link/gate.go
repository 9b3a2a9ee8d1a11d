// Holding a link's packets while somebody looks at them.

package link

import (
	"bytes"
	"net"
	"os"
	"sync"
	"time"
)

// A Gatekeeper holds a link's packets for as long as it likes, one at a time:
// those that are about to be sent, and those that have arrived. Behind is how
// many others wait. It returns false for a packet that is to be lost.
type Gatekeeper func(p Packet, out bool, behind int) (pass bool)

// Gate passes every packet of l, which it owns from now on, to a gatekeeper.
// What arrives in the meantime waits, with the time of its arrival. Held
// returns for how long in all the gatekeeper has held packets.
func Gate(l Link, keeper Gatekeeper) (gated Link, held func() time.Duration) {
	g := &gate{Link: l, keeper: keeper, arrived: make(chan struct{}, 1), done: make(chan struct{}), until: makeDeadline()}
	g.worker.Add(1)
	go g.collect()
	return g, g.held
}

// maxBehind bounds the packets that wait; those beyond it are lost, as in any
// full queue.
const maxBehind = 256

type gate struct {
	Link
	keeper  Gatekeeper
	turn    sync.Mutex // one packet at a time is looked at
	arrived chan struct{}
	done    chan struct{}
	once    sync.Once
	until   deadline
	worker  sync.WaitGroup

	mu      sync.Mutex
	waiting []Packet
	failure error
	total   time.Duration
	since   time.Time // when the gatekeeper began to look; zero: it does not
}

// ask lets the gatekeeper decide, and counts how long that takes.
func (g *gate) ask(p Packet, out bool, behind int) bool {
	g.turn.Lock()
	defer g.turn.Unlock()
	g.mu.Lock()
	g.since = time.Now()
	g.mu.Unlock()
	pass := g.keeper(p, out, behind)
	g.mu.Lock()
	g.total += time.Since(g.since)
	g.since = time.Time{}
	g.mu.Unlock()
	return pass
}

func (g *gate) held() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.since.IsZero() {
		return g.total
	}
	return g.total + time.Since(g.since)
}

func (g *gate) Send(packet []byte) error {
	if !g.ask(Packet{Data: packet, Time: time.Now()}, true, g.behind()) {
		return nil // lost in the network: nobody is told
	}
	return g.Link.Send(packet)
}

func (g *gate) behind() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

// collect receives from the link below.
func (g *gate) collect() {
	defer g.worker.Done()
	buf := make([]byte, MaxPacket)
	for {
		p, err := g.Link.Receive(buf)
		g.mu.Lock()
		switch {
		case err != nil:
			g.failure = err
		case len(g.waiting) < maxBehind:
			p.Data = bytes.Clone(p.Data)
			g.waiting = append(g.waiting, p)
		}
		g.mu.Unlock()
		select {
		case g.arrived <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// Receive takes what has arrived before it looks at the deadline: an answer
// that the gatekeeper held is no reason to retransmit.
func (g *gate) Receive(buf []byte) (Packet, error) {
	for {
		p, behind, ok, err := g.take()
		switch {
		case ok && (p.KernelSent || g.ask(p, false, behind)):
			p.Data = buf[:copy(buf, p.Data)]
			return p, nil
		case ok:
			continue
		case err != nil:
			return Packet{}, err
		}
		select {
		case <-g.arrived:
		case <-g.done:
			return Packet{}, net.ErrClosed
		case <-g.until.wait():
			return Packet{}, os.ErrDeadlineExceeded
		}
	}
}

func (g *gate) take() (p Packet, behind int, ok bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		return p, 0, false, g.failure
	}
	p = g.waiting[0]
	g.waiting = g.waiting[1:]
	return p, len(g.waiting), true, nil
}

func (g *gate) SetReadDeadline(t time.Time) error {
	if isClosed(g.done) {
		return net.ErrClosed
	}
	g.until.set(t)
	return nil
}

func (g *gate) Close() error {
	err := net.ErrClosed
	g.once.Do(func() {
		close(g.done)
		err = g.Link.Close()
		g.worker.Wait()
		g.until.set(time.Time{})
	})
	return err
}
