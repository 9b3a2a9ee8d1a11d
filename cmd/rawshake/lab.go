//go:build linux

package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/lab"
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
	status, err := lab.Reexec(ctx, os.Args)
	switch {
	case err != nil:
		return failure(err)
	case status != exitOK:
		return &statusError{status, nil} // the child has said why
	}
	return nil
}
