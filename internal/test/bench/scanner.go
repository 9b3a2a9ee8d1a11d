// probe itself as a contender.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/internal/probe"
	"github.com/rawshake/rawshake/internal/probe/store"
	"github.com/rawshake/rawshake/internal/probe/targets"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// wide is a network in which the server has every address, so that a scan meets
// each target once.
var wide = netip.MustParsePrefix("198.18.128.0/17")

// scanner is probe as it is, up to its results.
type scanner struct {
	scans []*probe.Scan // one for each run
	goal  probe.Goal
	out   tally
}

// A tally is where the records go: it keeps the first, and counts those that
// came to the goal.
type tally struct {
	want  []byte // what such a record holds
	first []byte
	tail  []byte // of what was written before: a record may be written in two pieces
	good  int
}

func (t *tally) Write(records []byte) (int, error) {
	if t.first == nil {
		line, _, _ := bytes.Cut(records, []byte("\n"))
		t.first = bytes.Clone(line)
	}
	t.tail = append(t.tail, records...)
	t.good += bytes.Count(t.tail, t.want)
	keep := max(len(t.tail)-len(t.want)+1, 0)
	t.tail = t.tail[:copy(t.tail, t.tail[keep:])]
	return len(records), nil
}

// newScanner opens both scans, the warm-up and the measured one: what a scan
// sets up once is not counted.
func newScanner(t *task, goal probe.Goal) (client, error) {
	o, err := newOurs(t)
	if err != nil {
		return nil, err
	}
	if t.Role == roleKnown {
		o.worker.Verdicts = new(worker.Verdicts)
	}
	c := &scanner{goal: goal, out: tally{want: fmt.Appendf(nil, `"outcome":"%v"`, goal)}}
	for i, n := range []int{t.Warmup, t.Handshakes} {
		space, err := space(n)
		if err != nil {
			return nil, err
		}
		s, err := probe.Open(context.Background(), probe.Options{
			Space: space, Seed: uint64(i), Name: o.name, Goal: goal, TLS: ourConfig(t), Worker: &o.worker,
			MaxInFlight: t.AtATime, Retries: probe.DefaultRetries, Timeout: patience, Loops: 1, Ports: probe.DefaultPorts,
			Via: route.Via{Source: o.source}, Link: link.Kind(t.Link),
		}, store.NewOutput(&c.out))
		if err != nil {
			c.close()
			return nil, err
		}
		c.scans = append(c.scans, s)
	}
	return c, nil
}

// space returns n targets in the wide network.
func space(n int) (*targets.Space, error) {
	last := wide.Addr().As4()
	last[2] += byte((n - 1) >> 8)
	last[3] += byte(n - 1)
	spec, err := targets.ParseSpec(fmt.Sprintf("%v-%v", wide.Addr(), netip.AddrFrom4(last)))
	if err != nil {
		return nil, err
	}
	s, _, err := targets.BuildSpace([]targets.Spec{spec}, []uint16{serverPort}, &targets.Rules{})
	return s, err
}

func (c *scanner) run(n int, done func(time.Duration, string)) error {
	s := c.scans[0]
	c.scans = c.scans[1:]
	c.out.first, c.out.tail, c.out.good = nil, nil, 0
	stats, err := s.Run(context.Background(), context.Background())
	if err != nil {
		return err
	}
	if c.out.good != n || stats.Results != uint64(n) {
		return fmt.Errorf("%d of %d targets came to %v; the first record: %s", c.out.good, n, c.goal, c.out.first)
	}
	var r struct {
		Suite string  `json:"cipher_suite"`
		Group string  `json:"group"`
		TLS   float64 `json:"handshake_ms"`
	}
	if err := json.Unmarshal(c.out.first, &r); err != nil {
		return err
	}
	done(time.Duration(r.TLS*float64(time.Millisecond)), fmt.Sprintf("%s in group %s", r.Suite, r.Group))
	return nil
}

func (c *scanner) close() {
	for _, s := range c.scans {
		s.Close()
	}
}
