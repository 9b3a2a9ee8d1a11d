//go:build linux

// `rawshake audit`: everything that servers will do, and whether it conforms.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/connect"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// auditFlags are the command line of `audit`.
type auditFlags struct {
	connectFlags   // how to connect
	rate           float64
	maxConnections int
	concurrency    int
}

func newAudit() *cobra.Command {
	f := &auditFlags{connectFlags: defaultConnectFlags()}
	cmd := &cobra.Command{
		Use:   "audit HOST[:PORT]…",
		Short: "Everything a TLS server will do, in few connections, and what is weak about it",
		Long: `audit finds what a server agrees to: versions from SSL 2.0 to TLS 1.3, cipher
suites and whose order decides, groups, signature schemes, certificates, sessions,
extensions, what it fails at, and the weaknesses that follow from all that. Each
connection asks for as much as one answer can tell, and takes what the server chose
out of the next one. Nothing is asked that crashes a server, reads its memory, or
attacks a key.

The port is 443 if none is given.`,
		Example: `  rawshake audit example.com
  rawshake audit --json example.com:8443 > report.json
  rawshake audit --rate 2 --max-connections 100 example.com`,
		Args: takes("HOST[:PORT]…"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd.Context(), args) },
	}
	f.registerAudit(cmd)
	return cmd
}

func (f *auditFlags) registerAudit(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.BoolVar(&f.json, "json", false, "write each report as a line of JSON (docs/audit.md)")
	fl.StringVarP(&f.output, "output", "o", "", "write to this file")
	fl.Float64Var(&f.rate, "rate", 0, "connections begun in a second, at most (default: as fast as the server answers)")
	fl.IntVar(&f.maxConnections, "max-connections", audit.DefaultMaxConnections, "connections to each server, at most")
	fl.IntVar(&f.concurrency, "concurrency", audit.DefaultConcurrency, "connections to a server at once")
	fl.StringVar(&f.servername, "servername", "", "name for server_name and for the certificate (default HOST)")
	fl.StringVar(&f.ca, "ca", "", "trust the certificates in this PEM file, not the system's")
	f.preamble.register(cmd)
	f.preamble.registerProxy(cmd)
	f.registerWay(cmd)
	f.registerFamily(cmd)
	fl.DurationVar(&f.timeout, "timeout", f.timeout, "for each connection")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "write each question, and what came, to standard error")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no progress")
}

func (f *auditFlags) run(ctx context.Context, args []string) error {
	out, closeOut, err := f.writer()
	if err != nil {
		return err
	}
	status := 0
	for _, arg := range args {
		report, err := f.audit(ctx, arg)
		if err != nil {
			return errors.Join(err, closeOut())
		}
		if err := writeReport(out, report, f.json); err != nil {
			return err
		}
		if !report.TLS {
			status = exitTLS
		}
	}
	if err := closeOut(); err != nil {
		return err
	}
	if status != 0 {
		return &statusError{status, nil}
	}
	return nil
}

func (f *auditFlags) writer() (io.Writer, func() error, error) {
	if f.output == "" {
		return os.Stdout, func() error { return nil }, nil
	}
	file, err := os.Create(f.output)
	if err != nil {
		return nil, nil, fileError("-o", err)
	}
	return file, file.Close, nil
}

func writeReport(out io.Writer, r *audit.Report, asJSON bool) error {
	enc := json.NewEncoder(out)
	if !asJSON {
		enc.SetIndent("", "  ")
	}
	return enc.Encode(r)
}

// audit audits one server.
func (f *auditFlags) audit(ctx context.Context, arg string) (*audit.Report, error) {
	t, err := parseTarget(arg, f.preamble.port())
	if err != nil {
		return nil, err
	}
	tap := new(audit.Tap)
	dialer := rawtcp.Dialer{Network: &rawtcp.Network{Stack: rawtcp.StackConfig{Tap: tap.Frame}}}
	defer dialer.Network.Close()
	if err := f.planDialer(&dialer); err != nil {
		return nil, err
	}
	family, err := f.family(dialer.Source)
	if err != nil {
		return nil, err
	}
	d := audit.Driver{Worker: &worker.Worker{}, Timeout: f.timeout, Concurrency: f.concurrency, Rate: f.rate}
	d.ServerName, d.MaxConnections = f.serverName(t.host), f.maxConnections
	if err := planRoots(d.Worker, f.ca, true); err != nil {
		return nil, err
	}
	reach, err := f.precede(&d, t)
	if err != nil {
		return nil, err
	}
	lookup, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	if err := reach.lookup(lookup, f.resolve, family, route.Via{Interface: f.iface}); err != nil {
		return nil, failure(err)
	}
	d.Dial = f.dial(&dialer, reach.addrPort())
	defer f.follow(&d)()
	report := audit.Run(ctx, d)
	report.Host, report.Address, report.Port, report.STARTTLS, report.TCP = t.host, reach.addrPort().String(), t.port, f.preamble.starttls, tap.TCP()
	return report, nil
}

// precede has each connection say what precedes TLS, and returns whom our TCP is to
// reach.
func (f *auditFlags) precede(d *audit.Driver, t target) (reach target, err error) {
	var o connect.Options
	o.Goal = goal.Finished
	if reach, err = f.planPreamble(&o, t); err != nil || o.Preamble == nil {
		return reach, err
	}
	d.Preamble = &audit.Preamble{Profile: o.Preamble, Host: t.host, Port: t.port, Name: d.ServerName}
	return reach, nil
}

// follow has the audit say what it does. The function ends that.
func (f *auditFlags) follow(d *audit.Driver) (end func()) {
	switch {
	case f.verbose:
		n := 0
		d.Told = func(q *audit.Question, answer *audit.Answer) {
			n++
			fmt.Fprintf(os.Stderr, "%3d %s: %s\n", n, plain.Escape(q.About), plain.Escape(answer.String()))
		}
	case !f.quiet && isTerminal(os.Stderr):
		d.Progress = func(n int, about string) {
			fmt.Fprintf(os.Stderr, "\r\x1b[K%d connections: %s", n, plain.Escape(about))
		}
		return func() { fmt.Fprint(os.Stderr, "\r\x1b[K") }
	}
	return func() {}
}

// serverName is the one that is sent: an address is none (RFC 6066, section 3).
func (f *auditFlags) serverName(host string) string {
	if f.servername != "" {
		return f.servername
	}
	if _, err := netip.ParseAddr(host); err == nil || tlsmsg.IsAddress(host) {
		return ""
	}
	return host
}

// dial opens connections by our TCP, or with --link kernel by the kernel's.
func (f *auditFlags) dial(d *rawtcp.Dialer, to netip.AddrPort) func(context.Context) (net.Conn, error) {
	if d.Link == connect.LinkKernel {
		var plain net.Dialer
		plain.Timeout = f.timeout
		return func(ctx context.Context) (net.Conn, error) { return plain.DialContext(ctx, "tcp", to.String()) }
	}
	return func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "tcp", to.String()) }
}
