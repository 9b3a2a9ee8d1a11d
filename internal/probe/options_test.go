package probe

import (
	"testing"
	"time"
)

// At a steady rate as many are in flight as begin while one is waited for.
func TestEnoughAreInFlightForTheRateWhereNobodyAnswers(t *testing.T) {
	for _, c := range []struct {
		rate          float64
		retries       int
		timeout       time.Duration
		least, atMost int
	}{
		{0, 1, 8 * time.Second, DefaultMaxInFlight, DefaultMaxInFlight}, // as fast as it goes
		{2000, 1, 8 * time.Second, DefaultMaxInFlight, DefaultMaxInFlight},
		{10000, 1, 8 * time.Second, 5000 * 9, 5000 * 10},
		{10000, 0, 8 * time.Second, 10000 * 8, 10000 * 9},
		{30000, 2, 4 * time.Second, 10000 * (1 + 2 + 4), 10000 * 8},
		{1e9, 0, MaxTimeout, maxSlots, maxSlots},
	} {
		o := Options{Rate: c.rate, Retries: c.retries, Timeout: c.timeout}
		if n := o.EnoughInFlight(); n < c.least || n > c.atMost {
			t.Errorf("%v packets a second, %d retries, %v: %d in flight, expected %d to %d", c.rate, c.retries, c.timeout, n, c.least, c.atMost)
		}
	}
}

// Hosts that take the connection and say no more hold back new targets sooner
// than those that are silent.
func TestConnectionsAreBoundedApartFromTargets(t *testing.T) {
	o := fakeOptions(t, 1024)
	o.MaxInFlight, o.MaxConns, o.Goal = 512, 100, GoalCertificate
	for _, net := range []*fakeNet{{}, {deaf: true}} {
		l := fakeLoop(t, o, net)
		for range 50 {
			l.now = l.instant()
			check(t, l.turn())
		}
		// What answers at once was begun before the bound was seen.
		if most := o.MaxConns + sendTurn; net.deaf && l.admission.inFlight() != o.MaxInFlight || !net.deaf && (l.connections.live < o.MaxConns || l.admission.inFlight() > most) {
			t.Errorf("deaf %v: %d in flight, %d connections", net.deaf, l.admission.inFlight(), l.connections.live)
		}
	}
}
