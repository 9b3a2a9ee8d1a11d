// The turns that the contenders take, and their results.

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
)

// crowd is how many handshakes are in flight at a time in the second half of
// the rows.
const crowd = 64

// entrants, in the order of a turn.
var entrants = []entrant{
	{roleTheirs, 1}, {roleDialer, 1}, {roleFloor, 1}, {roleShared, 1}, {roleLoop, 1},
	{roleCert, 1}, {roleJudged, 1},
	{roleTheirs, crowd}, {roleShared, crowd}, {roleLoop, crowd}, {roleProbe, crowd}, {roleKnown, crowd},
	{roleCert, crowd}, {roleProbeCert, crowd},
	{roleMemory, 1}, {roleServing, 1},
}

// scannerEntrants are those for the scanner's own table.
var scannerEntrants = []entrant{
	{roleTheirs, crowd}, {roleFloor, 1}, {roleProbe, crowd}, {roleKnown, crowd}, {roleProbeCert, crowd},
	{roleMemory, 1}, {roleServing, 1},
}

func (p plan) entrants() []entrant {
	if p.scanner {
		return scannerEntrants
	}
	return entrants
}

// results holds the reports of each entrant, by turn.
type results struct {
	turns map[entrant][]*report
	slow  map[string]*report // by role, over the slow wire
}

// conduct measures everything and prints the table.
func conduct(ctx context.Context, p plan, out io.Writer) error {
	clientCPU, serverCPU, err := twoCPUs()
	if err != nil {
		return err
	}
	t := task{Source: ourSource.Addr(), TLS13: p.tls13, Link: p.link}
	if err := t.certificates(); err != nil {
		return err
	}
	r := results{turns: make(map[entrant][]*report)}
	if err := r.takeTurns(ctx, p, t, clientCPU, serverCPU, notes{out}); err != nil {
		return err
	}
	if err := r.sameHandshake(); err != nil {
		return err
	}
	r.printHead(out, p)
	if p.scanner {
		r.printScanner(out)
		return nil
	}
	if r.slow, err = overSlowWire(ctx, p, t, clientCPU, serverCPU); err != nil {
		return fmt.Errorf("over the slow wire: %w", err)
	}
	r.print(out)
	return nil
}

// takeTurns measures the entrants one after the other, again and again, so that
// what disturbs the machine disturbs them all.
func (r *results) takeTurns(ctx context.Context, p plan, t task, clientCPU, serverCPU int, n notes) error {
	stage := lab.Bare()
	stage.Nodes[1].Owns = []netip.Prefix{wide}
	l, err := lab.New(ctx, lab.With(stage))
	if err != nil {
		return err
	}
	defer l.Close()
	if err := l.Near().AddAddress(ourSource); err != nil {
		return fmt.Errorf("give the near node a second address: %w", err)
	}
	for _, s := range []struct {
		node *lab.Node
		cpu  int
	}{{l.Near(), clientCPU}, {l.Far(), serverCPU}} {
		if err := steer(s.node, s.cpu); err != nil {
			n.add("packets are not steered to the receiver's CPU, so that clients are billed for some of the server's work: %v", err)
			break
		}
	}
	if err := startServer(ctx, l.Far(), serverCPU, &t); err != nil {
		return err
	}
	begin, longest := time.Now(), time.Duration(0)
	for turn := range p.turns {
		if turn > 0 && time.Since(begin)+longest > p.limit*3/4 {
			n.add("only %d of %d turns: the machine is slow, or busy with other things", turn, p.turns)
			break
		}
		turnBegin := time.Now()
		for _, e := range p.entrants() {
			t.entrant, t.Handshakes, t.Warmup = e, p.handshakes, p.warmup
			if e.Role == roleDialer {
				// Most of its time is not CPU time, since the kernel closes a
				// packet socket only after a grace period.
				t.Handshakes, t.Warmup = max(p.handshakes/4, 1), max(p.warmup/4, 1)
			}
			one, err := runCounted(ctx, l.Near(), clientCPU, t)
			if err != nil {
				return err
			}
			r.turns[e] = append(r.turns[e], one)
		}
		longest = max(longest, time.Since(turnBegin))
	}
	t.Handshakes, t.Warmup = p.handshakes, p.warmup
	return p.profile(ctx, l.Near(), clientCPU, t)
}

// runCounted is run, with the packets that crossed the node's link meanwhile.
func runCounted(ctx context.Context, n *lab.Node, cpu int, t task) (*report, error) {
	before, err := linkCounters(n)
	if err != nil {
		return nil, err
	}
	one, err := run(ctx, n, cpu, t)
	if err != nil {
		return nil, err
	}
	after, err := linkCounters(n)
	if err != nil {
		return nil, err
	}
	all := float64(t.Warmup + t.Handshakes)
	one.Sent = float64(after.TxPackets-before.TxPackets) / all
	one.Received = float64(after.RxPackets-before.RxPackets) / all
	return one, nil
}

// profile runs each entrant once more with a CPU profile, if one was asked for.
// Profiling costs time, so these runs do not count.
func (p plan) profile(ctx context.Context, n *lab.Node, cpu int, t task) error {
	if p.profiles == "" {
		return nil
	}
	for i, e := range p.entrants() {
		t.entrant = e
		name := strings.Trim(strings.Map(fileName, e.Role), "-")
		t.Profile = filepath.Join(p.profiles, fmt.Sprintf("%02d-%s-%d.pprof", i+1, name, e.AtATime))
		if _, err := run(ctx, n, cpu, t); err != nil {
			return err
		}
	}
	return nil
}

func fileName(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return r
	}
	return '-'
}

// sameHandshake checks that all full handshakes negotiated the same suite and
// group, without which the figures cannot be compared.
func (r *results) sameHandshake() error {
	want := r.turns[entrant{roleTheirs, crowd}][0].Negotiated
	for e, reports := range r.turns {
		if !slices.Contains([]string{roleTheirs, roleDialer, roleShared, roleLoop, roleProbe, roleKnown}, e.Role) {
			continue
		}
		for _, one := range reports {
			if one.Negotiated != want {
				return fmt.Errorf("%s negotiated %s, and %s negotiated %s: not the same work", roleTheirs, want, e.Role, one.Negotiated)
			}
		}
	}
	return nil
}

// median is the middle of v, the upper one of two.
func median[T cmp.Ordered](v []T) T {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}
