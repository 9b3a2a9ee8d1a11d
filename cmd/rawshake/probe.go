//go:build linux

// `rawshake probe`: its flags, and a scan from the command line to the exit
// status.

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/privilege"
	"github.com/rawshake/rawshake/internal/probe"
	"github.com/rawshake/rawshake/internal/probe/store"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// probeFlags are the command line of `probe`, before it is judged.
type probeFlags struct {
	tls      tlsFlags
	preamble preambleFlags

	audit            bool
	auditConnections int

	ports, until, ecn    string
	portsGiven           func() bool // -p is there, even with nothing
	files                []string
	exclude              []string
	excludeFiles         []string
	allowSpecial, strict bool

	rate                 float64
	maxInFlight, retries int
	perNetwork, perAS    float64
	asTable              string
	timeout              time.Duration
	maxMemory            string
	loops                int

	seed       uint64
	shard      string
	checkpoint string
	dryRun     bool

	servername, ca, get, send string
	alpn, ciphers, groups     []string
	keyShares                 []string

	iface, sourceIP, link string
	ipv4, ipv6            bool

	output, fields, status string
	certificates, quiet    bool
	verbose                bool
	force, raw             bool
	only                   []string
	sample, maxResults     uint64
	maxRuntime             time.Duration
	maxData                string
}

func newProbe() *cobra.Command {
	var f probeFlags
	cmd := &cobra.Command{
		Use:   "probe [TARGET…]",
		Short: "Many hosts in one pass, one JSON result a line",
		Long: `probe sends a SYN to each target, in an order that scatters neighbours, and goes
as far as --until says with those that answer: without a kernel socket, over an
event loop. It writes one JSON result a target (docs/record.md).

One ClientHello offers TLS 1.3 and 1.2, and the server's choice is taken. In 1.3 the
certificate comes encrypted: --until certificate takes a key exchange with each such
host, some tenths of a millisecond of CPU, and a ClientHello of two packets. Up to 1.2
it takes none: --max-version 1.2 takes a fifth of the CPU, or less, but hosts that
speak 1.3 alone answer with an alert then. --until hello computes no more than the keys
that it sends.

Targets are addresses, CIDR blocks, ranges FIRST-LAST and host names, each with
:PORTS behind it or not. Without any they come from standard input, one a line;
there and in files, "ip,port" as ZMap writes it, "ip,domain,tag,port" as ZGrab2
reads it, and the open ports of masscan -oL and nmap -oG are understood too. Of a
URL, host and port are taken. A link-local address says its interface behind a
%: fe80::1%eth0, [fe80::1%eth0]:443, fe80::1-fe80::9%eth0, fe80::%eth0/120, and in
URLs https://[fe80::1%25eth0]/. A name is probed at the first of its
addresses, in the resolver's order; list the addresses to have them all.

Special-purpose addresses (private, loopback, documentation, …) are probed where
a range that lies wholly among them is typed out, and left out of lists and of
ranges that merely contain them, unless --allow-special says so.

The rate is 2000 packets a second of all kinds unless you say otherwise: less
than a megabit, which neither a home router's connection table nor a small
network's operators mind. Probe only what you may: see docs/good-manners.md.

With --checkpoint the same command goes on where it stopped, if its lists are as
they were: what was not read of them yet may have changed.

The exit status is 0 when every target has a result, whatever it says.`,
		Example: `  rawshake probe -p 443 198.18.0.0/16
  cat hosts | rawshake probe --until finished | jq .
  rawshake probe -p 443,8443 --rate 10000 --checkpoint scan.state -o scan.jsonl.zst 198.18.0.0/15
  rawshake probe --starttls smtp -f mailservers
  rawshake probe --until tcp -p 22 --fields addr,outcome,rtt_ms 198.18.0.0/24`,
		RunE: func(cmd *cobra.Command, args []string) error { return runProbe(cmd, &f, args) },
	}
	f.register(cmd)
	return cmd
}

func (f *probeFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	f.portsGiven = func() bool { return fl.Changed("ports") }
	fl.StringVarP(&f.ports, "ports", "p", "", "ports of the targets that name none: 443,8443,9000-9010 (default 443, or that of --starttls)")
	fl.StringVar(&f.until, "until", "", "how far to go: tcp, hello, certificate, finished, data (default certificate: in TLS 1.3 that costs a key exchange per target, which --max-version 1.2 saves)")
	fl.StringArrayVarP(&f.files, "file", "f", nil, "read targets from this file, one a line (- is standard input)")
	fl.StringSliceVar(&f.exclude, "exclude", nil, "addresses, blocks and ranges to leave out")
	fl.StringArrayVar(&f.excludeFiles, "exclude-file", nil, "a file of them, one a line")
	fl.BoolVar(&f.allowSpecial, "allow-special", false, "probe special-purpose addresses wherever they stand")
	fl.BoolVar(&f.strict, "strict", false, "end at the first line that cannot be read, instead of counting it")

	fl.Float64Var(&f.rate, "rate", probe.DefaultRate, "packets a second, of all kinds; 0: as fast as it goes")
	fl.IntVar(&f.maxInFlight, "max-inflight", 0, fmt.Sprintf("targets between their SYN and their result, at most (default what --rate needs where nobody answers, and %d that do)", probe.DefaultMaxInFlight))
	fl.Float64Var(&f.perNetwork, "per-network", 0, "new targets a second in each /24 (IPv6: /48), at most; 0: no limit")
	fl.Float64Var(&f.perAS, "per-as", 0, "the same in each autonomous system, as --as-table says; addresses that it does not have are not limited")
	fl.StringVar(&f.asTable, "as-table", "", "a file of prefixes and their systems: PREFIX AS, ADDRESS LENGTH AS (CAIDA's pfx2as), or FIRST LAST AS (iptoasn.com)")
	fl.IntVar(&f.retries, "retries", probe.DefaultRetries, "SYNs after the first, 1, 2, 4 … seconds apart")
	fl.DurationVar(&f.timeout, "timeout", probe.DefaultTimeout, "for an answer to the last SYN, and then for the goal")
	fl.StringVar(&f.maxMemory, "max-memory", "", "begin no targets while more memory is in use, as in 200M (default: most of what a memory limit on this process allows)")
	fl.IntVar(&f.loops, "loops", 0, "event loops (default one for each CPU, four at most)")

	fl.Uint64Var(&f.seed, "seed", 0, "of the order; the same seed gives the same (default: random)")
	fl.Uint64Var(&f.sample, "sample", 0, "probe only so many of the targets of the command line, taken at random")
	fl.StringVar(&f.shard, "shard", "", "I/N: the I-th of N parts, from 0 on; all with the same --seed")
	fl.StringVar(&f.checkpoint, "checkpoint", "", "keep in this file how far the scan has come, and go on from there")
	fl.BoolVar(&f.dryRun, "dry-run", false, "send nothing: list the targets in their order")

	fl.StringVar(&f.servername, "servername", "", "server name for all targets (default: the host's name)")
	fl.StringVar(&f.ca, "ca", "", "trust the certificates in this PEM file, not the system's")
	fl.StringVar(&f.get, "get", "", "send an HTTP GET for this path, and keep the first of the reply")
	fl.StringVar(&f.send, "send", "", "send what is in this file, and keep the first of the reply")
	fl.StringSliceVar(&f.alpn, "alpn", nil, "protocols to offer, such as http/1.1")
	fl.StringSliceVar(&f.ciphers, "ciphers", nil, "cipher suites to offer")
	fl.StringSliceVar(&f.groups, "groups", nil, "groups to offer")
	fl.StringSliceVar(&f.keyShares, "key-shares", nil, "groups of TLS 1.3 to send a key in at once, or none: for another the server has to ask (default: a hybrid with ML-KEM, and a curve; x25519 alone is one packet less, and less than half the work)")
	f.tls.register(cmd)
	f.registerAudit(cmd)
	f.preamble.register(cmd)
	fl.MarkHidden("session-file")

	fl.StringVarP(&f.iface, "interface", "i", "", "leave by this interface")
	fl.StringVar(&f.sourceIP, "source-ip", "", "our address, or a free one of the network on the link (default: as the route says)")
	fl.StringVar(&f.link, "link", "auto", "auto, packet, raw; or xdp (AF_XDP): before the kernel's stack, where no tcpdump sees it; it costs less")
	fl.BoolVarP(&f.ipv4, "ipv4", "4", false, "IPv4 only")
	fl.BoolVarP(&f.ipv6, "ipv6", "6", false, "IPv6 only")

	registerECN(fl, &f.ecn)
	fl.StringVarP(&f.output, "output", "o", "", "write the results to this file; .gz and .zst are compressed")
	fl.BoolVar(&f.force, "force", false, "write over the file of -o, if it holds something and no checkpoint goes on with it")
	fl.StringSliceVar(&f.only, "only", nil, "write only results with these outcomes, such as certificate,alert; or, with - before each, all but these: -silent,-closed (all are counted)")
	fl.Uint64Var(&f.maxResults, "max-results", 0, "end when so many results are written")
	fl.DurationVar(&f.maxRuntime, "max-runtime", 0, "end after this time")
	fl.StringVar(&f.maxData, "max-data", "", fmt.Sprintf("keep so much of each reply, as in 64K (default %d bytes)", probe.DefaultDataMax))
	fl.BoolVar(&f.raw, "raw", false, "write randoms, session IDs, tickets, and the primes of Diffie-Hellman groups, too")
	fl.StringVar(&f.fields, "fields", "", "the fields to write, or with - before each those to leave out")
	fl.BoolVar(&f.certificates, "certificates", false, "write each certificate whole, once, on a line of its own")
	fl.StringVar(&f.status, "status", "", "keep the counters in this file, as JSON")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "say which privileges are kept, and why")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no progress and no summary")
}

func runProbe(cmd *cobra.Command, f *probeFlags, args []string) error {
	ctx := cmd.Context()
	p, err := f.plan(cmd, args)
	if err != nil {
		return err
	}
	defer p.close()
	if f.dryRun {
		return p.dryRun(os.Stdout, os.Stderr)
	}
	if p.finished {
		fmt.Fprintf(os.Stderr, "rawshake: %s says that this scan is finished: %d results. Remove it to scan again.\n", f.checkpoint, p.options.Resume.Results)
		return nil
	}
	// A closed pipe is an error like a full disk, not a silent death.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	p.options.Prepared = held.begun
	scan, err := probe.Open(ctx, p.options, p.output)
	if err != nil {
		return probeError(err)
	}
	if p.memory > 0 {
		debug.SetMemoryLimit(int64(p.memory))
	}
	hard, stop := secondSignal(ctx)
	defer stop()
	report, err := f.report(scan, p)
	if err != nil {
		scan.Close()
		return err
	}
	f.giveUp()
	stats, err := scan.Run(ctx, hard)
	if closeErr := p.close(); err == nil { // a full disk would say the same again
		err = closeErr
	}
	report.end(stats, err, ctx.Err() != nil)
	var lost *probe.OutageError
	switch {
	case errors.Is(err, probe.ErrRuntime), errors.Is(err, probe.ErrResults):
		if !f.quiet {
			report.line("%v: %s", err, report.stopped())
		}
	case errors.As(err, &lost):
		return &statusError{exitUnreachable, fmt.Errorf("%s\n  %s", plain.EscapeError(err), report.stopped())}
	case err != nil:
		return probeError(err)
	case ctx.Err() != nil:
		return &statusError{exitError, errors.New(report.stopped())}
	}
	return nil
}

// giveUp leaves the scan what it needs to open its links again.
func (f *probeFlags) giveUp() {
	held.writesLater(f.checkpoint, true)
	held.writesLater(f.status, true)
	link.Remember()
	held.opened(f.verbose, f.again())
}

// again is what links take that are opened while a scan runs.
func (f *probeFlags) again() keeping {
	if f.link == string(link.KindXDP) {
		return keeping{privilege.NetRaw | ofXDP, "to open the AF_XDP link again after an outage, or another"}
	}
	return keeping{privilege.NetRaw, "to open the link again after an outage, or another"}
}

// secondSignal returns a context that ends at the first signal after ctx has
// ended.
func secondSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	hard, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	go func() {
		select {
		case <-ctx.Done():
		case <-hard.Done():
			return
		}
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		defer signal.Stop(signals)
		select {
		case <-signals:
			cancel()
		case <-hard.Done():
		}
	}()
	return hard, cancel
}

// probeError gives the error of a scan its exit status and its remedy.
func probeError(err error) error {
	code, remedy := kindOf(err, exitError), ""
	var unwritten *store.WriteError
	switch {
	case errors.As(err, new(*guard.PermissionError)):
		code, remedy = exitNotAllowed, grant("cap_net_raw,cap_net_admin")
	case errors.Is(err, link.ErrPermission):
		code, remedy = exitNotAllowed, grant("cap_net_raw")
	case errors.Is(err, route.ErrNoRoute), errors.Is(err, link.ErrNoNeighbour):
		code = exitUnreachable
	case errors.As(err, &unwritten) && errors.Is(err, syscall.EPIPE):
		remedy = "Whoever read the results has gone; sending was stopped at once."
	case errors.As(err, &unwritten):
		remedy = "The sending was stopped at once."
	}
	text := plain.EscapeError(err)
	if remedy != "" {
		text += "\n  " + remedy
	}
	return &statusError{code, errors.New(text)}
}

// defaultLoops is one for each CPU, within reason.
func defaultLoops() int { return min(max(runtime.GOMAXPROCS(0), 1), 4) }

// parseBytes reads a size: 1048576, 200M, 1G.
func parseBytes(s string) (uint64, error) {
	var n float64
	var unit string
	if k, _ := fmt.Sscanf(strings.TrimSuffix(strings.ToUpper(s), "B"), "%g%s", &n, &unit); k == 0 || n <= 0 {
		return 0, fmt.Errorf("%q is not a size, as 200M is", s)
	}
	scale, ok := map[string]float64{"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[strings.TrimSuffix(unit, "I")]
	if !ok {
		return 0, fmt.Errorf("%q is not a size, as 200M is", s)
	}
	return uint64(n * scale), nil
}
