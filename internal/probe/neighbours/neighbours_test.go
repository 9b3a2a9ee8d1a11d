package neighbours

import (
	"net/netip"
	"testing"
	"time"

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
		tell(a, link.Hop{})
	}
	f.answers = nil
	return nil
}

func newTable() (*Table, *fakeAsker) {
	f := new(fakeAsker)
	return New(f, make(map[netip.Addr]link.Hop), func() bool { return true }), f
}

func onLink(i int) netip.Addr { return netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)}) }

const second = wire.Instant(time.Second)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestNeighboursAreAskedThreeTimesAndThenFailedForAWhile(t *testing.T) {
	n, f := newTable()
	n.Wait(0, onLink(1), 7)
	n.Wait(0, onLink(1), 8)
	n.Wait(0, onLink(2), 9)
	got := make(map[netip.Addr][]uint64)
	over := func(q *Query, answered bool) {
		if answered != (q.Who == onLink(2)) {
			t.Errorf("%v answered: %v", q.Who, answered)
		}
		got[q.Who] = q.Waiting
	}
	f.answers = []netip.Addr{onLink(2), onLink(3)}
	for now := wire.Instant(0); now <= 3*second; now += second / 4 {
		check(t, n.Turn(now, over))
		if _, gone := got[onLink(1)]; gone != (now == 3*second) {
			t.Errorf("given up at %v: %v", time.Duration(now), gone)
		}
	}
	if len(f.asked) != 4 || len(got[onLink(1)]) != 2 || len(got[onLink(2)]) != 1 {
		t.Errorf("asked %v, %v waited", f.asked, got)
	}
	for a, want := range map[netip.Addr]State{onLink(1): Failed, onLink(2): Reachable, onLink(3): Incomplete} {
		if _, state := n.Find(4*second, a); state != want {
			t.Errorf("%v: %d, want %d", a, state, want)
		}
	}
	if _, state := n.Find(24*second, onLink(1)); state != Incomplete {
		t.Errorf("failed for ever")
	}
}

func TestNeighboursStayWithinBounds(t *testing.T) {
	n, f := newTable()
	now := wire.Instant(0)
	for i := range 3 * maxNeighbours {
		n.Wait(now, onLink(i), uint64(i))
		if i%2 == 0 {
			f.answers = append(f.answers, onLink(i))
		}
		if n.Full() {
			for range MaxAsks + 1 {
				check(t, n.Turn(now, func(*Query, bool) {}))
				now += second
			}
		}
	}
	if len(n.open) > maxQueries || len(n.young)+len(n.aged) > 2*maxNeighbours || len(n.failed) > maxNeighbours || cap(n.due) > 16*maxQueries {
		t.Errorf("%d asked, %d and %d known, %d failed, %d due", len(n.open), len(n.young), len(n.aged), len(n.failed), cap(n.due))
	}
}
