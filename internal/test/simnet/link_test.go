package simnet

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/netem"
	"github.com/rawshake/rawshake/rawtcp/endpoint"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// journal is what becomes of packets, which are told apart by their source port.
type journal struct {
	net   *Network
	fates map[string]int
	ports []uint16
	times []time.Duration
}

func (j *journal) Sent(*Host, []byte)                  {}
func (j *journal) Fate(_ *Host, _ []byte, what string) { j.fates[what]++ }
func (j *journal) Arrives(_ *Host, packet []byte, bad bool) {
	var p seen
	if p.read(packet) != nil {
		return
	}
	j.ports = append(j.ports, p.Segment.SrcPort)
	j.times = append(j.times, j.net.now.Sub(Epoch))
}

// carried is what becomes of n packets, a millisecond apart.
func carried(w Impairment, n int) *journal {
	j := &journal{net: New(), fates: map[string]int{}}
	j.net.Watch = j
	a := j.net.Host("A", netip.MustParseAddr("198.18.0.1"), endpoint.Config{})
	b := j.net.Host("B", netip.MustParseAddr("198.18.0.2"), endpoint.Config{})
	j.net.Join(a, b, w, Impairment{MTU: 1}, 1)
	for i := range n {
		s := wire.Segment{SrcPort: uint16(i + 1), DstPort: 9, Flags: wire.RST}
		j.net.After(time.Duration(i)*time.Millisecond, func() { a.out.carry(segmentPacket(a.Addr, b.Addr, &s)) })
	}
	j.net.RunFor(time.Hour)
	return j
}

// What a link shares with the links of labs, package netem decides: the order of
// packets, and when they arrive.
func TestALinkDelaysAsNetemDoes(t *testing.T) {
	const n = 200
	clear := carried(Impairment{}, n)
	for i, at := range clear.times {
		if at != time.Duration(i)*time.Millisecond || clear.ports[i] != uint16(i+1) {
			t.Fatalf("packet %d arrives as number %d, at %v", clear.ports[i], i+1, at)
		}
	}
	for name, tc := range map[string]struct {
		w       netem.Impairment
		inOrder bool
	}{
		"jitter":     {netem.Impairment{Latency: 50 * time.Millisecond, Jitter: 40 * time.Millisecond}, true},
		"a rate":     {netem.Impairment{Rate: 8 * 10000}, true},
		"overtaking": {netem.Impairment{Latency: time.Millisecond, Reorder: 0.2}, false},
		"losses":     {netem.Impairment{Loss: 0.2}, true},
		"duplicates": {netem.Impairment{Duplicate: 0.2}, true},
	} {
		got := carried(Impairment{Impairment: tc.w}, n)
		if slices.IsSorted(got.ports) != tc.inOrder {
			t.Errorf("%s: %v", name, got.ports)
		}
		if whole := tc.w.Loss == 0 && tc.w.Duplicate == 0; whole != (len(got.ports) == n) {
			t.Errorf("%s: %d of %d packets arrive", name, len(got.ports), n)
		}
	}
	slow := carried(Impairment{Impairment: netem.Impairment{Rate: 8 * 10000}}, n)
	if last, want := slow.times[n-1], n*4*time.Millisecond; last != want { // 40 bytes each
		t.Errorf("%d packets take %v, expected %v", n, last, want)
	}
}

// What only a simulated link does is added to that.
func TestALinkDoesMoreThanNetem(t *testing.T) {
	const n = 200
	for what, w := range map[string]Impairment{
		fateJumped:  {Straggle: 0.1, StraggleBy: time.Second},
		fateLate:    {Late: 0.1},
		fateDamaged: {Corrupt: 0.1},
		fateBurst:   {Burst: Burst{Begin: 0.1, End: 0.3, Loss: 0.9}},
		fateQueue:   {Impairment: netem.Impairment{Rate: 8 * 20000}, Queue: 1000},
		fateTooBig:  {MTU: 39},
		fateToldBig: {MTU: 39, Tell: true},
		fateDark:    {Dark: []Period{{Epoch, Epoch.Add(time.Millisecond)}}},
	} {
		if got := carried(w, n); got.fates[what] == 0 {
			t.Errorf("nothing is %q: %v", what, got.fates)
		}
	}
	if got := carried(Impairment{Scatter: 50 * time.Millisecond}, n); slices.IsSorted(got.ports) || len(got.ports) != n {
		t.Errorf("scattered packets arrive as %v", got.ports)
	}
	queued := carried(Impairment{Impairment: netem.Impairment{Rate: 8 * 20000}, Queue: 1000}, n)
	most := time.Duration(0)
	for i, at := range queued.times {
		most = max(most, at-time.Duration(queued.ports[i]-1)*time.Millisecond)
	}
	if bound := 52 * time.Millisecond; most > bound { // 1,000 bytes before it, and its own 40
		t.Errorf("a packet waits %v in a queue of %v", most, bound)
	}
}
