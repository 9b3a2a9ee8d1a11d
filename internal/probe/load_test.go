package probe

import (
	"math"
	"testing"
	"time"
)

// A stretch of a scan at 20,000 packets a second: how long it was, for how much
// of it the scan wanted to send, and how many packets a second it missed then.
type stretch struct {
	time   time.Duration
	wanted float64
	missed float64
}

func TestARateIsShortWhereNothingElseIsInTheWay(t *testing.T) {
	const second, looks = time.Second, 500 * time.Millisecond
	for name, test := range map[string]struct {
		scan        []stretch
		last, worst float64
	}{
		"it keeps the pace":         {[]stretch{{60 * second, 1, 0}}, 0, 0},
		"it does not":               {[]stretch{{60 * second, 0.95, 8000}}, 8000, 8000},
		"not for long yet":          {[]stretch{{4 * second, 1, 8000}}, 0, 0},
		"by little":                 {[]stretch{{60 * second, 1, 1500}}, 0, 0},
		"no targets at first":       {[]stretch{{3 * second, 0, 0}, {3 * second, 1, 8000}}, 0, 0},
		"other limits now and then": {[]stretch{{60 * second, 0.8, 8000}}, 0, 0},
		"nothing is left":           {[]stretch{{10 * second, 1, 8000}, {10 * second, 0, 0}}, 0, 8000},
		"better now":                {[]stretch{{10 * second, 1, 8000}, {10 * second, 1, 0}}, 0, 8000},
		"worse, and better again":   {[]stretch{{10 * second, 1, 8000}, {10 * second, 1, 9000}, {10 * second, 1, 4000}}, 4000, 9000},
	} {
		d := Load{Rate: 20000}
		var s Stats
		for _, part := range test.scan {
			for range part.time / looks {
				s.Time += looks
				s.Wanted += time.Duration(part.wanted * float64(looks))
				s.Missed += part.missed * part.wanted * looks.Seconds()
				d.See(&s)
			}
		}
		if math.Round(d.Short) != test.last || math.Round(d.Worst) != test.worst {
			t.Errorf("%s: short by %.0f and at worst %.0f, want %.0f and %.0f", name, d.Short, d.Worst, test.last, test.worst)
		}
	}
}

// A loop that comes round every 50 ms finds room for a fifth of its rate.
func TestALoopThatComesRoundTooSeldomMissesPackets(t *testing.T) {
	for name, test := range map[string]struct {
		change func(l *loop)
		every  time.Duration
		halted halt
		short  bool
	}{
		"the CPU":               {func(*loop) {}, 50 * time.Millisecond, haltPace, true},
		"cryptography":          {func(*loop) { maxWork = -1 }, 50 * time.Millisecond, haltWork, true},
		"nothing":               {func(*loop) {}, 5 * time.Millisecond, haltPace, false},
		"the targets in flight": {func(l *loop) { l.admission.max = 5 }, 50 * time.Millisecond, haltLimit, false},
		"the memory":            {func(l *loop) { l.o.MaxMemory = 1 }, 50 * time.Millisecond, haltLimit, false},
		"the sink":              {func(l *loop) { l.results.buf = make([]byte, maxBacklog+1) }, 50 * time.Millisecond, haltLimit, false},
		"their network":         {func(l *loop) { l.admission.networks.gap = time.Second }, 50 * time.Millisecond, haltPlace, false},
		"the link's room":       {func(l *loop) { l.routes.Paths[0].Link = &narrowNet{fakeNet: fakeNet{deaf: true}, room: 1} }, 50 * time.Millisecond, haltPace, false},
		"the end":               {func(l *loop) { l.admission.ended = true }, 50 * time.Millisecond, haltSource, false},
		"a stop of the program": {func(*loop) {}, 5 * time.Second, haltPace, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := fakeOptions(t, 1<<16)
			o.Rate, o.MaxInFlight = 1000, 1<<20
			l := fakeLoop(t, o, &fakeNet{deaf: true})
			defer func(most int) { maxWork = most }(maxWork)
			test.change(l)
			for range 15 * time.Second / test.every {
				l.epoch = l.epoch.Add(-test.every)
				l.now = l.instant()
				check(t, l.turn())
			}
			if l.admission.halted != test.halted {
				t.Fatalf("halted by %d, want %d", l.admission.halted, test.halted)
			}
			l.publish()
			d := Load{Rate: o.Rate}
			if d.See(l.published.Load()); test.short != (d.Short > 700) || !test.short && d.Short > 0 {
				t.Errorf("%.0f packets/s short of 1000: %+v", d.Short, l.stats)
			}
		})
	}
}
