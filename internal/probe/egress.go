// The only way out of a loop, and its pace.

package probe

import (
	"errors"
	"net/netip"

	"github.com/rawshake/rawshake/internal/probe/pace"
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// egress is the only way out of a loop. Whatever leaves takes a packet from the pace
// first, and if there is none it waits or is not sent. What peers provoke must not slow
// down the targets that behave: answers to segments of no connection, and what a
// connection sends beyond its allowance, come out of a small share of the rate.
type egress struct {
	*clock
	stats    *Stats
	reins    *reins // of the scan; nil: there are none
	pace     pace.Bucket
	answers  *pace.Answers // the share of the pace that serves no target
	asks     pace.Bucket   // and the share of keep-alive probes, while targets wait
	replies  replies       // that links may give by themselves
	buf      []byte        // a packet, until it is queued
	unsent   error         // why a link did not send a packet
	filtered error         // and why this machine blocked one
}

func newEgress(k *clock, stats *Stats, rate float64, scatter func(netip.Addr) uint16) egress {
	return egress{clock: k, stats: stats, buf: make([]byte, 0, 2048), answers: pace.NewAnswers(rate, scatter), asks: pace.Bucket{Rate: rate * pace.AskShare, Factor: 1},
		pace: pace.Bucket{Rate: rate, Factor: 1, Tokens: 1 + maxReserve}}
}

// setRate changes the rate. What was saved up under the old one is not kept.
func (e *egress) setRate(rate float64) {
	if rate == e.pace.Rate {
		return
	}
	e.pace.Rate, e.answers.Rate, e.asks.Rate = rate, rate*pace.AnswerShare, rate*pace.AskShare
	e.pace.Tokens = min(e.pace.Tokens, 1)
}

// send queues a packet, for which the pace had room. One that the link cannot send is
// lost like any other. It reports false for one that this machine's own firewall blocks.
func (e *egress) send(p *routes.Path, hop link.Hop, packet []byte) bool {
	e.pace.Spend()
	e.stats.Packets++
	switch err := p.Link.Queue(packet, hop); {
	case errors.Is(err, link.ErrFiltered):
		e.filtered = err
		return false
	case err != nil:
		e.unsent = err
	}
	return true
}

// sendSegment queues a segment of ours, which routers may fragment or not.
func (e *egress) sendSegment(p *routes.Path, hop link.Hop, to netip.Addr, s *wire.Segment, fragments bool) {
	e.buf = p.Append(e.buf[:0], to, s, fragments)
	e.send(p, hop, e.buf)
}

// flush sends what is queued on some paths, unless nothing is to leave any more.
func (e *egress) flush(list []*routes.Path) error {
	err := e.unsent
	e.unsent = nil
	if e.reins != nil && e.reins.ended(e.clock) { // the program may have slept since the packets were queued
		return err
	}
	for _, p := range list {
		if e := p.Link.Flush(); err == nil {
			err = e
		}
	}
	return err
}

// reserve is how many packets of the pace SYNs leave to the connections: those
// take turns with their peers, which wait for each packet, and some of which serve one
// connection after the other. A SYN can wait for that, but no longer than a second.
func (e *egress) reserve() float64 {
	return min(maxReserve, e.pace.Burst()/2, e.pace.Rate*e.pace.Factor)
}

// maxReserve is enough for the packets of a turn at a low rate; at a high one the
// next are there soon.
const maxReserve = 4

// mayBegin reports whether a SYN may leave now.
func (e *egress) mayBegin() bool { return e.pace.MayBeside(e.reserve()) }

// takePacket takes a packet of the pace for a request on the link.
func (e *egress) takePacket() bool {
	if !e.pace.May() {
		return false
	}
	e.pace.Spend()
	e.stats.Packets++
	e.stats.Asked++
	return true
}
