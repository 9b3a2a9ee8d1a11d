package probe

import (
	"testing"

	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Who has its record and goes on sending draws some RSTs, and no more: they are
// packets of the rate that the others wait for.
func TestLateSegmentsDrawFewResets(t *testing.T) {
	o := fakeOptions(t, 256)
	o.Goal = GoalTCP
	f := new(fakeNet)
	l := fakeLoop(t, o, f)
	check(t, l.run(t.Context(), t.Context()))
	a, port := l.o.Space.At(0)
	local := l.routes.Paths[0].First + l.syns.mac.Port(a, port)%uint16(o.Ports)
	iss, _ := l.syns.mac.Sequence(a, port, local)
	before := f.sent
	for range 10000 {
		f.ready = append(f.ready, answer{from: a.As4(), src: port, dst: local, flags: wire.ACK, seq: 1001, ack: wire.Seq(iss) + 1})
	}
	l.now = l.instant()
	check(t, l.receive(0))
	if n := f.sent - before; n == 0 || n > 5000 || l.stats.Late < 10000 {
		t.Errorf("%d RSTs for %d late segments", n, l.stats.Late)
	}
}
