//go:build linux

// `rawshake audit`: everything that servers will do, and whether it conforms.

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/audit/policy"
	"github.com/rawshake/rawshake/internal/connect"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/privilege"
)

// auditFlags are the command line of `audit`.
type auditFlags struct {
	connectFlags   // how to connect
	rate           float64
	maxConnections int
	concurrency    int

	policyName         string
	list               bool
	show               string
	junit, sarif, page string
	diff               string
}

func newAudit() *cobra.Command {
	f := &auditFlags{connectFlags: defaultConnectFlags()}
	cmd := &cobra.Command{
		Use:   "audit HOST[:PORT]…",
		Short: "Everything a TLS server will do, in few connections, judged by a policy",
		Long: `audit finds what a server agrees to: versions from SSL 2.0 to TLS 1.3, cipher
suites and whose order decides, groups, signature schemes, certificates, sessions,
extensions, what it fails at, and the weaknesses that follow from all that. Each
connection asks for as much as one answer can tell, and takes what the server chose
out of the next one. Nothing is asked that crashes a server, reads its memory, or
attacks a key.

With --policy the exit status is 0 for servers that conform and 8 where one does
not. What could not be found out counts as not conforming, and is said. --list-policies
names those that are built in; docs/policies.md says how to write one. Without a policy
no weakness changes the exit status. Several servers are asked one after the other; one
that cannot be reached is told, and the others are asked all the same.

The port is 443 if none is given, or that of --starttls. Of a name with several
addresses the first that answers is audited. docs/audit.md goes from a first run to a
CI job; probe --audit is for thousands.`,
		Example: `  rawshake audit example.com
  rawshake audit --policy intermediate --junit audit.xml example.com www.example.com:8443
  rawshake audit --show-policy intermediate > tls.yaml
  rawshake audit --link kernel --policy tls.yaml --sarif audit.sarif example.com
  rawshake audit --json example.com > monday.json
  rawshake audit --diff monday.json example.com
  rawshake audit --starttls smtp mail.example.com
  rawshake audit --rate 2 --max-connections 100 example.com`,
		Args: f.targets,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), args) },
	}
	f.registerAudit(cmd)
	return cmd
}

// targets allows none where no server is asked.
func (f *auditFlags) targets(cmd *cobra.Command, args []string) error {
	if (f.list || f.show != "") && len(args) == 0 {
		return nil
	}
	return takes("HOST[:PORT]…")(cmd, args)
}

func (f *auditFlags) registerAudit(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVar(&f.policyName, "policy", "", "judge by this policy: "+strings.Join(policy.List(), ", ")+", or a YAML file")
	fl.BoolVar(&f.list, "list-policies", false, "say which policies there are, and end")
	fl.StringVar(&f.show, "show-policy", "", "write a policy as YAML, as a beginning of one's own, and end")
	fl.BoolVar(&f.json, "json", false, "write each report as a line of JSON (docs/audit.md)")
	fl.StringVarP(&f.output, "output", "o", "", "write the table or JSON to this file")
	fl.StringVar(&f.page, "html", "", "write a page to this file")
	fl.StringVar(&f.junit, "junit", "", "write JUnit XML to this file, as test runners do")
	fl.StringVar(&f.sarif, "sarif", "", "write SARIF 2.1.0 to this file, as code scanners do")
	fl.StringVar(&f.diff, "diff", "", "say what has changed since the report in this file, which --json wrote")
	fl.Float64Var(&f.rate, "rate", 0, "connections begun in a second, at most; 0: as fast as the server answers")
	fl.IntVar(&f.maxConnections, "max-connections", audit.DefaultMaxConnections, "connections to each server, at most")
	fl.IntVar(&f.concurrency, "concurrency", audit.DefaultConcurrency, "connections to a server at once")
	fl.StringVar(&f.servername, "servername", "", "name for server_name and for the certificate (default HOST)")
	fl.StringVar(&f.ca, "ca", "", "trust the certificates in this PEM file, not the system's")
	f.preamble.register(cmd)
	f.preamble.registerProxy(cmd)
	f.registerRoute(cmd)
	f.registerFamily(cmd)
	fl.DurationVar(&f.timeout, "timeout", f.timeout, "for each connection")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "write each question, and what came, to standard error")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no progress")
}

func (f *auditFlags) run(ctx context.Context, args []string) error {
	switch {
	case f.list:
		return failure(writePolicies(os.Stdout))
	case f.show != "":
		text, err := policy.Text(f.show)
		if err != nil {
			return usageError("--show-policy: %v", err)
		}
		_, err = os.Stdout.Write(text)
		return failure(err)
	}
	p, err := f.plan(args)
	if err != nil {
		return err
	}
	defer p.close()
	held.opened(f.verbose, f.again())
	for i, t := range p.targets {
		report, err := f.audit(ctx, t)
		switch {
		case err != nil && ctx.Err() != nil: // before its first connection
			return p.end(p.targets[i:], true)
		case err != nil:
			return errors.Join(err, p.close())
		}
		if err := p.write(report, ctx.Err() != nil); err != nil {
			return errors.Join(failure(err), p.close())
		}
		if ctx.Err() != nil {
			return p.end(p.targets[i+1:], true)
		}
	}
	return p.end(nil, false)
}

// again is what connections take that are opened while others are there.
func (f *auditFlags) again() keeping {
	if f.link == string(connect.LinkKernel) {
		return keeping{}
	}
	return keeping{opening &^ privilege.NetBindService, "to open links and guards for further connections"}
}

// An auditPlan is a command line of `audit`, understood.
type auditPlan struct {
	targets []target
	out     *auditOutput
	policy  *policy.Policy // nil: none
	before  []*audit.Report
	status  int
}

// plan reads everything that can be wrong before the first packet.
func (f *auditFlags) plan(args []string) (*auditPlan, error) {
	switch {
	case f.rate < 0:
		return nil, usageError("--rate %v: give connections a second, or 0", f.rate)
	case f.maxConnections < 1:
		return nil, usageError("--max-connections %d: give at least 1", f.maxConnections)
	case f.concurrency < 1 || f.concurrency > maxConcurrency:
		return nil, usageError("--concurrency %d: give 1 to %d", f.concurrency, maxConcurrency)
	case f.timeout <= 0:
		return nil, usageError("--timeout %v: must be more than 0", f.timeout)
	}
	p := &auditPlan{}
	for _, arg := range args {
		t, err := parseTarget(arg, f.preamble.port())
		if err != nil {
			return nil, err
		}
		p.targets = append(p.targets, t)
	}
	var err error
	if f.policyName != "" {
		if p.policy, err = policy.Load(f.policyName); err != nil {
			return nil, usageError("--policy: %v", err)
		}
	}
	if f.diff != "" {
		if p.before, err = readReports(f.diff); err != nil {
			return nil, err
		}
		for _, t := range p.targets {
			if find(p.before, t.host, t.port) == nil {
				return nil, usageError("--diff: the file holds no report of %s, but of %s", serverOf(&audit.Report{Host: t.host, Port: t.port}), hostsOf(p.before))
			}
		}
	}
	p.out, err = f.newOutput()
	return p, err
}

// maxConcurrency is as many connections at once as anybody needs.
const maxConcurrency = 64

func (p *auditPlan) close() error {
	if p.out == nil {
		return nil
	}
	return p.out.close()
}

// write judges a report, and writes it.
func (p *auditPlan) write(r *audit.Report, interrupted bool) error {
	if p.policy != nil && r.TLS {
		v := policy.Judge(p.policy, r)
		r.Verdict = &v
	}
	p.note(r)
	if !r.TLS && !interrupted {
		sayFailure(r)
	}
	if p.before == nil {
		return p.out.report(r)
	}
	return p.out.changes(find(p.before, r.Host, r.Port), r)
}

// note keeps the worst that is to be said by the exit status: first that a server
// could not be asked, then that it does not conform.
func (p *auditPlan) note(r *audit.Report) {
	switch {
	case !r.TLS:
		if p.status == 0 || p.status == exitNonconforming {
			p.status = auditStatus(r.Failure)
		}
	case r.Verdict != nil && !r.Verdict.Conforms && p.status == 0:
		p.status = exitNonconforming
	}
}

// auditStatus is the exit status where a server agreed to nothing.
func auditStatus(failure audit.Outcome) int {
	switch failure {
	case audit.Unreachable, audit.Reset:
		return exitUnreachable
	case audit.Silent:
		return exitTimeout
	}
	return exitTLS
}

// end writes what is written at the end, and gives the status. Interrupted, it says
// how many servers were not asked at all.
func (p *auditPlan) end(left []target, interrupted bool) error {
	if err := errors.Join(p.out.end(p.policy), p.close()); err != nil {
		return failure(err)
	}
	switch {
	case interrupted && len(left) > 0:
		return &statusError{exitError, fmt.Errorf("interrupted: not asked at all: %s", plain.Plural(len(left), "server"))}
	case interrupted:
		return &statusError{exitError, errors.New("interrupted: the report says what was not asked")}
	case p.status != 0:
		return &statusError{p.status, nil}
	}
	return nil
}

// find is the report of a server, or nil.
func find(list []*audit.Report, host string, port uint16) *audit.Report {
	i := slices.IndexFunc(list, func(o *audit.Report) bool { return strings.EqualFold(o.Host, host) && o.Port == port })
	if i < 0 {
		return nil
	}
	return list[i]
}

func hostsOf(list []*audit.Report) string {
	var names []string
	for _, r := range list[:min(len(list), 8)] {
		names = append(names, serverOf(r))
	}
	return strings.Join(names, ", ")
}
