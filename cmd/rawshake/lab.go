//go:build linux

// `rawshake lab`, and the way into its namespaces.

package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/memlimit"
)

func newLab() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "A private network with real peers, gone without a trace",
		Args:  cobra.ArbitraryArgs,
		RunE:  onlySubcommands,
	}
	cmd.AddCommand(newLabUp(), newLabExec(), newLabStatus(), newLabNetem(), newLabDown(), newLabRun(),
		newLabDemo(), newLabList(), newLabServe(), newLabCapture(), newLabHold())
	return cmd
}

// enterLab runs this command line once more, inside new namespaces.
func enterLab(ctx context.Context) error {
	status, err := netns.Reexec(ctx, os.Args)
	switch {
	case err != nil:
		return failure(err)
	case status == 128+int(unix.SIGKILL):
		limit, by := memlimit.Of()
		if limit == 0 {
			return &statusError{status, nil}
		}
		return &statusError{status, fmt.Errorf("the lab or the command in it was killed; the kernel does so where memory runs out, and this process may use %d MB (%s): allow it more, a lab takes some 40", limit>>20, by)}
	case status != exitOK:
		return &statusError{status, nil} // the child has said why
	}
	return nil
}
