// What happens to packets between two hosts.

package simnet

import (
	"math/rand/v2"
	"time"

	"github.com/rawshake/rawshake/internal/netem"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Impairment is what one direction of a link does to packets: what package netem
// does, and what only a simulated network dares. The zero value delivers them at
// once and unchanged. Probabilities are for each packet.
type Impairment struct {
	netem.Impairment
	Queue int // how many bytes may wait for the rate: more are lost
	Burst Burst
	// Scatter is at most how much later each packet arrives. Unlike jitter it
	// lets packets overtake each other.
	Scatter time.Duration
	// Straggle is the probability that a packet arrives up to StraggleBy later.
	Straggle   float64
	StraggleBy time.Duration
	// Late makes a second copy that takes up to a minute.
	Late float64
	// Corrupt changes one byte, which a checksum cannot miss.
	Corrupt float64

	// MTU, from MTUSince on, is the largest packet that passes, in bytes; 0 is
	// any. With Tell a router says so by ICMP (RFC 1191); with MTUUnknown it
	// does not say how large a packet may be, as before that RFC.
	MTU        int
	MTUSince   tcb.Instant
	Tell       bool
	MTUUnknown bool

	// Dark are the periods in which nothing passes. With DarkTell a router says
	// so by an ICMP unreachable message with the code DarkCode.
	Dark     []Period
	DarkTell bool
	DarkCode byte
}

// Burst is the Gilbert-Elliott model of burst losses: each packet begins a bad
// period with the probability Begin, and ends it with the probability End;
// within it packets are lost with the probability Loss.
type Burst struct{ Begin, End, Loss float64 }

// A Period is the time from From until before Until.
type Period struct{ From, Until tcb.Instant }

// A link carries packets one way.
type link struct {
	net        *Network
	from, to   *Host
	impairment Impairment
	rng        *rand.Rand
	bad        bool // in a burst of losses
	queue      *netem.Queue[flight]
	wake       tcb.Instant // when the queue is looked at next; 0: not
}

// A flight is a copy of a packet on its way.
type flight struct {
	packet  []byte
	damaged bool
	later   time.Duration // than in its turn
}

// Join puts a link between two hosts, with an impairment in each direction.
// Everything random about it follows from the seed.
func (n *Network) Join(a, b *Host, there, back Impairment, seed uint64) {
	a.out, b.out = newLink(n, a, b, there, seed, 'a'), newLink(n, b, a, back, seed, 'b')
}

func newLink(n *Network, from, to *Host, w Impairment, seed, stream uint64) *link {
	return &link{net: n, from: from, to: to, impairment: w, rng: rand.New(rand.NewPCG(seed, stream)), queue: netem.NewQueue[flight](w.Impairment)}
}

// What may become of a packet. One that arrives is named by the last that
// applies.
const (
	fatePassed  = "arrives"
	fateJumped  = "arrives out of turn"
	fateTwice   = "arrives a second time"
	fateLate    = "arrives much later"
	fateDamaged = "arrives damaged"
	fateLost    = "lost"
	fateBurst   = "lost in a burst"
	fateQueue   = "lost: the queue is full"
	fateDark    = "lost: nothing passes"
	fateTooBig  = "lost: too big"
	fateToldBig = "lost: too big, and the router says so"
	fateNoWay   = "lost: nobody has that address"
)

func (l *link) carry(packet []byte) {
	w := &l.impairment
	switch {
	case destination(packet) != l.to.Addr:
		l.fate(packet, fateNoWay)
		return
	case w.dark(l.net.now):
		l.fate(packet, fateDark)
		if w.DarkTell {
			l.tell(packet, w.DarkCode, 0)
		}
		return
	case w.MTU > 0 && len(packet) > w.MTU && l.net.now >= w.MTUSince:
		l.tooBig(packet)
		return
	}
	l.decide(packet)
	if l.chance(w.Late) {
		f := l.copy(packet, fateLate, time.Duration(l.rng.Int64N(int64(time.Minute))))
		l.net.After(f.later, func() { l.arrive(f) })
	}
}

// decide does to a packet what the impairment says, burst of losses or not.
func (l *link) decide(packet []byte) {
	w := &l.impairment
	burst, e := l.burst(), w.Effect(w.Draw(l.rng), len(packet))
	switch {
	case burst:
		l.fate(packet, fateBurst)
	case e.Lost:
		l.fate(packet, fateLost)
	case w.Queue > 0 && l.queue.Waiting(l.now()) > w.Queue:
		l.fate(packet, fateQueue)
	default:
		twice := e.Twice
		e.Twice = false // each copy is damaged, or straggles, by itself
		what := fatePassed
		if e.OvertakenBy > 0 {
			what = fateJumped
		}
		l.put(packet, what, e)
		if twice {
			l.put(packet, fateTwice, netem.Effect{Jitter: e.Jitter})
		}
	}
}

// put sends one copy of a packet through the queue.
func (l *link) put(packet []byte, what string, e netem.Effect) {
	w := &l.impairment
	var later time.Duration
	if w.Scatter > 0 {
		later = time.Duration(l.rng.Int64N(int64(w.Scatter)))
	}
	if l.chance(w.Straggle) {
		what, later = fateJumped, later+time.Duration(l.rng.Int64N(int64(w.StraggleBy)+1))
	}
	f := l.copy(packet, what, later)
	if !l.queue.Put(l.now(), f, len(packet), e) {
		l.net.Failf("the queue of %s holds too much", l.from.Name)
	}
	l.expect()
}

// copy makes one copy of a packet, perhaps a damaged one.
func (l *link) copy(packet []byte, what string, later time.Duration) flight {
	f := flight{packet: l.net.copyOf(packet), damaged: l.chance(l.impairment.Corrupt), later: later}
	if f.damaged {
		// Only one byte is changed, so no checksum can come out the same.
		b := f.packet
		from := summed(b)
		b[from+l.rng.IntN(len(b)-from)] ^= byte(1 + l.rng.IntN(255))
		what = fateDamaged
	}
	l.fate(packet, what)
	return f
}

// expect looks at the queue when the next packet leaves it.
func (l *link) expect() {
	due, ok := l.queue.Due()
	at := tcb.Instant(due.UnixNano())
	if !ok || l.wake != 0 && l.wake <= at {
		return
	}
	l.wake = at
	l.net.at(at, func() {
		if l.wake == at {
			l.wake = 0
			l.release()
		}
	})
}

// release lets the packet arrive that leaves the queue now.
func (l *link) release() {
	f, _, ok := l.queue.Take(l.now())
	l.expect()
	switch {
	case ok && f.later > 0:
		l.net.After(f.later, func() { l.arrive(f) })
	case ok:
		l.arrive(f)
	}
}

func (l *link) arrive(f flight) {
	l.to.take(f.packet, f.damaged)
	l.net.release(f.packet)
}

// now is the network's time, as netem's queue wants it.
func (l *link) now() time.Time { return time.Unix(0, int64(l.net.now)) }

// burst reports whether the next packet is lost in a burst of losses.
func (l *link) burst() bool {
	b := &l.impairment.Burst
	if l.bad {
		l.bad = !l.chance(b.End)
	} else {
		l.bad = l.chance(b.Begin)
	}
	return l.bad && l.chance(b.Loss)
}

func (l *link) chance(p float64) bool { return p > 0 && l.rng.Float64() < p }

func (w *Impairment) dark(now tcb.Instant) bool {
	for _, p := range w.Dark {
		if p.From <= now && now < p.Until {
			return true
		}
	}
	return false
}

func (l *link) fate(packet []byte, what string) {
	if l.net.Watch != nil {
		l.net.Watch.Fate(l.from, packet, what)
	}
}

// tooBig drops a packet, and tells its sender if the impairment says so.
func (l *link) tooBig(packet []byte) {
	w := &l.impairment
	if !w.Tell {
		l.fate(packet, fateTooBig)
		return
	}
	l.fate(packet, fateToldBig)
	mtu := w.MTU
	if w.MTUUnknown {
		mtu = 0
	}
	l.tell(packet, wire.ICMPFragmentationNeeded, mtu)
}

// tell sends an ICMP message about a packet to its sender.
func (l *link) tell(packet []byte, code byte, mtu int) {
	m := unreachable(packet, code, mtu)
	l.net.After(l.impairment.Latency, func() { l.from.take(m, false) })
}
