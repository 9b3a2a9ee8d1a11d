// The latest results, for who looks on.

package probe

import (
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/tlsmsg"
)

// latestKept is how many of the latest results are kept to be shown.
const latestKept = 4

// A Latest is what is shown of a result while a scan runs.
type Latest struct {
	Target  netip.AddrPort
	Name    string
	Outcome string
	Version tlsmsg.Version // 0: none is known
	Suite   tlsmsg.CipherSuite
	RTT     time.Duration // negative: not known
	at      time.Duration // since the beginning
}

// latest takes note of a target that answered.
func (s *Stats) latest(r *record.Result, at time.Duration) {
	if r.TCP == nil {
		return
	}
	copy(s.Latest[:], s.Latest[1:])
	l := Latest{Target: netip.AddrPortFrom(r.Addr, r.Port), Name: r.Name, Outcome: r.Outcome, RTT: r.RTT, at: at}
	if r.TLS != nil && !r.TLS.NoSuite {
		l.Version, l.Suite = r.TLS.Version, r.TLS.CipherSuite
	}
	s.Latest[latestKept-1] = l
}

// addLatest keeps the latest of two loops, in their order.
func (s *Stats) addLatest(t *Stats) {
	var all [2 * latestKept]Latest
	i, j := 0, 0
	for k := range all {
		if j == latestKept || i < latestKept && s.Latest[i].at <= t.Latest[j].at {
			all[k] = s.Latest[i]
			i++
		} else {
			all[k] = t.Latest[j]
			j++
		}
	}
	copy(s.Latest[:], all[latestKept:])
}
