//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/probe"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/probe/targets"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// probeFlags are the command line of `probe`, before it is judged.
type probeFlags struct {
	ports       string
	until       string
	rate        float64
	maxInFlight int
	retries     int
	timeout     time.Duration
	seed        uint64
	fields      string
	iface       string
	link        string
	servername  string
}

func newProbe() *cobra.Command {
	var f probeFlags
	cmd := &cobra.Command{
		Use:   "probe [TARGET…]",
		Short: "Many hosts in one pass, one JSON record a line",
		Long: `probe sends a SYN to each target, in an order that scatters neighbours, and goes
as far as --until says with those that answer: without a kernel socket, over
one event loop. It writes one JSON record a target.

Targets are addresses, CIDR blocks and ranges FIRST-LAST, each with :PORTS behind
it or not.`,
		Example: `  rawshake probe -p 443 198.18.0.0/16`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runProbe(cmd.Context(), cmd, &f, args)
		},
	}
	fl := cmd.Flags()
	fl.StringVarP(&f.ports, "ports", "p", "443", "ports, as in 443,8443,9000-9010")
	fl.StringVar(&f.until, "until", "certificate", "how far to go: tcp, hello, certificate, finished, data")
	fl.Float64Var(&f.rate, "rate", probe.DefaultRate, "packets a second")
	fl.IntVar(&f.maxInFlight, "max-inflight", probe.DefaultMaxInFlight, "targets at a time")
	fl.IntVar(&f.retries, "retries", probe.DefaultRetries, "SYNs after the first")
	fl.DurationVar(&f.timeout, "timeout", probe.DefaultTimeout, "for an answer")
	fl.Uint64Var(&f.seed, "seed", 0, "of the order")
	fl.StringVar(&f.fields, "fields", "", "fields to write")
	fl.StringVarP(&f.iface, "interface", "i", "", "leave by this interface")
	fl.StringVar(&f.link, "link", "auto", "packet or raw")
	fl.StringVar(&f.servername, "servername", "", "server name for all targets")
	return cmd
}

func runProbe(ctx context.Context, cmd *cobra.Command, f *probeFlags, args []string) error {
	goal, err := probe.ParseGoal(f.until)
	if err != nil {
		return usageError("--until: %v", err)
	}
	ports, err := targets.ParsePorts(f.ports)
	if err != nil {
		return usageError("-p: %v", err)
	}
	var specs []targets.Spec
	for _, a := range args {
		s, err := targets.ParseSpec(a)
		if err != nil {
			return usageError("%v", err)
		}
		specs = append(specs, s)
	}
	space, _, err := targets.BuildSpace(specs, ports, &targets.Rules{})
	if err != nil {
		return usageError("%v", err)
	}
	fields, err := record.ParseFields(f.fields)
	if err != nil {
		return usageError("--fields: %v", err)
	}
	if !cmd.Flags().Changed("seed") {
		f.seed = rand.Uint64()
	}
	stats, err := probe.Run(ctx, probe.Options{Space: space, Name: f.servername, Goal: goal, Worker: &worker.Worker{},
		Request: []byte("GET / HTTP/1.0\r\n\r\n"), DataMax: probe.DefaultDataMax,
		Rate: f.rate, MaxInFlight: f.maxInFlight, Retries: f.retries, Timeout: f.timeout, Seed: f.seed, Fields: fields,
		Via: link.Via{Interface: f.iface}, Link: f.link, Loops: 1, Ports: probe.DefaultPorts}, os.Stdout)
	fmt.Fprintf(os.Stderr, "%+v\n", stats)
	return err
}
