//go:build linux

// `rawshake doctor`.

package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/doctor"
)

func newDoctor() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "What this machine allows, what is missing, and the command that mends it",
		Long: `doctor tries what connect and the lab need on this machine: a line for each
thing, with ✓, ✗ where it is needed and missing, or – where it is missing and
optional (one of several that serve, or for other commands), what was found, why
it matters, and the command that mends it. On a terminal long lines are broken.

Exit status: 0 when connect can work here, 3 when it cannot.`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			found := doctor.Check(cmd.Context())
			var err error
			if asJSON {
				err = doctor.WriteJSON(cmd.OutOrStdout(), found)
			} else {
				err = doctor.WriteText(cmd.OutOrStdout(), found, columnsOf(os.Stdout))
			}
			if err != nil {
				return failure(err)
			}
			if !doctor.ConnectPossible(found) {
				return &statusError{exitNotAllowed, errors.New("connect cannot work here: see the lines with ✗")}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return cmd
}
