package probe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/probe/store"
	"github.com/rawshake/rawshake/internal/probe/targets"
	"github.com/rawshake/rawshake/internal/test/schema"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

func options(t testing.TB, ports string, specs ...string) Options {
	t.Helper()
	p, err := targets.ParsePorts(ports)
	check(t, err)
	var list []targets.Spec
	for _, s := range specs {
		spec, err := targets.ParseSpec(s)
		check(t, err)
		list = append(list, spec)
	}
	space, _, err := targets.BuildSpace(list, p, &targets.Rules{})
	check(t, err)
	return Options{Space: space, Goal: GoalCertificate, Worker: &worker.Worker{}, DataMax: DefaultDataMax,
		MaxInFlight: 256, Retries: 1, Timeout: time.Minute, Loops: 1, Ports: 64, Seed: 1, Link: "packet"}
}

func TestEveryTargetOfARangeHasOneRecord(t *testing.T) {
	l := newWideLab(t)
	serveTLS(t, l, "0.0.0.0:443")
	for _, kind := range rings {
		for _, goal := range []Goal{GoalTCP, GoalHello, GoalCertificate, GoalFinished, GoalData} {
			t.Run(string(kind)+"/"+goal.String(), func(t *testing.T) { everyTarget(t, l, goal, kind) })
		}
	}
}

func everyTarget(t *testing.T, l *lab.Lab, goal Goal, kind link.Kind) {
	to := "198.19.0.0/24"
	if goal >= GoalFinished { // which costs both sides cryptography
		to = "198.19.0.0/26"
	}
	o := options(t, "443", to)
	o.Link, o.Goal, o.Request = kind, goal, []byte("GET / HTTP/1.0\r\n\r\n")
	var out bytes.Buffer
	var stats Stats
	check(t, l.Near().Do(func() (err error) {
		s, err := Open(t.Context(), o, store.NewOutput(&out))
		if err != nil {
			return err
		}
		stats, err = s.Run(t.Context(), t.Context())
		return err
	}))
	t.Logf("%+v", stats)
	schema.Check(t, out.Bytes())
	seen := make(map[string]int)
	for line := range bytes.Lines(out.Bytes()) {
		var r struct {
			Addr, Outcome, Version string
			Port                   int
		}
		check(t, json.Unmarshal(line, &r))
		if len(seen) == 0 {
			t.Logf("%s", line)
		}
		seen[r.Addr]++
		if r.Outcome != goal.Outcome() {
			t.Fatalf("%s", line)
		}
	}
	if uint64(len(seen)) != o.Space.Len() {
		t.Errorf("%d addresses have records, of %d", len(seen), o.Space.Len())
	}
	for a, n := range seen {
		if n != 1 {
			t.Errorf("%s has %d records", a, n)
		}
	}
}

// Somebody listens on each hundredth port of this machine, as on a busy one: the
// scans take the ports between, and two at once none of each other's.
func TestPortsInUseAreKeptClearOf(t *testing.T) {
	l := newWideLab(t)
	serveTLS(t, l, "0.0.0.0:443")
	for port := 10000; port <= 65535; port += 100 {
		ln, err := l.Near().Listen("tcp", fmt.Sprintf("%v:%d", l.Near().Addr(), port))
		check(t, err)
		defer ln.Close()
	}
	o := options(t, "443", "198.19.0.0/24")
	o.Ports = DefaultPorts
	seen := make(map[uint16]int)
	var outs [2]bytes.Buffer
	check(t, l.Near().Do(func() error {
		var scans []*Scan
		for i := range outs {
			s, err := Open(t.Context(), o, store.NewOutput(&outs[i]))
			if err != nil {
				return err
			}
			scans = append(scans, s)
			first, last := s.loops[0].ports.guard.Ports()
			if last-first+1 < 32 {
				t.Errorf("ports %d-%d", first, last)
			}
			for port := first; port <= last; port++ {
				seen[port]++
				if seen[port] > 1 || port%100 == 0 {
					t.Errorf("port %d is somebody else's", port)
				}
			}
		}
		for _, s := range scans {
			if _, err := s.Run(t.Context(), t.Context()); err != nil {
				return err
			}
		}
		return nil
	}))
	for i := range outs {
		records := readRecords(t, outs[i].Bytes())
		if len(records) != 256 {
			t.Errorf("%d records", len(records))
		}
		for _, r := range records {
			if r.Outcome != "certificate" {
				t.Errorf("%+v", r)
			}
		}
	}
}

// Nobody on the link has the address that the scan takes, and nobody but the scan
// answers for it.
func TestAScanFromAnAddressThatTheKernelDoesNotHave(t *testing.T) {
	l := newWideLab(t)
	peers := serveTLS(t, l, "[::]:443")
	for _, tc := range []struct{ from, to string }{{"198.18.0.77", "198.19.0.0/26"}, {"2001:db8::77", l.Far().Addr6().String()}} {
		from := netip.MustParseAddr(tc.from)
		o := options(t, "443", tc.to)
		o.Via.Source, o.Goal = from, GoalFinished
		out, stats := scan(t, l, o)
		for _, r := range readRecords(t, out) {
			if r.Outcome != "finished" {
				t.Errorf("%+v", r)
			}
		}
		if n := o.Space.Len(); stats.Results != n || peers()[from] != int(n) {
			t.Errorf("%d records of %d; the hosts were spoken to by %v", stats.Results, n, peers())
		}
	}
	o := options(t, "443", "198.19.0.1")
	o.Via.Source, o.Link = netip.MustParseAddr("198.18.0.77"), link.KindRaw
	check(t, l.Near().Do(func() error {
		if s, err := Open(t.Context(), o, store.NewOutput(io.Discard)); err == nil || !strings.Contains(err.Error(), "use the packet link") {
			t.Errorf("the raw link: %v, %v", s, err)
		}
		return nil
	}))
}
