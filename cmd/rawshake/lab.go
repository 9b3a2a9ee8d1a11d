//go:build linux

package main

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/lab"
)

func newLab() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "A private network with real peers, gone without a trace",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("lab needs a command: %s", subcommands(cmd))
			}
			return usageError("lab has no command %q: there are %s", args[0], subcommands(cmd))
		},
	}
	cmd.AddCommand(newLabUp(), newLabExec(), newLabStatus(), newLabDown(), newLabRun(),
		newLabDemo(), newLabList(), newLabServe(), newLabCapture(), newLabHold())
	return cmd
}

// enterLab runs this command line once more, inside new namespaces.
func enterLab(ctx context.Context) error {
	status, err := lab.Reexec(ctx, os.Args)
	switch {
	case err != nil:
		return labError(err)
	case status != exitOK:
		return &statusError{status, nil} // the child has said why
	}
	return nil
}

// labError gives an error of the lab the exit status that it should have.
func labError(err error) error {
	if errors.Is(err, lab.ErrForbidden) {
		return &statusError{exitNotAllowed, err}
	}
	return &statusError{exitError, err}
}
