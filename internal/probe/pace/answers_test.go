package pace

import (
	"net/netip"
	"testing"
	"time"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// One host takes its own bound, and all together their share of the rate, however
// much they ask for.
func TestAnswersAreBoundedForEachHostAndForAll(t *testing.T) {
	const rate, seconds = 1000, 5
	a := NewAnswers(rate, func(a netip.Addr) uint16 { return uint16(a.As4()[3]) })
	drawn := make(map[netip.Addr]int)
	all := 0
	for now := wire.Instant(0); now < wire.Instant(seconds*time.Second); now = now.Add(time.Millisecond) {
		a.Fill(now)
		for i := range 200 {
			if who := netip.AddrFrom4([4]byte{198, 18, 0, byte(i)}); a.MayTo(now, who) {
				a.SpendTo(now, who)
				drawn[who]++
				all++
			}
		}
	}
	for who, n := range drawn {
		if n > HostAnswers {
			t.Errorf("%v has drawn %d, expected %d at most", who, n, HostAnswers)
		}
	}
	if most := rate*AnswerShare*seconds + MinBurst; float64(all) > most || all < HostAnswers {
		t.Errorf("%d answers in %d s, expected %v at most", all, seconds, most)
	}
}
