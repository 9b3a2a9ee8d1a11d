package probe

import (
	"slices"
	"sync/atomic"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Some hosts ask for work that takes for ever: the others have their records, all
// of them; and when it is done at last, so have they.
func TestWorkThatTakesLongKeepsNobodyElseWaiting(t *testing.T) {
	o := fakeOptions(t, 0)
	o.Goal, o.Timeout, o.MaxInFlight = GoalFinished, MaxTimeout, 100
	l := fakeLoop(t, o, &fakeNet{flight: serverFlight(t)})
	var slow atomic.Int32
	begun, done := make(chan bool, maxAway), make(chan bool)
	l.connections.queue.workers = startWorkers(func(w handshake.Work) handshake.Result {
		begun <- true
		<-done
		return o.Worker.Do(w)
	})
	defer l.connections.queue.workers.stop()
	const hostile = 10
	l.connections.queue.workers.long = func(w handshake.Work) bool {
		_, chain := w.(handshake.VerifyChainWork)
		return chain && slow.Add(1) <= hostile
	}
	total := o.Space.Len()
	for l.stats.Results < total-hostile {
		l.now = l.instant()
		check(t, l.turn())
	}
	<-begun
	if l.stats.Results != total-hostile || l.connections.live != hostile || l.admission.ended && l.connections.wheel.n == 0 {
		t.Errorf("%d records of %d, and %d connections", l.stats.Results, total, l.connections.live)
	}
	close(done)
	check(t, l.run(t.Context(), t.Context()))
	if l.stats.Results != total || l.stats.Outcomes[outcomeIndex("protocol")] != total { // the flight is of another's handshake
		t.Errorf("%d records of %d: %v", l.stats.Results, total, l.stats.Outcomes)
	}
}

// Who goes on talking while it waits for our work does not wait twice.
func TestAPeerThatTalksWhileItWaitsForWorkWaitsOnce(t *testing.T) {
	o := fakeOptions(t, 0)
	o.Goal = GoalFinished
	f := &fakeNet{flight: serverFlight(t)}
	l := fakeLoop(t, o, f)
	for len(l.connections.queue.short) == 0 {
		l.now = l.instant()
		check(t, l.turn())
	}
	c := l.connections.queue.short[0].c
	before := len(l.connections.queue.short)
	for range 1000 {
		f.ready = append(f.ready, answer{from: c.target.Addr.As4(), src: c.target.Port, dst: c.local, flags: 16, seq: c.tcp.ReceiveNext(), ack: 1})
	}
	l.now = l.instant()
	check(t, l.receive(0))
	if n := slices.IndexFunc(l.connections.queue.short[before:], func(j job) bool { return j.c == c }); n >= 0 {
		t.Errorf("it waits again, %d others later", n)
	}
}

// What was handed over before a route changed comes back to nobody.
func TestWorkOfATargetThatWasBegunAgainIsLetGo(t *testing.T) {
	o := fakeOptions(t, 0)
	o.Goal, o.Timeout = GoalFinished, MaxTimeout
	l := fakeLoop(t, o, &fakeNet{flight: serverFlight(t)})
	done := make(chan bool)
	l.connections.queue.workers = startWorkers(func(w handshake.Work) handshake.Result { <-done; return nil }) // which no machine takes
	defer l.connections.queue.workers.stop()
	l.connections.queue.workers.long = func(handshake.Work) bool { return l.stats.Again == 0 }
	for l.connections.queue.away == 0 {
		l.now = l.instant()
		check(t, l.turn())
	}
	l.restart()
	close(done)
	check(t, l.run(t.Context(), t.Context()))
	if n := o.Space.Len(); l.stats.Results != n || l.stats.Outcomes[outcomeIndex("error")] > 0 {
		t.Errorf("%d records of %d: %v", l.stats.Results, n, l.stats.Outcomes)
	}
}
