//go:build linux

// `rawshake fleet work`: this machine's part in the scans of a fleet.

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/fleet"
	"github.com/rawshake/rawshake/internal/outfile"
	"github.com/rawshake/rawshake/internal/privilege"
	"github.com/rawshake/rawshake/internal/probe"
	"github.com/rawshake/rawshake/internal/probe/pace"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/store"
	"github.com/rawshake/rawshake/internal/probe/targets"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// fleetWorker is this machine's part.
type fleetWorker struct {
	flags  probeFlags // those that are this machine's
	name   string
	keep   string // directory for results; empty: they go into JetStream
	listen string // for metrics; empty: nowhere

	nats *hubFlags
	hub  *fleet.Hub
	held *heldFiles // of the scan
	kept probe.Ports
	of   string // that this says
}

func newFleetWork(hub *hubFlags) *cobra.Command {
	w := fleetWorker{nats: hub}
	cmd := &cobra.Command{
		Use:   "work [SCAN]",
		Short: "Take shards of a scan and do them, on this machine",
		Long: `work takes part in a scan until nothing of it is left; without SCAN in every scan that
there is and that comes, until it is ended. Any number of machines can, at any time.

SIGINT or SIGTERM gives the shard back, with what is in flight finished first; a second
one ends at once.`,
		Example: `  rawshake fleet work --nats nats://hub:4222 monday
  rawshake fleet work --name paris-3 --metrics 127.0.0.1:9464`,
		Args: takes("[SCAN]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if w.name == "" {
				w.name = defaultWorkerName()
			}
			if !fleet.ScanName.MatchString(w.name) {
				return usageError("--name %q cannot be a worker's name: letters, digits, - and _, 40 at most", w.name)
			}
			if w.keep != "" {
				if err := outfile.MkdirAll(w.keep, 0o700); err != nil {
					return fileError("--keep", err)
				}
			}
			// What is wrong with the flags is said before anything is taken.
			if err := w.flags.check(); err != nil {
				return err
			}
			h, err := hub.connect()
			if err != nil {
				return err
			}
			defer h.Close()
			w.hub = h
			return w.run(cmd, args)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&w.name, "name", "", "this worker's name, which no other has (default: the host's name and the process's number)")
	fl.StringVar(&w.keep, "keep", "", "keep the results in files in this directory, and only their names in JetStream")
	fl.StringVar(&w.listen, "metrics", "", "serve Prometheus metrics at this HOST:PORT, under /metrics")
	fl.StringVarP(&w.flags.iface, "interface", "i", "", "leave by this interface")
	fl.StringVar(&w.flags.sourceIP, "source-ip", "", "our address, or a free one of the network on the link (default: as the route says)")
	fl.StringVar(&w.flags.link, "link", "auto", "auto, packet, raw; or xdp (AF_XDP): before the kernel's stack, where no tcpdump sees it; it costs less")
	fl.IntVar(&w.flags.loops, "loops", 0, "event loops (default one for each CPU, four at most)")
	fl.StringVar(&w.flags.maxMemory, "max-memory", "", "begin no targets while more memory is in use, as in 200M (default: most of what a memory limit on this process allows)")
	fl.BoolVarP(&w.flags.verbose, "verbose", "v", false, "say which privileges are kept, and why")
	fl.BoolVarP(&w.flags.quiet, "quiet", "q", false, "say nothing but errors")
	return cmd
}

// defaultWorkerName is the host's, with something that tells two on one host apart.
func defaultWorkerName() string {
	host, _ := os.Hostname()
	clean := []byte(host)
	for i, c := range clean {
		if !fleet.ScanName.MatchString(string(c)) {
			clean[i] = '-'
		}
	}
	return fmt.Sprintf("%.28s-%d", clean, os.Getpid())
}

// check judges the flags that are a machine's.
func (f *probeFlags) check() error {
	p := &probePlan{}
	try := *f
	try.rate, try.timeout, try.retries = probe.DefaultRate, probe.DefaultTimeout, probe.DefaultRetries
	return errors.Join(try.planPace(p), try.planProbeLink(p))
}

// adapt sets in a scan's flags what is this machine's.
func (w *fleetWorker) adapt(f *probeFlags) {
	f.iface, f.sourceIP, f.link, f.loops, f.maxMemory, f.quiet = w.flags.iface, w.flags.sourceIP, w.flags.link, w.flags.loops, w.flags.maxMemory, w.flags.quiet
}

func (w *fleetWorker) say(format string, args ...any) {
	if !w.flags.quiet {
		fmt.Fprintf(os.Stderr, "rawshake: "+format+"\n", args...)
	}
}

func (w *fleetWorker) run(cmd *cobra.Command, args []string) error {
	ctx := cmd.Context()
	hard, stop := secondSignal(ctx)
	defer stop()
	defer w.kept.Close()
	worker := &fleet.Worker{Hub: w.hub, Name: w.name, Version: cmd.Root().Version, Open: w.open, Log: func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "rawshake: %s\n", plain.Escape(fmt.Sprintf(format, args...)))
	}}
	if w.listen != "" {
		end, err := serveMetrics(w.listen, worker)
		if err != nil {
			return fileError("--metrics", err)
		}
		defer end()
	}
	// The guards of further loops are put up when a shard asks for them.
	link.Remember()
	again := w.flags.again()
	held.opened(w.flags.verbose, keeping{again.set | privilege.NetAdmin, "to open links and guards for further shards"},
		foreign("NATS reads its files at each connection, and what is kept is read again", w.keep, w.nats.creds, w.nats.nkey, w.nats.ca, w.nats.cert, w.nats.key))
	if len(args) > 0 {
		return w.takePart(ctx, hard, worker, args[0])
	}
	return w.takeAll(ctx, hard, worker)
}

func (w *fleetWorker) takePart(ctx, hard context.Context, worker *fleet.Worker, name string) error {
	scan, err := w.hub.Find(ctx, name)
	if err != nil {
		return fleetError(name, err)
	}
	w.say("%s takes part in %s", w.name, name)
	err = worker.Work(ctx, hard, scan)
	switch {
	case errors.Is(err, fleet.ErrNameTaken):
		return usageError("%v", err)
	case errors.Is(err, fleet.ErrGone):
		w.say("%v", err)
		return nil
	case err != nil:
		return probeError(err)
	case ctx.Err() != nil:
		return &statusError{exitError, errors.New("stopped; the shard was given back")}
	}
	if state, err := scan.State(hard); err == nil && state == fleet.Stopped {
		w.say("%s was stopped", name)
	} else {
		w.say("nothing of %s is left to do", name)
	}
	return nil
}

// lookEvery is how often a worker of all scans looks for another.
const lookEvery = 2 * time.Second

// takeAll takes part in each scan that has something to do, the oldest first.
func (w *fleetWorker) takeAll(ctx, hard context.Context, worker *fleet.Worker) error {
	for ctx.Err() == nil {
		names, err := w.hub.Scans(ctx)
		if err != nil && ctx.Err() == nil {
			w.say("warning: %s", plain.EscapeError(err))
		}
		for _, name := range names {
			if !w.wanted(ctx, name) {
				continue
			}
			err := w.takePart(ctx, hard, worker, name)
			if ctx.Err() != nil {
				return nil // that is how it ends
			}
			if err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(lookEvery):
		}
	}
	return nil
}

// wanted reports whether a scan has something to do. What cannot be asked is asked again.
func (w *fleetWorker) wanted(ctx context.Context, name string) bool {
	scan, err := w.hub.Find(ctx, name)
	if err != nil {
		return false
	}
	if state, err := scan.State(ctx); err != nil || state != fleet.Running {
		return false
	}
	over, err := scan.Finished(ctx)
	return err == nil && !over
}

// files are a scan's, held in memory. They are fetched once.
func (w *fleetWorker) files(ctx context.Context, spec *fleet.Spec) (*heldFiles, error) {
	if w.held != nil && w.of == spec.Name+spec.Started.String() {
		return w.held, nil
	}
	scan, err := w.hub.Find(ctx, spec.Name)
	if err != nil {
		return nil, err
	}
	held := new(heldFiles)
	for _, name := range spec.Files {
		b, err := scan.File(ctx, name)
		if err == nil {
			err = held.hold(name, name, b)
		}
		if err != nil {
			held.close()
			return nil, fmt.Errorf("the scan's file %s: %w", name, err)
		}
	}
	if w.held != nil {
		w.held.close()
	}
	w.held, w.of = held, spec.Name+spec.Started.String()
	return held, nil
}

// open makes a job ready.
func (w *fleetWorker) open(ctx context.Context, job *fleet.Job) (fleet.Probe, error) {
	held, err := w.files(ctx, job.Spec)
	if err != nil {
		return nil, err
	}
	p, err := planForFleet(job.Spec, held, w.adapt)
	if err != nil {
		return nil, err
	}
	o := &p.options
	if o.Scan = fleetScan(job.Spec, o); o.Scan != job.Spec.Scan {
		p.close()
		return nil, fmt.Errorf("this rawshake (%s) numbers the targets otherwise than the one that started the scan (%s): use the same version on all machines", versionLine(), job.Spec.ByRawshake)
	}
	running := &fleetProbe{plan: p, job: job, whole: job.Spec.Rate}
	if o.Feed != nil {
		o.Feed.Warn = func(error) {} // who started the scan was told
	}
	o.Shard, o.Keep, o.Resume = job.Shard, job.Keep, job.Resume
	running.loops = fewLoops(o.Loops, job.Rate)
	if o.Resume != nil {
		running.loops = len(o.Resume.Loops)
	}
	o.Kept = &w.kept
	o.Loops, o.Rate = running.loops, running.within(job.Rate)
	err = checkResume(o)
	if err == nil {
		err = w.planResults(p, job)
	}
	if err == nil {
		running.Scan, err = openScan(ctx, p)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return running, nil
}

// fewLoops keeps the rate of each loop large beside what it may send at once.
func fewLoops(loops int, rate float64) int {
	return max(min(loops, int(rate/(20*pace.MinBurst))), 1)
}

// checkResume finds out whether a checkpoint is of this job.
func checkResume(o *probe.Options) error {
	c := o.Resume
	if c == nil {
		return nil
	}
	if c.Scan != o.Scan || c.Seed != o.Seed {
		return errors.New("the shard's checkpoint is of another scan")
	}
	space := o.Space
	if o.Feed != nil {
		space = nil
		if err := o.Feed.Lists.Expect(c.Lists); err != nil {
			return err
		}
	}
	return c.Fits(o.Shard, o.Shards, space)
}

// planResults decides where results go.
func (w *fleetWorker) planResults(p *probePlan, job *fleet.Job) error {
	if w.keep != "" {
		return keepIn(w.keep, p, job)
	}
	p.output = store.NewOutput(job.Results)
	return nil
}

func openScan(ctx context.Context, p *probePlan) (*probe.Scan, error) {
	if p.memory > 0 {
		debug.SetMemoryLimit(int64(p.memory))
	}
	return probe.Open(ctx, p.options, p.output)
}

// A fleetProbe is a job that is ready to run.
type fleetProbe struct {
	*probe.Scan
	plan  *probePlan
	job   *fleet.Job
	loops int
	whole float64 // the rate of all workers
}

// Run is [fleet.Probe]'s.
func (p *fleetProbe) Run(soft, hard context.Context) error {
	_, err := p.Scan.Run(soft, hard)
	err = errors.Join(err, p.plan.close())
	if p.job.Kept != "" {
		err = errors.Join(err, noteKept(p.job))
	}
	return err
}

// within is the rate of the loops' buckets that keeps what leaves within a rate in every
// second: what they had saved up leaves beside it.
func (p *fleetProbe) within(rate float64) float64 {
	burst := max(float64(p.loops)*pace.MinBurst, rate*pace.BurstTime.Seconds())
	return max(rate-burst, rate/2)
}

// SetRate is [fleet.Probe]'s.
func (p *fleetProbe) SetRate(rate float64) {
	p.Scan.SetRate(p.within(rate))
	p.Scan.SetPart(rate / p.whole)
}

// Stuck is [fleet.Probe]'s.
func (p *fleetProbe) Stuck() error {
	s := p.Stats()
	if s.Results == 0 || s.Packets > 0 || s.Count(record.OutcomeUnreachable) < s.Results {
		return nil
	}
	return fmt.Errorf("%w: all of %d targets are unreachable, and no packet left this machine", route.ErrNoRoute, s.Results)
}

// Exclude is [fleet.Probe]'s.
func (p *fleetProbe) Exclude(ranges []string) {
	var set targets.Set
	for _, s := range ranges {
		if r, err := targets.ParseRange(s); err == nil { // it was read before it was written
			set.Add(r)
		}
	}
	p.Scan.Exclude(&set)
}

// Progress is [fleet.Probe]'s.
func (p *fleetProbe) Progress() (packets, results, excluded uint64, sources []netip.Addr) {
	s := p.Stats()
	return s.Packets, s.Results, s.Excluded, p.Sources()
}
