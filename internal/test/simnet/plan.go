// All that a seed decides before anything happens.

package simnet

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"github.com/rawshake/rawshake/internal/netem"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// How a connection begins.
type opening uint8

const (
	openListen  opening = iota // one end listens
	openBoth                   // both send a SYN
	openRefused                // nobody listens
	openTwice                  // once more between the same ports, as soon as the first connection has ended
	openingCount
)

// What happens to a host.
type trouble uint8

const (
	noTrouble    trouble = iota
	goesForGood          // it vanishes
	sleepsAWhile         // it does nothing for a while
	reboots              // it comes back, and knows nothing
)

// A plan is all that a seed decides before anything happens.
type plan struct {
	seed        uint64
	six         bool          // over IPv6
	impairments [2]Impairment // from the first host, and from the second
	conns       []connPlan
	backlog     int
	unlisten    time.Duration // when the listener ends; 0: it does not

	trouble     trouble
	troubled    int // which host
	troubleAt   time.Duration
	troubleLast time.Duration

	attacks  int // forged packets, at random times
	attackIn time.Duration
	flood    int // SYNs from strangers, at the beginning

	bulk  bool     // the current user writes much at a time
	notes []string // for a person
	calm  bool     // nothing in it excuses an incomplete end
}

// A connPlan is the plan of one connection. The first of its ends opens it.
type connPlan struct {
	opening opening
	at      time.Duration
	ends    [2]userPlan
}

// dice is a random number generator with some methods for plans.
type dice struct{ *rand.Rand }

// oneIn is true with the probability 1/n.
func (d dice) oneIn(n int) bool { return d.IntN(n) == 0 }

// upTo is a duration below most, short ones as likely as long ones: each
// doubling down from it has the same chance.
func (d dice) upTo(most time.Duration) time.Duration {
	return time.Duration(d.Int64N(int64(most>>d.IntN(12)) + 1))
}

func pick[T any](d dice, from ...T) T { return from[d.IntN(len(from))] }

func newPlan(seed uint64) plan {
	d := dice{rand.New(rand.NewPCG(seed, 0))}
	p := plan{seed: seed, calm: true, backlog: 16}
	if p.six = d.oneIn(3); p.six {
		p.note("over IPv6")
	}
	p.planImpairment(d)
	n := pick(d, 1, 1, 1, 1, 1, 2, 3)
	for range n {
		p.conns = append(p.conns, p.planConn(d))
	}
	p.planTrouble(d)
	p.planAttacks(d)
	return p
}

// address is that of a host.
func (p *plan) address(host int) netip.Addr {
	if p.six {
		return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(host + 1)})
	}
	return netip.AddrFrom4([4]byte{198, 18, 0, byte(host + 1)})
}

func (p *plan) note(format string, args ...any) {
	p.notes = append(p.notes, fmt.Sprintf(format, args...))
}

// excuse records why an end may be incomplete.
func (p *plan) excuse(format string, args ...any) {
	p.note(format, args...)
	p.calm = false
}

func (p *plan) planImpairment(d dice) {
	delay := d.upTo(200 * time.Millisecond)
	for i := range p.impairments {
		w := &p.impairments[i]
		w.Latency = delay
		if jitter := pick(d, 0, 0, d.upTo(50*time.Millisecond)); d.oneIn(2) {
			w.Jitter = jitter
		} else {
			w.Scatter = jitter
		}
		p.planLosses(d, w)
		if d.oneIn(8) {
			w.Rate, w.Queue = netem.Rate(int(160_000)<<d.IntN(8)), 2000<<d.IntN(6)
			p.note("%v with a queue of %d bytes", w.Rate, w.Queue)
		}
		if d.oneIn(8) {
			p.planMTU(d, w)
		}
		if d.oneIn(25) {
			p.planDark(d, w)
		}
	}
	a, b := &p.impairments[0], &p.impairments[1]
	p.note("latency %v, jitter %v and %v, scatter %v and %v", delay, a.Jitter, b.Jitter, a.Scatter, b.Scatter)
}

func (p *plan) planLosses(d dice, w *Impairment) {
	switch d.IntN(8) {
	case 0, 1, 2:
		return
	case 3, 4, 5:
		w.Loss = pick[netem.Chance](d, 0.01, 0.02, 0.05)
	case 6:
		w.Loss = pick[netem.Chance](d, 0.1, 0.2, 0.3)
		p.excuse("heavy losses")
	case 7:
		w.Burst = Burst{Begin: 0.02, End: pick(d, 0.1, 0.3), Loss: 0.9}
		p.excuse("losses in bursts")
	}
	w.Duplicate = pick[netem.Chance](d, 0, 0.02, 0.1)
	w.Late = pick(d, 0, 0, 0.02)
	w.Reorder = pick[netem.Chance](d, 0, 0, 0.02, 0.2)
	w.Straggle, w.StraggleBy = pick(d, 0, 0.02, 0.2), d.upTo(200*time.Millisecond)
	w.Corrupt = pick(d, 0, 0, 0.01, 0.03)
	p.note("loss %v, duplicates %v, late ones %v, overtaken %v, stragglers %v by %v, damaged %v",
		w.Loss, w.Duplicate, w.Late, w.Reorder, w.Straggle, w.StraggleBy, w.Corrupt)
}

func (p *plan) planMTU(d dice, w *Impairment) {
	w.MTU = 576 + d.IntN(925)
	w.Tell = d.oneIn(2)
	w.MTUUnknown = d.oneIn(6) && !p.six
	if p.six {
		w.MTU = wire.IPv6MinMTU + d.IntN(1501-wire.IPv6MinMTU)
	}
	if d.oneIn(2) {
		w.MTUSince = Epoch.Add(d.upTo(3 * time.Second))
	}
	p.note("MTU %d from %s on, told %v", w.MTU, stamp(max(Epoch, w.MTUSince)), w.Tell)
	if !w.Tell {
		p.calm = false // each new size is found by timeouts, and a user timeout may be shorter
	}
}

func (p *plan) planDark(d dice, w *Impairment) {
	from := Epoch.Add(d.upTo(10 * time.Second))
	until := from.Add(d.upTo(20 * time.Minute))
	if d.oneIn(3) {
		until = Epoch.Add(1000 * time.Hour)
	}
	if d.oneIn(4) {
		from = Epoch // as if nobody were there
	}
	w.Dark = append(w.Dark, Period{from, until})
	w.DarkTell, w.DarkCode = d.oneIn(3), byte(pick(d, 0, 1, 2, 3, 13))
	p.excuse("one way, nothing passes from %s until %s", stamp(from), stamp(until))
	if d.oneIn(2) {
		q := &p.impairments[0]
		if q == w {
			q = &p.impairments[1]
		}
		q.Dark = w.Dark
		p.note("nor the other way")
	}
}

func (p *plan) planTrouble(d dice) {
	p.troubled = d.IntN(2)
	p.troubleAt = d.upTo(10 * time.Second)
	p.troubleLast = d.upTo(30 * time.Minute)
	if d.oneIn(12) {
		p.trouble = pick(d, goesForGood, sleepsAWhile, reboots)
		p.excuse("host %d %s after %v for %v", p.troubled, [...]string{"", "vanishes", "sleeps", "reboots"}[p.trouble], p.troubleAt, p.troubleLast)
	}
	if d.oneIn(60) {
		p.unlisten = d.upTo(2 * time.Second)
		p.excuse("the listener ends after %v", p.unlisten)
	}
}

func (p *plan) planAttacks(d dice) {
	if d.oneIn(6) {
		p.attacks, p.attackIn = 1+d.IntN(30), d.upTo(20*time.Second)
		p.note("%d forged packets within %v", p.attacks, p.attackIn)
	}
	if d.oneIn(30) {
		p.flood, p.backlog = 1+d.IntN(20), 1+d.IntN(4)
		p.excuse("%d SYNs from strangers, and a backlog of %d", p.flood, p.backlog)
	}
}

func (p *plan) planConn(d dice) connPlan {
	c := connPlan{at: d.upTo(time.Second)}
	if d.oneIn(6) {
		c.opening = pick(d, openBoth, openBoth, openRefused, openTwice, openTwice)
	}
	if c.opening == openRefused {
		p.calm = false
	}
	for i := range c.ends {
		c.ends[i] = p.planUser(d)
	}
	a, b := &c.ends[0], &c.ends[1]
	if b.ending >= endAnswered && a.ending >= endAnswered && !(b.ending == endClose || a.ending == endClose) {
		a.ending = endWritten // or each would wait for the other
	}
	for i := range c.ends {
		if c.ends[i].ending == endClose && c.ends[1-i].total > 0 {
			p.calm = false
		}
	}
	if c.opening == openTwice {
		a.ending, b.ending = endAnswered, endWritten
		a.iss, b.iss, a.hasty, b.hasty = 0, 0, false, false
		if b.total > 2000 {
			b.total = 2000
		}
	}
	p.planSizes(d, &c)
	p.note("opening %d after %v: writes %d and %d, endings %d and %d", c.opening, c.at, a.total, b.total, a.ending, b.ending)
	return c
}

// planSizes limits what is written to so many segments that a seed stays cheap.
func (p *plan) planSizes(d dice, c *connPlan) {
	for i := range c.ends {
		u, peer := &c.ends[i], &c.ends[1-i]
		var mine, theirs tcb.Config
		u.config(&mine)
		peer.config(&theirs)
		segment := min(int(theirs.MSS), theirs.ReceiveBuffer, mine.SendBuffer, u.chunk, peer.greed*4)
		u.total = min(u.total, segment*(20+d.IntN(60)), maxWritten)
		// And to a time within every user's patience.
		segments := u.total/max(1, segment) + 1
		u.pause = min(u.pause, 10*time.Minute/time.Duration(segments))
		peer.rest = min(peer.rest, 10*time.Minute/time.Duration(u.total/max(1, min(peer.greed, segment))+1))
	}
}

func (p *plan) planUser(d dice) userPlan {
	u := userPlan{
		total:  d.IntN(1 << d.IntN(18)),
		chunk:  1 + d.IntN(1<<pick(d, 4, 10, 14, 17, 17, 17)),
		greed:  1 + d.IntN(1<<pick(d, 3, 8, 14, 17, 17, 17)),
		ending: ending(d.IntN(int(endingCount))),
		urgent: d.oneIn(12),
	}
	if d.oneIn(4) {
		u.iss = wire.Seq(-1 - d.IntN(20000))
	}
	if d.oneIn(3) {
		u.pause = d.upTo(2 * time.Second)
	}
	if d.oneIn(3) {
		u.rest = d.upTo(time.Second)
	}
	if d.oneIn(5) {
		u.stall, u.stallAt = d.upTo(20*time.Minute), d.IntN(10000)
	}
	if d.oneIn(15) {
		u.abort = d.upTo(20 * time.Second)
		p.excuse("a user aborts after %v", u.abort)
	}
	if d.oneIn(40) {
		u.hasty = true
		p.excuse("a user closes before the connection is established")
	}
	if p.bulk = p.impairments[0].MTU+p.impairments[1].MTU > 0 && d.oneIn(2); p.bulk { // otherwise few segments would be too big
		u.total, u.chunk, u.greed = 20000+d.IntN(60000), 1<<17, 1<<17
	}
	u.config = p.planConfig(d, &u)
	return u
}

// planConfig returns a function that sets a connection's config, the same each
// time.
func (p *plan) planConfig(d dice, u *userPlan) func(*tcb.Config) {
	mss := uint16(64 + d.IntN(1396))
	if d.oneIn(2) {
		mss = 1460
	}
	receive := 1 + d.IntN(1<<pick(d, 4, 10, 13, 16, 16, 18))
	send := 1 + d.IntN(1<<pick(d, 4, 10, 14, 16, 16))
	if p.bulk {
		mss, receive, send = 1460, 1<<16, 1<<15
	}
	options := planOptions(d)
	timeout := pick(d, tcb.DefaultUserTimeout, tcb.DefaultUserTimeout, 10*time.Minute, 45*time.Second)
	if timeout < tcb.DefaultUserTimeout {
		p.excuse("a user timeout of %v", timeout)
	}
	nagle, bare, delay := d.oneIn(4), d.oneIn(2), pick(d, -1, 0, 0, 200*time.Millisecond)
	keep, minRTO := time.Duration(0), pick(d, tcb.DefaultMinRTO, tcb.DefaultMinRTO, 200*time.Millisecond)
	if d.oneIn(5) {
		u.keepAlive, keep = true, 10*time.Second+d.upTo(10*time.Minute)
		p.excuse("keep-alive after %v", keep)
	}
	soft := d.oneIn(10)
	return func(c *tcb.Config) {
		c.MSS, c.ReceiveBuffer, c.SendBuffer = mss, receive, send
		c.SYNOptions, c.UserTimeout, c.Nagle, c.DataOnACK = options, timeout, nagle, !bare
		c.AckDelay, c.KeepAlive, c.MinRTO, c.SoftErrorsEnd = delay, keep, minRTO, soft
		c.KeepAliveInterval, c.KeepAliveProbes = 20*time.Second, 4
	}
}

func planOptions(d dice) []wire.Option {
	switch d.IntN(6) {
	case 0:
		return []wire.Option{}
	case 1:
		return []wire.Option{{Kind: wire.OptMSS}}
	case 2:
		return []wire.Option{{Kind: wire.OptMSS}, {Kind: wire.OptWindowScale, Data: []byte{byte(d.IntN(15))}}}
	case 3:
		return []wire.Option{{Kind: wire.OptMSS}, {Kind: wire.OptNOP}, {Kind: wire.OptNOP}, {Kind: wire.OptSACKPermitted}}
	}
	return nil // as Linux has them
}

func (p *plan) String() string { return strings.Join(p.notes, "\n") }
