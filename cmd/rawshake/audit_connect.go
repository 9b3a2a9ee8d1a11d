//go:build linux

// How `audit` connects.

package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/connect"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// audit audits one server.
func (f *auditFlags) audit(ctx context.Context, t target) (*audit.Report, error) {
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
		return f.unresolved(t, d.ServerName, err)
	}
	opener := f.reach(&dialer, reach)
	d.Dial = opener.open
	end := f.follow(&d)
	report := audit.Run(ctx, d)
	end()
	report.Host, report.Address, report.Port, report.STARTTLS, report.TCP = t.host, opener.address().String(), t.port, f.preamble.starttls, tap.TCP()
	return report, machineFault(report)
}

// machineFault is the failure for which this machine is to blame, not the server.
func machineFault(r *audit.Report) error {
	if r.TLS || r.Cause == nil || kindOf(r.Cause, exitError) != exitNotAllowed {
		return nil
	}
	return failure(r.Cause)
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
