//go:build linux

// `rawshake probe --audit`: each target is asked everything.

package main

import (
	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/probe"
)

// auditBudget is how many connections a target gets if nobody says otherwise:
// enough for most servers.
const auditBudget = 120

// auditsAtOnce is how many targets are audited side by side if nobody says otherwise:
// each holds what it has found so far.
const auditsAtOnce = 256

func (f *probeFlags) registerAudit(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.BoolVar(&f.audit, "audit", false, "ask each target everything that rawshake audit asks, one connection after the other, and write the report as the field audit")
	fl.IntVar(&f.auditConnections, "max-connections", auditBudget, "of --audit, the connections to one target, at most (256 at most)")
}

// offered are the flags that say what one ClientHello offers: an audit says that
// itself.
var offered = []string{"until", "get", "send", "alpn", "ciphers", "groups", "key-shares", "min-version", "max-version", "fallback-scsv", "grease", "pad", "extension", "omit-extension", "record-size-limit", "grease-ech", "renegotiation"}

// planAudit reads the flags of an audit.
func (f *probeFlags) planAudit(cmd *cobra.Command, o *probe.Options) error {
	changed := cmd.Flags().Changed
	if !f.audit {
		if changed("max-connections") {
			return usageError("--max-connections goes with --audit")
		}
		return nil
	}
	for _, name := range offered {
		if cmd.Flags().Lookup(name) != nil && changed(name) {
			return usageError("--audit asks for everything: leave out --%s", name)
		}
	}
	if f.auditConnections < 1 || f.auditConnections > probe.DefaultPorts {
		return usageError("--max-connections %d: give 1 to %d", f.auditConnections, probe.DefaultPorts)
	}
	o.AuditConnections, o.Goal = f.auditConnections, probe.GoalFinished
	return nil
}
