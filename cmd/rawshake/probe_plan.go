//go:build linux

// Turns the flags of `probe` into options, with every list read and every file
// opened, before the first packet leaves.

package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/connect"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/memlimit"
	"github.com/rawshake/rawshake/internal/probe"
	"github.com/rawshake/rawshake/internal/probe/astable"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/store"
	"github.com/rawshake/rawshake/internal/probe/supply"
	"github.com/rawshake/rawshake/internal/probe/targets"
	"github.com/rawshake/rawshake/rawtcp/wire"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// probePlan is a command line of `probe`, understood: everything is read and
// opened, and the first packet may leave.
type probePlan struct {
	options  probe.Options
	output   *store.Output
	refused  []targets.Refusal
	memory   uint64
	finished bool
	files    []io.Closer
}

func (p *probePlan) close() error {
	var errs []error
	if p.output != nil {
		if err := p.output.Close(); err != nil {
			errs = append(errs, &store.WriteError{Err: err})
		}
		p.output = nil
	}
	for _, c := range p.files {
		c.Close() // read only
	}
	p.files = nil
	return errors.Join(errs...)
}

// plan turns the flags into options. Every mistake in them is reported here,
// before anything is sent.
func (f *probeFlags) plan(cmd *cobra.Command, args []string) (*probePlan, error) {
	p := &probePlan{}
	steps := []func(*probePlan) error{f.planGoal, func(p *probePlan) error { return f.planAudit(cmd, &p.options) }, f.planPace, f.planProbeTLS, f.planProbeLink,
		func(p *probePlan) error { return f.planTargets(p, args) },
		func(p *probePlan) error { return f.planOrder(p, cmd.Flags().Changed("seed"), args) },
		f.planOutput}
	for _, step := range steps {
		if err := step(p); err != nil {
			p.close()
			return nil, err
		}
	}
	return p, nil
}

func (f *probeFlags) planGoal(p *probePlan) (err error) {
	o := &p.options
	if f.get != "" && f.send != "" {
		return usageError("--get and --send contradict each other")
	}
	until := f.until
	if until == "" {
		until = probe.GoalCertificate.String()
		if f.get != "" || f.send != "" {
			until = probe.GoalData.String()
		}
	}
	if o.Goal, err = goal.Parse(until); err != nil {
		return usageError("--until: %v", err)
	}
	if (f.get != "" || f.send != "") && o.Goal != probe.GoalData {
		return usageError("--get and --send go with --until data, not with %s", o.Goal)
	}
	o.DataMax = probe.DefaultDataMax
	switch {
	case f.send != "":
		if o.Request, err = os.ReadFile(f.send); err != nil {
			return usageError("--send: %v", err)
		}
	case o.Goal == probe.GoalData:
		path := f.get
		if path == "" {
			path = "/"
		}
		if !requestPath.MatchString(path) {
			return usageError("--get %q: a path begins with / and holds no spaces or control characters", path)
		}
		o.Path = path
	}
	if o.Fields, err = record.ParseFields(f.fields); err != nil {
		return usageError("--fields: %v", err)
	}
	if f.certificates {
		o.Whole = new(record.Written)
	}
	o.Raw = f.raw
	return f.planResults(o)
}

// planResults reads which results are written, and how many.
func (f *probeFlags) planResults(o *probe.Options) (err error) {
	if o.Only, err = record.ParseOutcomes(f.only); err != nil {
		return usageError("--only: %v", err)
	}
	if f.maxRuntime < 0 {
		return usageError("--max-runtime %v: must be more than 0", f.maxRuntime)
	}
	o.MaxResults, o.MaxRuntime = f.maxResults, f.maxRuntime
	if f.maxData == "" {
		return nil
	}
	n, err := parseBytes(f.maxData)
	switch {
	case err != nil:
		return usageError("--max-data: %v", err)
	case n > maxReply:
		return usageError("--max-data %s: at most %d MB", f.maxData, maxReply>>20)
	case o.Goal != probe.GoalData:
		return usageError("--max-data goes with --until data, --get and --send")
	}
	o.DataMax = int(n)
	return nil
}

// maxReply bounds what is kept of a reply, in bytes: there may be thousands at
// once.
const maxReply = 16 << 20

func (f *probeFlags) planPace(p *probePlan) (err error) {
	o := &p.options
	switch {
	case !isRate(f.rate), !isRate(f.perNetwork), !isRate(f.perAS):
		return usageError("--rate %v, --per-network %v, --per-as %v: a rate is a number, 0 or more", f.rate, f.perNetwork, f.perAS)
	case (f.perAS > 0) != (f.asTable != ""):
		return usageError("--per-as and --as-table go together: the table says which addresses are of one system")
	case f.maxInFlight < 0:
		return usageError("--max-inflight %d: must be at least 1; 0 leaves it to --rate", f.maxInFlight)
	case f.retries < 0 || f.retries > 10:
		return usageError("--retries %d: from 0 to 10", f.retries)
	case f.timeout <= 0 || f.timeout > probe.MaxTimeout:
		return usageError("--timeout %v: more than 0, and at most %v", f.timeout, probe.MaxTimeout)
	case f.loops < 0 || f.loops > 64:
		return usageError("--loops %d: from 1 to 64", f.loops)
	}
	if f.maxMemory == "" {
		p.memory = f.memoryAllowed(memlimit.Of())
	} else {
		if p.memory, err = parseBytes(f.maxMemory); err != nil {
			return usageError("--max-memory: %v", err)
		}
		if p.memory < minMemory {
			return usageError("--max-memory %s: the program takes %d MB before the first target", f.maxMemory, minMemory>>20)
		}
	}
	o.Rate, o.MaxInFlight, o.Retries, o.Timeout, o.PerNetwork = f.rate, f.maxInFlight, f.retries, f.timeout, f.perNetwork
	if o.PerAS = f.perAS; f.asTable != "" {
		if o.ASes, err = readASTable(f.asTable); err != nil {
			return usageError("--as-table %s: %v", f.asTable, err)
		}
	}
	if o.MaxInFlight == 0 {
		o.MaxInFlight, o.MaxConns = o.EnoughInFlight(), probe.DefaultMaxInFlight
		if f.audit {
			o.MaxConns = auditsAtOnce
		}
	}
	o.Loops, o.Ports, o.MaxMemory = f.loops, probe.DefaultPorts, p.memory
	if o.Loops == 0 {
		o.Loops = defaultLoops()
	}
	return nil
}

func readASTable(path string) (*astable.Table, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return astable.Read(file)
}

// memoryAllowed is the bound on memory if none is given: most of what the
// kernel allows, or none if the kernel has none. The rest is for what Go does
// not allocate: packet rings and file pages.
func (f *probeFlags) memoryAllowed(limit uint64, by string) uint64 {
	if limit == 0 {
		return 0
	}
	allowed := limit / 10 * 6
	if allowed < minMemory {
		fmt.Fprintf(os.Stderr, "rawshake: warning: this process may use %d MB of memory (%s), and the kernel ends one that takes more: probe takes %d MB before the first target\n",
			limit>>20, plain.Escape(by), minMemory>>20)
		allowed = minMemory
	}
	return allowed
}

// minMemory is what the program needs for itself, in bytes.
const minMemory = 16 << 20

func isRate(v float64) bool { return v >= 0 && !math.IsInf(v, 1) } // and no NaN

func (f *probeFlags) planProbeTLS(p *probePlan) (err error) {
	o := &p.options
	o.Name = strings.TrimSuffix(f.servername, ".")
	if o.Name != "" {
		if _, err := tlsmsg.NewServerName(o.Name); err != nil {
			return usageError("--servername: %v", err)
		}
	}
	o.Worker = &worker.Worker{Parsed: new(worker.Parsed), Verdicts: new(worker.Verdicts), Primes: new(worker.Primes)}
	if err := planRoots(o.Worker, f.ca, o.Goal >= probe.GoalCertificate && !f.dryRun); err != nil {
		return err
	}
	var c connect.Options
	if err := f.tls.plan(&c); err != nil {
		return err
	}
	o.TLS = c.TLS
	if err := planOffer(&o.TLS, f.alpn, f.ciphers, f.groups); err != nil {
		return err
	}
	f.tls.offerBoth(&o.TLS)
	if err := f.tls.planGREASEECH(&o.TLS); err != nil {
		return err
	}
	if o.Preamble, err = f.preamble.profile(o.Goal); err != nil {
		return err
	}
	return planShares(&o.TLS, f.keyShares)
}

func (f *probeFlags) planProbeLink(p *probePlan) (err error) {
	o := &p.options
	if f.ipv4 && f.ipv6 {
		return usageError("-4 and -6 contradict each other")
	}
	if o.Via, err = planVia(f.iface, f.sourceIP); err != nil {
		return err
	}
	if o.Link, err = oneOf("--link", f.link, probeLinks...); err != nil {
		return err
	}
	o.ECN, err = parseECN(f.ecn)
	return err
}

// planOrder reads the seed, the shard and the checkpoint.
func (f *probeFlags) planOrder(p *probePlan, seeded bool, args []string) (err error) {
	o := &p.options
	o.Seed = f.seed
	if f.shard != "" {
		if o.Shard, o.Shards, err = parseShard(f.shard); err != nil {
			return usageError("--shard: %v", err)
		}
		if !seeded {
			return usageError("--shard needs --seed, the same for all shards: only then is no target in two of them")
		}
	}
	o.Scan = f.fingerprint(o, args)
	if f.checkpoint != "" {
		if sameFile(f.checkpoint, f.output) {
			return usageError("--checkpoint and -o name the same file: the one would take the place of the other")
		}
		o.Keep = store.InFile(f.checkpoint)
		c, err := store.ReadCheckpoint(f.checkpoint)
		switch {
		case err != nil:
			return fileError("--checkpoint", err)
		case c == nil:
		case c.Scan != o.Scan || seeded && c.Seed != f.seed || c.Output != f.output:
			return usageError("--checkpoint: %s belongs to another scan: its targets, ports, goal, shard, seed or output differ. Name another file, or remove it to begin anew", f.checkpoint)
		default:
			space := o.Space
			if o.Feed != nil { // nobody knows how many there are
				space = nil
			}
			if err := c.Fits(o.Shard, o.Shards, space); err != nil {
				return usageError("--checkpoint: %s belongs to another scan: %v. Name another file, or remove it to begin anew", f.checkpoint, err)
			}
			if o.Feed != nil && !c.Finished {
				if err := o.Feed.Lists.Expect(c.Lists); err != nil {
					return usageError("--checkpoint %s: %v", f.checkpoint, err)
				}
			}
			o.Resume, o.Seed, seeded, p.finished = c, c.Seed, true, c.Finished
		}
	}
	if !seeded {
		o.Seed = rand.Uint64()
	}
	return nil
}

// sameFile reports whether two names mean the same file, even one that does not
// exist yet.
func sameFile(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	one, err1 := os.Stat(a)
	other, err2 := os.Stat(b)
	if err1 == nil && err2 == nil {
		return os.SameFile(one, other)
	}
	a, err1 = filepath.Abs(a)
	b, err2 = filepath.Abs(b)
	return err1 == nil && err2 == nil && a == b
}

// fingerprint tells one scan from another. What is excluded from lists may
// change when a scan is resumed, since their targets keep their places. What is
// excluded from ranges may not.
func (f *probeFlags) fingerprint(o *probe.Options, args []string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %v %v %d/%d\n", f.ports, o.Goal, f.files, args, f.ipv4, f.ipv6, o.Shard, o.Shards)
	if f.audit {
		fmt.Fprintf(h, "audit %d\n", f.auditConnections)
	}
	if f.preamble != (preambleFlags{}) {
		fmt.Fprintf(h, "preamble %v\n", f.preamble)
	}
	if o.ECN != wire.ECNNone {
		fmt.Fprintf(h, "ecn %v\n", o.ECN)
	}
	if f.sample > 0 {
		fmt.Fprintf(h, "sample %d\n", f.sample)
	}
	o.Space.Describe(h)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func parseShard(s string) (i, n uint64, err error) {
	a, b, ok := strings.Cut(s, "/")
	if ok {
		if i, err = strconv.ParseUint(a, 10, 32); err == nil {
			n, err = strconv.ParseUint(b, 10, 32)
		}
	}
	if !ok || err != nil || n == 0 || i >= n {
		return 0, 0, fmt.Errorf("%q is not I/N, with I from 0 to N-1", s)
	}
	return i, n, nil
}

func (f *probeFlags) planOutput(p *probePlan) (err error) {
	switch {
	case f.dryRun || p.finished:
	case f.output == "":
		p.output = store.NewOutput(os.Stdout)
	case p.options.Resume != nil:
		if p.output, err = store.ContinueOutput(f.output, p.options.Resume); err != nil {
			return fileError("-o", err)
		}
		if n := p.output.Aside; n > 0 {
			fmt.Fprintf(os.Stderr, "rawshake: %d results that the checkpoint does not know are in %s now; their targets are probed again\n", n, plain.Escape(p.output.AsidePath))
		}
	case !f.force && holdsData(f.output):
		return usageError("-o: %s holds something already, which would be lost: name another file, or write over it with --force", f.output)
	default:
		if p.output, err = store.CreateOutput(f.output); err != nil {
			return fileError("-o", err)
		}
	}
	if p.output != nil {
		for _, w := range p.output.Exposed {
			sayExposed(w)
		}
	}
	return nil
}

func refusals(list []targets.Refusal) string {
	if len(list) == 0 {
		return "no target was named"
	}
	parts := make([]string, len(list))
	for i, r := range list {
		parts[i] = fmt.Sprintf("%d targets left out, %s (%s)", r.Count, r.What, r.Why)
	}
	return strings.Join(parts, "; ")
}

// dryRun lists the targets on out, and says the rest on notes.
func (p *probePlan) dryRun(out, notes io.Writer) error {
	o := &p.options
	w := bufio.NewWriter(out)
	n, err := probe.Each(context.Background(), o, func(t supply.Target) error {
		_, err := fmt.Fprintf(w, "%s\n", t)
		return err
	})
	if err = errors.Join(err, w.Flush()); err != nil {
		return failure(err)
	}
	fmt.Fprintf(notes, "rawshake: %d targets, each with up to %d SYNs, at %s packets a second; nothing was sent. The order's --seed is %d.\n",
		n, 1+o.Retries, rateText(o.Rate), o.Seed)
	left, bad := (&probeReport{plan: p}).leftOut()
	if bad > 0 {
		fmt.Fprintf(notes, "rawshake: %d lines could not be read\n", bad)
	}
	for _, r := range left {
		fmt.Fprintf(notes, "rawshake: %d targets left out: %s (%s)\n", r.Count, r.What, r.Why)
	}
	return nil
}

func rateText(rate float64) string {
	if rate == 0 {
		return "any number of"
	}
	return strconv.FormatFloat(rate, 'f', -1, 64)
}
