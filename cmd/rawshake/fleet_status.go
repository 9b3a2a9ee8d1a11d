//go:build linux

// `rawshake fleet status`: what a scan is at, and who does it.

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/fleet"
)

func newFleetStatus(hub *hubFlags) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "status [SCAN]", Short: "What a scan is at, and which workers do it, from which addresses", Args: takes("[SCAN]")}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return listScans(cmd.Context(), hub)
		}
		return hub.with(cmd.Context(), args[0], func(ctx context.Context, _ *fleet.Hub, s *fleet.Scan) error {
			st, err := s.Status(ctx)
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(os.Stdout)
				e.SetIndent("", "  ")
				return e.Encode(st)
			}
			return writeFleetStatus(os.Stdout, st)
		})
	}
	return cmd
}

// listScans lists all scans, a line each.
func listScans(ctx context.Context, hub *hubFlags) error {
	h, err := hub.connect()
	if err != nil {
		return err
	}
	defer h.Close()
	names, err := h.Scans(ctx)
	if err != nil {
		return failure(err)
	}
	if len(names) == 0 {
		fmt.Fprintln(os.Stderr, "rawshake: there is no scan; rawshake fleet start makes one")
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, name := range names {
		s, err := h.Find(ctx, name)
		if err != nil {
			continue // it was removed meanwhile
		}
		st, err := s.Status(ctx)
		if err != nil {
			return failure(err)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", name, stateText(st), doneText(st), st.Spec.Started.Format(time.RFC3339))
	}
	return failure(w.Flush())
}

func stateText(st *fleet.Status) string {
	switch {
	case st.Over() && st.Shards.Aside > 0:
		return "ended, with shards set aside"
	case st.Over():
		return "finished"
	}
	return st.State
}

func doneText(st *fleet.Status) string {
	if st.Spec.Targets == 0 {
		return fmt.Sprintf("%d done", st.Recorded)
	}
	done := min(st.Recorded, st.Spec.Targets) // lines that are no targets have places, too
	return fmt.Sprintf("%d of %d (%d%%)", done, st.Spec.Targets, done*100/st.Spec.Targets)
}

// writeFleetStatus writes a status for a person.
func writeFleetStatus(out io.Writer, st *fleet.Status) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "scan\t%s\t%s\n", st.Spec.Name, stateText(st))
	fmt.Fprintf(w, "targets\t%s\n", doneText(st))
	fmt.Fprintf(w, "results\t%d, of them %d bytes in JetStream\n", st.Results, st.Stored)
	fmt.Fprintf(w, "shards\t%d done, %d being done, %d open, %d set aside\n", st.Shards.Done, st.Shards.Working, st.Shards.Open, st.Shards.Aside)
	fmt.Fprintf(w, "rate\t%s packets/s of all workers\n", rateText(st.Spec.Rate))
	fmt.Fprintf(w, "started\t%s by %s\n", st.Spec.Started.Format(time.RFC3339), plain.Escape(st.Spec.ByRawshake))
	if n := len(st.Excluded); n > 0 {
		fmt.Fprintf(w, "excluded since\t%s\n", strings.Join(st.Excluded, " "))
	}
	fmt.Fprint(w, "\nworker\tshard\tpackets/s\tpackets\tresults\tsources\t\n")
	for i := range st.Workers {
		m := &st.Workers[i]
		shard := "-"
		if m.Shard != nil && !m.Left {
			shard = fmt.Sprint(*m.Shard)
		}
		fmt.Fprintf(w, "%s\t%s\t%.0f\t%d\t%d\t%s\t%s\n", m.Name, shard, m.Rate, m.Packets, m.Results, cmp.Or(strings.Join(m.Sources, " "), "-"), workerNote(m))
	}
	for i := range st.Aside {
		s := &st.Aside[i]
		fmt.Fprintf(w, "\nshard %d is set aside after %d targets: %s\n", s.Shard, s.Recorded, plain.Escape(s.Aside))
	}
	return w.Flush()
}

func workerNote(m *fleet.WorkerStatus) string {
	switch {
	case m.Left:
		return "left " + m.Seen.UTC().Format(time.RFC3339)
	case m.Silent:
		return "silent since " + m.Seen.UTC().Format(time.RFC3339)
	}
	return plain.Escape(m.Note)
}
