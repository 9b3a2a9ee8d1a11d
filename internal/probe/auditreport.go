// The result of an audit.

package probe

import (
	"encoding/json"
	"errors"
	"net/netip"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// reportAudit makes the result.
func (cs *connections) reportAudit(c *connection) {
	r := cs.resultOf(c)
	r.TLS, r.TLS13 = nil, nil
	report := c.audit.machine.Report(cs.o.Worker)
	report.Host, report.Port = c.target.Name, c.target.Port
	report.Address = netip.AddrPortFrom(c.target.Addr, c.target.Port).String()
	report.Time, report.DurationMS = r.Time, float64(cs.now.Sub(c.begin).Microseconds())/1000
	if report.Host == "" {
		report.Host = c.target.Addr.String()
	}
	for i := range report.Certificates {
		report.Certificates[i].Facts = nil // which are long
	}
	r.Audit, _ = json.Marshal(report)
	r.OK, r.Outcome = report.TLS, record.OutcomeAudited
	if !report.TLS {
		unaudited(r, report)
	}
	cs.report(c, r)
}

// unaudited says why a target has agreed to nothing.
func unaudited(r *record.Result, report *audit.Report) {
	r.Error, r.After = report.Error, "our ClientHello"
	var preamble *starttls.Error
	var notTLS *handshake.NotTLSError
	switch {
	case errors.As(report.Cause, &preamble):
		r.Outcome, r.Class, r.After = record.OutcomePreamble, string(preamble.Kind), ""
	case errors.As(report.Cause, &notTLS):
		r.Outcome, r.First = record.OutcomeNotTLS, notTLS.First
	case report.Failure == audit.Refused:
		r.Outcome, r.AlertIn = record.OutcomeAlert, &report.Alert
	case report.Failure == audit.Reset:
		r.Outcome = record.OutcomeReset
	case report.Failure == audit.Silent:
		r.Outcome = record.OutcomeTimeout
	default:
		r.Outcome, r.Class = record.OutcomeProtocol, "closed_early"
	}
}
