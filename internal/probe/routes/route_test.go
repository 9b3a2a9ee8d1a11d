package routes

import (
	"net/netip"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/probe/neighbours"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// A fakeAsker hears what a test says.
type fakeAsker struct {
	asked   []netip.Addr
	answers []netip.Addr
}

func (f *fakeAsker) Ask(a netip.Addr) error { f.asked = append(f.asked, a); return nil }
func (f *fakeAsker) Protocol() string       { return "ARP" }
func (f *fakeAsker) Close() error           { return nil }
func (f *fakeAsker) Answers(tell func(netip.Addr, link.Hop)) error {
	for _, a := range f.answers {
		tell(a, gatewayHop)
	}
	f.answers = nil
	return nil
}

var gatewayHop = link.HopTo([]byte{2, 0, 0, 0, 0, 1})

const second = wire.Instant(time.Second)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A gateway's address is asked for again when no SYN that went by way of it is
// answered, and used meanwhile.
func TestAGatewayIsAskedAgainFromTimeToTime(t *testing.T) {
	gateway, there := netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("198.18.0.9")
	for name, tc := range map[string]struct {
		answers, heard, written bool
		want                    int // requests in 65 seconds
	}{
		"hosts beyond it answer":       {answers: true, heard: true},
		"nobody else answers":          {answers: true, want: 3 + (65-4)/4}, // after 1, 2, 4, 8, 12, … seconds
		"it does not answer either":    {want: 16*neighbours.MaxAsks + 1},   // thrice in four seconds
		"somebody has written it down": {written: true},
	} {
		f := new(fakeAsker)
		n := neighbours.New(f, make(map[netip.Addr]link.Hop), func() bool { return true })
		n.Learn(gateway, gatewayHop)
		r := &Route{Path: &Path{Neighbours: n}, Gateway: gateway, fixed: tc.written} // known by the kernel
		for now := wire.Instant(0); now <= 65*second; now += second {
			if tc.heard {
				r.Heard = now
			}
			if hop, state := r.To(now, there); state != neighbours.Reachable || hop.IsZero() {
				t.Fatalf("%s: at %v: %v %d", name, time.Duration(now), hop, state)
			}
			if tc.answers && n.Asking(gateway) {
				f.answers = append(f.answers, gateway)
			}
			check(t, n.Turn(now, func(q *neighbours.Query, answered bool) {
				if answered != tc.answers || !q.Probe || len(q.Waiting) > 0 {
					t.Errorf("%s: %+v, answered: %v", name, q, answered)
				}
			}))
		}
		if len(f.asked) != tc.want {
			t.Errorf("%s: asked %d times, want %d", name, len(f.asked), tc.want)
		}
	}
}
