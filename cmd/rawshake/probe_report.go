//go:build linux

// What a person, and --status, are told while a scan runs and when it ends.

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/outfile"
	"github.com/rawshake/rawshake/internal/probe"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/store"
	"github.com/rawshake/rawshake/internal/probe/targets"
)

// A probeReport tells a person, and a status file, how a scan goes.
type probeReport struct {
	flags *probeFlags
	plan  *probePlan
	scan  *probe.Scan
	out   io.Writer
	live  bool // the progress line can be overwritten

	quit  chan struct{}
	wait  sync.WaitGroup
	last  probe.Stats
	told  bool   // of drops
	reset bool   // of RSTs that this machine's kernel sends
	again uint64 // targets begun again that were told of

	load probe.Load
}

// report starts reporting. A status file that cannot be written is an error
// now, and only a warning later.
func (f *probeFlags) report(scan *probe.Scan, p *probePlan) (*probeReport, error) {
	r := &probeReport{flags: f, plan: p, scan: scan, out: os.Stderr, quit: make(chan struct{}), load: probe.Load{Rate: p.options.Rate}}
	// Records on the same terminal say how it goes, and would share its line.
	r.live = !f.quiet && term.IsTerminal(int(os.Stderr.Fd())) && os.Getenv("TERM") != "dumb" && (f.output != "" || !isTerminal(os.Stdout))
	if err := r.writeStatus(&probe.Stats{Slowed: 1}, false); err != nil {
		return nil, fileError("--status", err)
	}
	r.wait.Go(r.run)
	return r, nil
}

const (
	progressEvery = 500 * time.Millisecond
	statusEvery   = 2 // times that
)

func (r *probeReport) run() {
	ticks := time.NewTicker(progressEvery)
	defer ticks.Stop()
	for n := 1; ; n++ {
		select {
		case <-r.quit:
			return
		case <-ticks.C:
		}
		s := r.scan.Stats()
		r.weigh(&s)
		if r.live {
			fmt.Fprint(r.out, r.draw(&s))
		}
		r.outage(&s)
		if s.Slowed < 1 && !r.told && !r.flags.quiet {
			r.told = true
			r.line("warning: the link has no room for all packets (%d not sent, %d not taken): slowed down to %.0f%% of the rate",
				s.Link.Unsent, s.Link.Dropped, 100*s.Slowed)
		}
		r.kernelRSTs(&s)
		if n%statusEvery == 0 {
			r.status(&s, false)
		}
		r.last = s
	}
}

// kernelRSTs warns, once, that this machine's kernel ends connections of the scan's.
func (r *probeReport) kernelRSTs(s *probe.Stats) {
	if s.KernelRSTs > 0 && !r.reset && !r.flags.quiet {
		r.reset = true
		r.line("warning: this machine's kernel sends RSTs of its own into the scan's connections, which ends them: a firewall rule of its own answers. An nftables guard stands before it where probe may make one (as root, or with cap_net_admin). %s", goal.SpareRemedy)
	}
}

// weigh warns, once, that this machine cannot keep up with the rate.
func (r *probeReport) weigh(s *probe.Stats) {
	told := r.load.Worst > 0
	if r.load.See(s); r.load.Short > 0 && !told && !r.flags.quiet {
		r.line("warning: this machine carries %s", r.shortfall())
	}
}

// shortfall says how much of the rate this machine carried at worst, and what
// helps.
func (r *probeReport) shortfall() string {
	o := &r.plan.options
	out := "lower --rate"
	if o.Loops < runtime.GOMAXPROCS(0) {
		out += ", raise --loops"
	}
	if o.Goal > probe.GoalCertificate {
		out += ", or stop at --until certificate"
	}
	return fmt.Sprintf("%.0f of the %.0f packets/s asked for: %s", o.Rate-r.load.Worst, o.Rate, out)
}

// line writes a line of its own.
func (r *probeReport) line(format string, args ...any) {
	if r.live {
		fmt.Fprint(r.out, wipe)
	}
	fmt.Fprintf(r.out, "rawshake: "+format+"\n", args...)
}

// outage reports routes to targets that were lost, and found again.
func (r *probeReport) outage(s *probe.Stats) {
	switch {
	case s.Outage != "" && r.last.Outage == "":
		r.line("warning: %s. The scan pauses, and looks for a route", plain.Escape(s.Outage))
	case s.Outage == "" && r.last.Outage != "":
		r.line("the scan goes on; %d targets were in flight, and are begun again", s.Again-r.again)
		r.again = s.Again
	}
}

// statusFile is what --status keeps, for machines.
type statusFile struct {
	Time       string            `json:"time"`
	Finished   bool              `json:"finished"`
	ElapsedMS  int64             `json:"elapsed_ms"`
	Total      uint64            `json:"total"`
	TotalKnown bool              `json:"total_known"`
	Targets    uint64            `json:"targets"`
	Records    uint64            `json:"records"`
	Earlier    uint64            `json:"records_of_earlier_runs"`
	InFlight   int               `json:"in_flight"`
	Conns      int               `json:"connections"`
	SYNs       uint64            `json:"syns"`
	Packets    uint64            `json:"packets_sent"`
	Asked      uint64            `json:"neighbour_requests"`
	Unsent     uint64            `json:"packets_unsent"`
	Received   uint64            `json:"packets_received"`
	Dropped    uint64            `json:"packets_dropped"`
	KernelRSTs uint64            `json:"kernel_resets"`
	Stray      uint64            `json:"packets_stray"`
	Late       uint64            `json:"packets_late"`
	Bad        uint64            `json:"packets_bad"`
	Slowed     float64           `json:"rate_factor"`
	Lost       string            `json:"no_way,omitempty"`
	Again      uint64            `json:"begun_again"`
	Short      float64           `json:"rate_short"`
	Warning    string            `json:"warning,omitempty"`
	Heap       uint64            `json:"heap_bytes"`
	Outcomes   map[string]uint64 `json:"outcomes"`
	LeftOut    map[string]uint64 `json:"left_out"`
	Unreadable int               `json:"lines_unreadable"`
}

func (r *probeReport) status(s *probe.Stats, finished bool) {
	if err := r.writeStatus(s, finished); err != nil {
		r.line("warning: --status: %v; going on without", err)
		r.flags.status = ""
	}
}

func (r *probeReport) writeStatus(s *probe.Stats, finished bool) error {
	if r.flags.status == "" {
		return nil
	}
	total, whole := r.scan.Total()
	f := statusFile{Time: time.Now().UTC().Format(time.RFC3339Nano), Finished: finished, ElapsedMS: s.Time.Milliseconds(),
		Total: total, TotalKnown: whole, Targets: s.Targets, Records: s.Results, Earlier: s.Known, InFlight: s.InFlight, Conns: s.Conns,
		SYNs: s.SYNs, Packets: s.Packets, Asked: s.Asked, Unsent: s.Link.Unsent, Received: s.Link.Received, Dropped: s.Link.Dropped,
		KernelRSTs: s.KernelRSTs, Stray: s.Stray, Late: s.Late, Bad: s.Bad, Slowed: s.Slowed, Lost: s.Outage, Again: s.Again, Short: math.Round(r.load.Short), Heap: s.Memory, Outcomes: make(map[string]uint64), LeftOut: make(map[string]uint64)}
	for i, name := range record.Outcomes {
		if s.Outcomes[i] > 0 {
			f.Outcomes[name] = s.Outcomes[i]
		}
	}
	if r.load.Worst > 0 {
		f.Warning = "this machine carried as little as " + r.shortfall()
	}
	left, bad := r.leftOut()
	f.Unreadable = bad
	for _, x := range left {
		f.LeftOut[x.What] += x.Count
	}
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return store.ReplaceFile(r.flags.status, append(b, '\n'), outfile.Public) // counts, for who watches
}

// leftOut lists what is not probed, and counts the lines that could not be
// read.
func (r *probeReport) leftOut() (list []targets.Refusal, bad int) {
	list = append(list, r.plan.refused...)
	if feed := r.plan.options.Feed; feed != nil {
		more, n := feed.Refused()
		list, bad = append(list, more...), n
	}
	return list, bad
}

// end writes the summary.
func (r *probeReport) end(s probe.Stats, err error, stopped bool) {
	close(r.quit)
	r.wait.Wait()
	r.status(&s, err == nil && !stopped)
	if left, _ := r.leftOut(); s.Targets+s.Known == 0 && err == nil && !stopped && len(left) > 0 {
		r.line("nothing was probed: %s; --allow-special has special-purpose addresses of lists probed too", refusals(left))
	}
	if r.flags.quiet {
		return
	}
	if r.live {
		fmt.Fprint(r.out, wipe)
	}
	r.kernelRSTs(&s)
	r.summary(&s)
}

func (r *probeReport) summary(s *probe.Stats) {
	w := r.out
	fmt.Fprintf(w, "\n%8d targets in %v, %d packets sent, %d received\n", s.Targets, s.Time.Round(time.Millisecond), s.Packets, s.Link.Received)
	if s.Known > 0 {
		fmt.Fprintf(w, "%8d that have a result of an earlier run\n", s.Known)
	}
	for i, name := range record.Outcomes {
		if s.Outcomes[i] > 0 {
			fmt.Fprintf(w, "%8d %s\n", s.Outcomes[i], name)
		}
	}
	if s.Again > 0 {
		fmt.Fprintf(w, "%8d begun again, since their route was lost\n", s.Again)
	}
	left, bad := r.leftOut()
	for _, x := range left {
		fmt.Fprintf(w, "%8d left out: %s (%s)\n", x.Count, x.What, x.Why)
	}
	if bad > 0 {
		fmt.Fprintf(w, "%8d lines could not be read\n", bad)
	}
	if n := s.Link.Dropped; n > 0 {
		fmt.Fprintf(w, "%8d packets dropped by the receive ring\n", n)
	}
	if n := s.Link.Unsent; n > 0 {
		fmt.Fprintf(w, "%8d packets that the link had no room for\n", n)
	}
	if n := s.KernelRSTs; n > 0 {
		fmt.Fprintf(w, "%8d RSTs that this machine's kernel sent\n", n)
	}
	if r.load.Worst > 0 {
		fmt.Fprintf(w, "%8s this machine carried as little as %s\n", "", r.shortfall())
	}
}

// stopped says how to go on.
func (r *probeReport) stopped() string {
	s := r.scan.Stats()
	total, whole := r.scan.Total()
	text := fmt.Sprintf("stopped after %d targets", s.Done())
	if whole {
		text = fmt.Sprintf("stopped after %d of %d targets", s.Done(), total)
	}
	if r.flags.checkpoint == "" {
		return text + "; with --checkpoint FILE the next scan can go on where it stopped"
	}
	return text + "; the same command goes on from " + r.flags.checkpoint
}
