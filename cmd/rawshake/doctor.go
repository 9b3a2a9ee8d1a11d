//go:build linux

package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/doctor"
)

func newDoctor() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "What this machine allows, what is missing, and the command that mends it",
		Long: `doctor tries what connect and the lab need on this machine, and says of each
thing that is missing why it matters and how to mend it.

Exit status: 0 when connect can work here, 3 when it cannot.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found := doctor.Check(cmd.Context())
			write := doctor.WriteText
			if asJSON {
				write = doctor.WriteJSON
			}
			if err := write(cmd.OutOrStdout(), found); err != nil {
				return &statusError{exitError, err}
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
