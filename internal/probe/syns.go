// Serves a target until it has answered its SYN rightly.

package probe

import (
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/routes"
	"github.com/rawshake/rawshake/internal/probe/syn"
	"github.com/rawshake/rawshake/slab"
)

// syns serves targets until they have answered rightly: it sends SYNs, again if nobody
// answers and later if the neighbour has to be found first, judges the answers, and makes
// the results of targets that never get a connection.
type syns struct {
	*clock
	o       *Options
	stats   *Stats
	begun   *begun
	routes  *routes.Table
	egress  *egress
	results *results
	ports   *ports
	mac     *syn.MAC
	pool    *slab.Pool // for what answers a SYN

	resend   []uint64   // where each round of SYNs stands; the last round is silence
	deferred [][]uint64 // those whose SYN left out of turn, by how many they had
	resolved []uint64   // those whose neighbour is known, and whose SYN waits for the pace
	owed     []owed     // RSTs to wrong answers, and SYN-ACKs

	evidence map[uint64]record.Packet // answers that do not count
	crossed  map[uint64]*crossedSYN
	soft     map[uint64]*softError
}

// init makes them ready. They name what is below them.
func (sy *syns) init(o *Options, k *clock, stats *Stats, b *begun, e *egress, res *results, p *ports, pool *slab.Pool) {
	sy.o, sy.clock, sy.stats, sy.begun, sy.egress, sy.results, sy.ports, sy.pool = o, k, stats, b, e, res, p, pool
	sy.resend, sy.deferred = make([]uint64, o.Retries+1), make([][]uint64, o.Retries+1)
	sy.evidence, sy.crossed, sy.soft = make(map[uint64]record.Packet), make(map[uint64]*crossedSYN), make(map[uint64]*softError)
}

// drop discards what was kept of a target until the right answer came.
func (sy *syns) drop(n uint64) {
	delete(sy.evidence, n)
	delete(sy.crossed, n)
	delete(sy.soft, n)
}

// restart makes all that are not done begin again, as before their first SYN.
func (sy *syns) restart() {
	sy.owed = sy.owed[:0]
	clear(sy.evidence)
	clear(sy.crossed)
	clear(sy.soft)
	clear(sy.deferred)
	sy.resolved = sy.resolved[:0]
	w := &sy.begun.window
	for n := w.base; n < w.head; n++ {
		if s := w.at(n); s.state != slotDone {
			*s = slot{state: slotResolving, flags: s.flags&^slotAtOnce | slotDeferred | slotRepeat}
			sy.resolved = append(sy.resolved, n)
		}
	}
	sy.stats.Again += uint64(len(sy.resolved))
}
