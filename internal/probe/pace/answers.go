// The share of the rate for packets that serve no target.

package pace

import (
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Answers bound what peers can have us send that serves no target: RSTs to
// segments of no connection, and what connections draw beyond their allowance.
// All of it together is a small share of the rate, and each host has its own
// bound (as RFC 5961, section 10, has it for challenge ACKs), so that one cannot
// take the others' part of that share either.
type Answers struct {
	Bucket  // of all of them
	hosts   [hostCounts]hostCount
	scatter func(netip.Addr) uint16
}

const (
	AnswerShare = 0.125 // of the rate
	AskShare    = 0.125 // the same for probes of hosts of which it is not known whether they are there
	fewAnswers  = 1000  // a second, where there is no rate
	HostAnswers = 10    // to one host
	hostPeriod  = 5 * time.Second
	hostCounts  = 1024 // kept apart at a time
)

// A hostCount is how many answers a host has drawn since when.
type hostCount struct {
	since wire.Instant
	n     int
}

// NewAnswers bounds them beside a rate. scatter spreads hosts over the counts.
func NewAnswers(rate float64, scatter func(netip.Addr) uint16) *Answers {
	share := rate * AnswerShare
	if rate == 0 {
		share = fewAnswers
	}
	return &Answers{Bucket: Bucket{Rate: share, Factor: 1}, scatter: scatter}
}

// of is the count of a host. Two hosts that are scattered to the same place have
// one count, as long as the period of the first lasts.
func (a *Answers) of(now wire.Instant, who netip.Addr) *hostCount {
	h := &a.hosts[a.scatter(who)%hostCounts]
	if h.n == 0 || now.Sub(h.since) >= hostPeriod {
		*h = hostCount{since: now}
	}
	return h
}

// MayTo reports whether a host may have another answer now.
func (a *Answers) MayTo(now wire.Instant, who netip.Addr) bool {
	return a.May() && a.of(now, who).n < HostAnswers
}

// SpendTo counts an answer of which MayTo has said that it may be.
func (a *Answers) SpendTo(now wire.Instant, who netip.Addr) {
	a.Spend()
	a.of(now, who).n++
}
