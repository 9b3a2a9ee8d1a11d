// The counters of a scan.

package probe

import (
	"time"

	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/rawtcp/link"
)

// Stats are the counters of a loop, or of all of them.
type Stats struct {
	Targets    uint64 // begun
	Known      uint64 // left out, because an earlier run has results of them
	Excluded   uint64 // left out, by Scan.Exclude
	SYNs       uint64
	Packets    uint64 // sent, all kinds
	Asked      uint64 // of them, requests for neighbours on the link
	Answers    uint64 // SYN-ACKs that were right
	Results    uint64
	Outcomes   [record.OutcomeCount]uint64 // as record.Outcomes orders them
	KernelRSTs uint64                      // RSTs that this machine's kernel sent in our name
	Stray      uint64                      // packets that belong to no target
	Late       uint64                      // for a target whose result was made
	Bad        uint64                      // checksums and headers that are wrong
	InFlight   int                         // targets between their first SYN and their result
	Conns      int                         // of them, with a connection
	Memory     uint64                      // bytes of heap in use; of all loops
	Slowed     float64                     // the part of the rate that is used after drops, 1 for all
	Link       link.RingStats
	Time       time.Duration // since the beginning
	Again      uint64        // targets that were begun again, since a route had changed
	Outage     string        // why the scan pauses; empty: it does not
	Wanted     time.Duration // of that, for each loop's share: how long targets waited for the pace alone
	Missed     float64       // packets that it allowed meanwhile and that did not leave: see Load
	Latest     [latestKept]Latest
}

// outcomeIndex is an outcome's place in record.Outcomes.
func outcomeIndex(outcome string) int {
	for i, name := range record.Outcomes {
		if name == outcome {
			return i
		}
	}
	return len(record.Outcomes)
}

// Count is how many results have an outcome.
func (s *Stats) Count(outcome string) uint64 { return s.Outcomes[outcomeIndex(outcome)] }

// add joins the counters of two loops.
func (s *Stats) add(t *Stats) {
	s.Targets += t.Targets
	s.Known += t.Known
	s.Excluded += t.Excluded
	s.SYNs += t.SYNs
	s.Packets += t.Packets
	s.Asked += t.Asked
	s.Answers += t.Answers
	s.Results += t.Results
	for i := range s.Outcomes {
		s.Outcomes[i] += t.Outcomes[i]
	}
	s.KernelRSTs += t.KernelRSTs
	s.Stray += t.Stray
	s.Late += t.Late
	s.Bad += t.Bad
	s.InFlight += t.InFlight
	s.Conns += t.Conns
	s.Slowed = min(s.Slowed, t.Slowed)
	s.Wanted += t.Wanted
	s.Missed += t.Missed
	s.Link.Add(t.Link)
	s.Again += t.Again
	s.addLatest(t)
	if s.Outage == "" {
		s.Outage = t.Outage
	}
}
