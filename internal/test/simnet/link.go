// What happens to packets between two hosts.

package simnet

import (
	"math/rand/v2"
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Impairment is what one direction of a link does to packets. The zero value
// delivers them at once and unchanged. Probabilities are for each packet.
type Impairment struct {
	Delay  time.Duration // of every packet
	Jitter time.Duration // at most, in addition
	// InOrder keeps jitter from letting a packet overtake another.
	InOrder bool
	// Rate is in bytes per second; 0 is no limit. Queue is how many bytes may
	// wait for it: more are lost.
	Rate, Queue int

	Loss  float64
	Burst Burst
	// Duplicate makes a second copy, Late one that takes up to a minute.
	Duplicate, Late float64
	// Reorder delays a packet by up to ReorderBy more.
	Reorder   float64
	ReorderBy time.Duration
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
	bad        bool        // in a burst of losses
	free       tcb.Instant // when the last byte that waits will have left
	last       tcb.Instant // when the packet sent last arrives
}

// Join puts a link between two hosts, with an impairment in each direction.
// Everything random about it follows from the seed.
func (n *Network) Join(a, b *Host, there, back Impairment, seed uint64) {
	a.out = &link{net: n, from: a, to: b, impairment: there, rng: rand.New(rand.NewPCG(seed, 'a'))}
	b.out = &link{net: n, from: b, to: a, impairment: back, rng: rand.New(rand.NewPCG(seed, 'b'))}
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
		l.fate(packet, fateNoWay, 0)
		return
	case w.dark(l.net.now):
		l.fate(packet, fateDark, 0)
		if w.DarkTell {
			l.tell(packet, w.DarkCode, 0)
		}
		return
	case w.MTU > 0 && len(packet) > w.MTU && l.net.now >= w.MTUSince:
		l.tooBig(packet)
		return
	}
	l.copy(packet, fatePassed)
	if l.chance(w.Duplicate) {
		l.copy(packet, fateTwice)
	}
	if l.chance(w.Late) {
		l.fly(packet, fateLate, time.Duration(l.rng.Int64N(int64(time.Minute))))
	}
}

// copy carries one copy of a packet.
func (l *link) copy(packet []byte, what string) {
	w := &l.impairment
	if why := l.loss(); why != "" {
		l.fate(packet, why, 0)
		return
	}
	wait, ok := l.queue(len(packet))
	if !ok {
		l.fate(packet, fateQueue, 0)
		return
	}
	wait += w.Delay
	if w.Jitter > 0 {
		wait += time.Duration(l.rng.Int64N(int64(w.Jitter)))
	}
	if w.InOrder {
		wait = max(wait, l.last.Sub(l.net.now))
		l.last = l.net.now.Add(wait)
	}
	if l.chance(w.Reorder) {
		what, wait = fateJumped, wait+time.Duration(l.rng.Int64N(int64(w.ReorderBy)+1))
	}
	l.fly(packet, what, wait)
}

func (l *link) fly(packet []byte, what string, wait time.Duration) {
	b := l.net.copyOf(packet)
	damaged := l.chance(l.impairment.Corrupt)
	if damaged {
		// Only one byte is changed, so no checksum can come out the same.
		from := summed(b)
		b[from+l.rng.IntN(len(b)-from)] ^= byte(1 + l.rng.IntN(255))
		what = fateDamaged
	}
	at := l.net.now.Add(wait)
	l.fate(packet, what, at)
	l.net.at(at, func() {
		l.to.take(b, damaged)
		l.net.release(b)
	})
}

// loss says why the next packet is lost, if it is.
func (l *link) loss() string {
	b := &l.impairment.Burst
	if l.bad {
		l.bad = !l.chance(b.End)
	} else {
		l.bad = l.chance(b.Begin)
	}
	switch {
	case l.bad && l.chance(b.Loss):
		return fateBurst
	case l.chance(l.impairment.Loss):
		return fateLost
	}
	return ""
}

// queue is how long n bytes wait for the rate, and whether there is room.
func (l *link) queue(n int) (time.Duration, bool) {
	w := &l.impairment
	if w.Rate == 0 {
		return 0, true
	}
	byteTime := time.Second / time.Duration(w.Rate)
	l.free = max(l.free, l.net.now)
	if l.free.Sub(l.net.now) > time.Duration(w.Queue)*byteTime {
		return 0, false
	}
	l.free = l.free.Add(time.Duration(n) * byteTime)
	return l.free.Sub(l.net.now), true
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

func (l *link) fate(packet []byte, what string, at tcb.Instant) {
	if l.net.Watch != nil {
		l.net.Watch.Fate(l.from, packet, what, at)
	}
}

// tooBig drops a packet, and tells its sender if the impairment says so.
func (l *link) tooBig(packet []byte) {
	w := &l.impairment
	if !w.Tell {
		l.fate(packet, fateTooBig, 0)
		return
	}
	l.fate(packet, fateToldBig, 0)
	mtu := w.MTU
	if w.MTUUnknown {
		mtu = 0
	}
	l.tell(packet, wire.ICMPFragmentationNeeded, mtu)
}

// tell sends an ICMP message about a packet to its sender.
func (l *link) tell(packet []byte, code byte, mtu int) {
	m := unreachable(packet, code, mtu)
	l.net.After(l.impairment.Delay, func() { l.from.take(m, false) })
}
