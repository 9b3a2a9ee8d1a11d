//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/probe"
)

// A rate that the machine cannot carry is warned of once, shown for as long as
// that lasts, and reported again at the end; one that it carries is not
// mentioned.
func TestARateThatTheMachineDoesNotCarryIsToldOf(t *testing.T) {
	for _, missed := range []float64{0, 8200} {
		var out bytes.Buffer
		r := &probeReport{out: &out, scan: new(probe.Scan), load: probe.Load{Rate: 20000},
			flags: &probeFlags{status: filepath.Join(t.TempDir(), "status")},
			plan:  &probePlan{options: probe.Options{Rate: 20000, Loops: runtime.GOMAXPROCS(0), Goal: probe.GoalFinished}}}
		const sentence = "11800 of the 20000 packets/s asked for: lower --rate, or stop at --until certificate"
		told := 0
		if missed > 0 {
			told = 1
		}
		var s probe.Stats
		for k := range 60 {
			s.Time = time.Duration(k+1) * time.Second
			s.Wanted, s.Missed, s.Packets = s.Time, missed*s.Time.Seconds(), uint64((20000-missed)*s.Time.Seconds())
			r.weigh(&s)
		}
		if n := strings.Count(out.String(), "warning: this machine carries "+sentence+"\n"); n != told {
			t.Errorf("%v missed: warned %d times: %q", missed, n, &out)
		}
		if p := r.progress(&s); strings.Contains(p, "  11800 packets/s (20000 asked for: more than this machine carries)") != (told > 0) {
			t.Errorf("%v missed: progress is %q", missed, p)
		}
		out.Reset()
		r.summary(&s)
		if n := strings.Count(out.String(), "this machine carried as little as "+sentence+"\n"); n != told {
			t.Errorf("%v missed: the summary is %q", missed, &out)
		}
		r.status(&s, false)
		b, err := os.ReadFile(r.flags.status)
		if err != nil {
			t.Fatal(err)
		}
		var status struct {
			Short   float64 `json:"rate_short"`
			Warning string
		}
		if err := json.Unmarshal(b, &status); err != nil || status.Short != missed || strings.Count(status.Warning, sentence) != told {
			t.Errorf("%v missed: %v in %s", missed, err, b)
		}
	}
}

func TestTheWaysOutOfARateAreThoseThatThereAre(t *testing.T) {
	for _, test := range []struct {
		loops int
		goal  probe.Goal
		want  string
	}{
		{runtime.GOMAXPROCS(0), probe.GoalCertificate, ": lower --rate"},
		{runtime.GOMAXPROCS(0) - 1, probe.GoalTCP, ": lower --rate, raise --loops"},
		{runtime.GOMAXPROCS(0) - 1, probe.GoalData, ": lower --rate, raise --loops, or stop at --until certificate"},
	} {
		r := &probeReport{plan: &probePlan{options: probe.Options{Loops: test.loops, Goal: test.goal}}}
		if got := r.shortfall(); !strings.HasSuffix(got, test.want) {
			t.Errorf("%d loops, %v: %q", test.loops, test.goal, got)
		}
	}
}

// A scan that pauses says why, once, and how many targets it starts again.
func TestALostWayIsToldOf(t *testing.T) {
	var out bytes.Buffer
	r := &probeReport{out: &out, flags: &probeFlags{quiet: true}}
	for _, s := range []probe.Stats{{}, {Outage: "eth0 is down"}, {Outage: "eth0 is down"}, {Again: 7}, {Again: 7}, {Again: 7, Outage: "it is \x1b[m"}, {Again: 12}} {
		r.outage(&s)
		r.last = s
	}
	want := `rawshake: warning: eth0 is down. The scan pauses, and looks for a route
rawshake: the scan goes on; 7 targets were in flight, and are begun again
rawshake: warning: it is \x1b[m. The scan pauses, and looks for a route
rawshake: the scan goes on; 5 targets were in flight, and are begun again
`
	if out.String() != want {
		t.Errorf("%s\nwant\n%s", &out, want)
	}
}
