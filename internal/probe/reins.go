// What may be changed of a scan while it runs.

package probe

import (
	"math"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/rawshake/rawshake/internal/probe/targets"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// reins are a scan's, heeded by all of its loops.
type reins struct {
	rate  atomic.Uint64 // the bits of what SetRate said; 0: it said nothing
	part  atomic.Uint64 // the same of SetPart
	until atomic.Int64  // nanoseconds on the scan's clock; 0: without end
	leave atomic.Pointer[targets.Set]
}

// SetRate changes the rate of a scan that runs, in packets a second. The loops heed it
// in their next turn. None is next to none, and not as fast as it goes.
func (s *Scan) SetRate(rate float64) {
	rate = max(rate, leastRate)
	s.reins.rate.Store(math.Float64bits(rate))
	s.sink.Lead(leadAt(rate, len(s.loops)))
}

const leastRate = 1e-3

// SetPart says which part of Options.PerNetwork and PerAS is this scan's, of others that
// probe the same networks at the same time: more than 0, at most 1. It is heeded as
// SetRate is.
func (s *Scan) SetPart(part float64) { s.reins.part.Store(math.Float64bits(max(part, leastRate))) }

// SendUntil has no packet leave after a moment, unless a later one is said by then. It
// needs a rate: of a scan that has none it stops nothing.
func (s *Scan) SendUntil(at time.Time) { s.reins.until.Store(max(int64(at.Sub(s.epoch)), 1)) }

// Exclude has no more targets begun in a set of addresses, besides those that
// Options.Space was built without. Those that are begun go on. The set is not to be changed.
func (s *Scan) Exclude(set *targets.Set) { s.reins.leave.Store(set) }

// Sources are the addresses that packets left from so far.
func (s *Scan) Sources() []netip.Addr {
	var list []netip.Addr
	for _, l := range s.loops {
		if from := l.sources.Load(); from != nil {
			list = append(list, *from...)
		}
	}
	slices.SortFunc(list, netip.Addr.Compare)
	return slices.Compact(list)
}

// over reports whether nothing may leave any more.
func (r *reins) over(now tcb.Instant) bool {
	until := r.until.Load()
	return until != 0 && int64(now) > until
}

// ended is over as the clock stands now, and not as it stood when the turn began.
func (r *reins) ended(k *clock) bool { return r.until.Load() != 0 && r.over(k.instant()) }

// left reports whether a target is not to be begun.
func (r *reins) left(a netip.Addr) bool {
	set := r.leave.Load()
	return set != nil && set.Contains(a)
}

// heed takes what has changed.
func (l *loop) heed() {
	loops := float64(max(l.o.Loops, 1))
	if bits := l.reins.rate.Load(); bits != 0 {
		l.egress.setRate(math.Float64frombits(bits) / loops)
	}
	if bits := l.reins.part.Load(); bits != 0 {
		l.admission.share(math.Float64frombits(bits))
	}
	if l.reins.over(l.now) {
		l.egress.pace.Tokens = 0
	}
}

// noteSources lets others see the addresses that packets leave from.
func (l *loop) noteSources() {
	known := l.sources.Load()
	list := []netip.Addr{}
	if known != nil {
		list = slices.Clone(*known)
	}
	for _, p := range l.routes.Paths {
		if a := p.Route.Source; !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	if known == nil || len(list) > len(*known) {
		l.sources.Store(&list)
	}
}
