//go:build linux

// `rawshake fleet collect`: one result a target, of all that workers found.

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/fleet"
	"github.com/rawshake/rawshake/internal/probe/store"
)

func newFleetCollect(hub *hubFlags) *cobra.Command {
	var output string
	var force, wait bool
	cmd := &cobra.Command{
		Use: "collect SCAN [FILE…]", Short: "Write the results of a scan, one a target", Args: takes("SCAN", "[FILE…]"),
		Long: `collect writes what is in JetStream, and in files that workers kept (work --keep), as
probe would have written it. Of a target that was probed again, since a worker died or
was cut off, the first result is written, and the others are counted. It takes nothing
away: it can be done while the scan runs, and again.`,
		Example: `  rawshake fleet collect --wait -o monday.jsonl.zst monday
  rawshake fleet collect monday kept/*.jsonl.zst | rawshake results summary -`,
	}
	fl := cmd.Flags()
	fl.StringVarP(&output, "output", "o", "", "write to this file; .gz and .zst are compressed (default standard output)")
	fl.BoolVar(&force, "force", false, "write over the file, if it holds something")
	fl.BoolVar(&wait, "wait", false, "wait until the scan is finished or stopped")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !force && holdsData(output) {
			return usageError("-o: %s holds something already, which would be lost: name another file, or write over it with --force", output)
		}
		return hub.with(cmd.Context(), args[0], func(ctx context.Context, _ *fleet.Hub, s *fleet.Scan) error {
			if wait {
				err := s.Wait(ctx)
				if ctx.Err() != nil {
					return &statusError{exitError, errors.New("stopped; nothing was written")}
				}
				if err != nil {
					return err
				}
			}
			st, err := s.Status(ctx)
			if err != nil {
				return err
			}
			return collect(ctx, s, st, output, args[1:])
		})
	}
	return cmd
}

func collect(ctx context.Context, s *fleet.Scan, st *fleet.Status, output string, files []string) error {
	missing, err := checkKept(st, files)
	if err != nil {
		return err
	}
	out := store.NewOutput(os.Stdout)
	if output != "" {
		if out, err = store.CreateOutput(output); err != nil {
			return fileError("-o", err)
		}
		for _, w := range out.Exposed {
			sayExposed(w)
		}
	}
	c, err := s.Collect(ctx, out, files...)
	if _, syncErr := out.Sync(); err == nil {
		err = syncErr
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d results", c.Results)
	if c.Repeats > 0 {
		fmt.Fprintf(&b, "; %d more were of targets that were probed again, and are left out", c.Repeats)
	}
	if c.Cut > 0 {
		fmt.Fprintf(&b, "; %d cut off where a worker ended", c.Cut)
	}
	fmt.Fprintf(os.Stderr, "rawshake: %s\n", b.String())
	if n := st.Shards.Aside; n > 0 {
		fmt.Fprintf(os.Stderr, "rawshake: warning: %d shards were set aside, unfinished: rawshake fleet status %s says why\n", n, st.Spec.Name)
	}
	if !st.Over() {
		fmt.Fprintf(os.Stderr, "rawshake: warning: the scan is not finished: %s\n", doneText(st))
	}
	if len(missing) > 0 {
		fmt.Fprintf(os.Stderr, "rawshake: warning: workers kept results in files, which are not among these. Name them:\n  %s\n", strings.Join(missing, "\n  "))
	}
	return nil
}
