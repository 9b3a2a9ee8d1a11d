//go:build linux

// `rawshake fleet start`: a command line of probe's becomes a scan that any
// number of machines can do.

package main

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rawshake/rawshake/internal/fleet"
	"github.com/rawshake/rawshake/internal/probe"
	"github.com/rawshake/rawshake/internal/probe/supply"
	"github.com/rawshake/rawshake/internal/probe/targets"
)

// notOfAFleet are flags of probe that a scan of a fleet does not have, and why.
var notOfAFleet = map[string]string{
	"output": "results go into JetStream: rawshake fleet collect writes them", "force": "rawshake fleet collect writes the results", "status": "rawshake fleet status shows it",
	"checkpoint": "a fleet's lies in JetStream", "shard": "a fleet deals out its shards itself: --shards says how many",
	"dry-run": "rawshake probe --dry-run with the same targets lists them", "max-results": "the workers do not count together", "max-runtime": "rawshake fleet stop ends a scan",
	"interface": onWork, "source-ip": onWork, "link": onWork, "loops": onWork, "max-memory": onWork, "quiet": onWork, "verbose": onWork, "session-file": "a fleet resumes no sessions",
}

const onWork = "that is each machine's: give it to rawshake fleet work"

func newFleetStart(hub *hubFlags) *cobra.Command {
	var f probeFlags
	var shards uint64
	var maxBytes string
	cmd := &cobra.Command{
		Use:   "start SCAN [TARGET…]",
		Short: "Put a scan into JetStream, for workers to do",
		Long: `start takes the targets and flags of probe: what is probed, how far, and how fast all
machines together. Lists and files are copied into JetStream. It sends no packet.`,
		Example: `  rawshake fleet start monday --rate 10000 -p 443 --exclude-file never.txt 198.18.0.0/15
  cat hosts | rawshake fleet start hosts --until finished`,
		Args: takes("SCAN", "[TARGET…]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !fleet.ScanName.MatchString(args[0]) {
				return usageError("%q cannot be a scan's name: letters, digits, - and _, 40 at most", args[0])
			}
			spec := fleet.NewSpec(args[0])
			spec.Shards, spec.ByRawshake = shards, cmd.Root().Version
			if maxBytes != "" {
				n, err := parseBytes(maxBytes)
				if err != nil {
					return usageError("--max-bytes: %v", err)
				}
				spec.MaxBytes = int64(n)
			}
			files, err := f.forFleet(cmd, &spec, args[1:])
			if err != nil {
				return err
			}
			h, err := hub.connect()
			if err != nil {
				return err
			}
			defer h.Close()
			if _, err := h.Start(cmd.Context(), spec, files); err != nil {
				return fleetError(spec.Name, err)
			}
			fmt.Fprintf(os.Stderr, "rawshake: the scan %s is there: %d targets in %d shards, %s packets a second of all workers together. On each machine: rawshake fleet work %s\n",
				spec.Name, spec.Targets, spec.Shards, rateText(spec.Rate), spec.Name)
			return nil
		},
	}
	f.register(cmd)
	cmd.Flags().Uint64Var(&shards, "shards", 16, "in how many parts the targets are dealt out: several for each worker")
	cmd.Flags().StringVar(&maxBytes, "max-bytes", "", "let results take so much of JetStream, as in 20G; when it is full the workers wait (default: without limit)")
	for name := range notOfAFleet {
		cmd.Flags().MarkHidden(name)
	}
	return cmd
}

// forFleet checks a command line, and makes the scan's description and files of it.
func (f *probeFlags) forFleet(cmd *cobra.Command, spec *fleet.Spec, args []string) (map[string][]byte, error) {
	fl := cmd.Flags()
	for name, why := range notOfAFleet {
		if fl.Changed(name) {
			return nil, usageError("--%s: %s", name, why)
		}
	}
	switch {
	case f.rate == 0:
		return nil, usageError("--rate 0: a fleet shares a rate, so it needs one")
	case spec.Shards == 0 || spec.Shards > maxShards:
		return nil, usageError("--shards %d: from 1 to %d", spec.Shards, maxShards)
	}
	// Here errors still have the names that people know.
	if err := f.planExclusions(new(targets.Rules)); err != nil {
		return nil, err
	}
	args, err := f.listsFrom(args)
	if err != nil {
		return nil, err
	}
	var held heldFiles
	defer held.close()
	files, err := f.takeFiles(&held)
	if err != nil {
		return nil, failure(err)
	}
	spec.Files = slices.Sorted(maps.Keys(files))
	if spec.Seed = f.seed; !fl.Changed("seed") {
		spec.Seed = rand.Uint64()
	}
	spec.Rate, spec.Args = f.rate, fleetArgs(fl, args)
	p, err := planForFleet(spec, &held, nil)
	if err != nil {
		return nil, err
	}
	defer p.close()
	spec.Scan = fleetScan(spec, &p.options)
	if spec.Targets, err = p.count(); err != nil {
		return nil, err
	}
	left, bad := (&probeReport{plan: p}).leftOut()
	if bad > 0 {
		fmt.Fprintf(os.Stderr, "rawshake: %d lines could not be read\n", bad)
	}
	for _, r := range left {
		fmt.Fprintf(os.Stderr, "rawshake: %d targets left out: %s (%s)\n", r.Count, r.What, r.Why)
	}
	if spec.Targets == 0 && len(left) == 0 {
		return nil, usageError("nothing to probe: no target was named, and none is in the lists")
	}
	if spec.Targets == 0 {
		return nil, usageError("nothing is left to probe; --allow-special has special-purpose addresses of lists probed too")
	}
	return files, nil
}

// maxShards is more than there are machines.
const maxShards = 10000

// listsFrom moves - from the targets to the lists, and takes standard input if nothing else
// is named.
func (f *probeFlags) listsFrom(args []string) ([]string, error) {
	rest := args[:0:0]
	for _, a := range args {
		if a == "-" {
			f.files = append(f.files, a)
		} else {
			rest = append(rest, a)
		}
	}
	if len(rest) == 0 && len(f.files) == 0 {
		if isTerminal(os.Stdin) {
			return nil, usageError("nothing to probe: name targets, a file with -f, or give a list on standard input")
		}
		f.files = []string{"-"}
	}
	return rest, nil
}

// fleetArgs is a command line of probe's that says what flags say now.
func fleetArgs(fl *pflag.FlagSet, args []string) []string {
	var out []string
	own := new(probeFlags)
	known := &cobra.Command{}
	own.register(known)
	fl.VisitAll(func(flag *pflag.Flag) {
		if known.Flags().Lookup(flag.Name) == nil || flag.Name == "seed" || !flag.Changed && flag.Name != "file" {
			return
		}
		list, many := flag.Value.(pflag.SliceValue)
		if !many {
			out = append(out, "--"+flag.Name+"="+flag.Value.String())
			return
		}
		for _, v := range list.GetSlice() {
			if flag.Value.Type() == "stringSlice" {
				v = oneField(v)
			}
			out = append(out, "--"+flag.Name+"="+v)
		}
	})
	return append(append(out, "--"), args...)
}

// oneField writes a value so that a list of them reads it as one.
func oneField(v string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Write([]string{v})
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

// planForFleet understands a scan's description on this machine, with its files held.
// adapt sets what is this machine's; it may be nil.
func planForFleet(spec *fleet.Spec, held *heldFiles, adapt func(*probeFlags)) (*probePlan, error) {
	var f probeFlags
	cmd := &cobra.Command{Use: "probe"}
	f.register(cmd)
	if err := cmd.Flags().Parse(spec.Args); err != nil {
		return nil, fmt.Errorf("this rawshake does not understand the scan's flags, which version %s wrote: %w", spec.ByRawshake, err)
	}
	if err := f.filesFrom(held); err != nil {
		return nil, err
	}
	f.fields = fleetFields(f.fields)
	if adapt != nil {
		adapt(&f)
	}
	p := &probePlan{}
	args := cmd.Flags().Args()
	for _, step := range []func(*probePlan) error{f.planGoal, func(p *probePlan) error { return f.planAudit(cmd, &p.options) }, f.planPace, f.planProbeTLS, f.planProbeLink, func(p *probePlan) error { return f.planTargets(p, args) }} {
		if err := step(p); err != nil {
			p.close()
			return nil, err
		}
	}
	if feed := p.options.Feed; feed != nil {
		for _, l := range feed.Lists {
			l.Name = held.names[l.Name]
		}
	}
	p.options.Seed, p.options.Shards = spec.Seed, spec.Shards
	return p, nil
}

// fleetFields adds to --fields what collecting needs.
func fleetFields(s string) string {
	if s == "" || strings.HasPrefix(s, "-") {
		list := strings.Split(s, ",")
		kept := list[:0]
		for _, name := range list {
			if !slices.Contains(fleet.Fields, strings.TrimPrefix(name, "-")) {
				kept = append(kept, name)
			}
		}
		return strings.Join(kept, ",")
	}
	return s + "," + strings.Join(fleet.Fields, ",")
}

// fleetScan tells a scan's targets and their order from others, as this machine
// understands them.
func fleetScan(spec *fleet.Spec, o *probe.Options) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %d %d\n", spec.Args, spec.Seed, spec.Shards)
	o.Space.Describe(h)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// count is how many targets there are. It reads the lists, and says what cannot be read.
func (p *probePlan) count() (uint64, error) {
	o := p.options
	n := o.Space.Probed()
	if o.Feed == nil {
		return n, nil
	}
	o.Space, o.Shard, o.Shards = nil, 0, 0
	more, err := probe.Each(context.Background(), &o, func(supply.Target) error { return nil })
	return n + more, failure(err)
}
