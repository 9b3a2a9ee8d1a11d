package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newMan writes what --help says as manual pages, for whoever packages this.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use:    "man FOLDER",
		Short:  "Write the manual pages into a folder",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return &statusError{exitError, fmt.Errorf("man: %w", err)}
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			header := &doc.GenManHeader{Title: "RAWSHAKE", Section: "1", Source: "rawshake", Manual: "rawshake", Date: sourceDate()}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return &statusError{exitError, fmt.Errorf("write the manual pages: %w", err)}
			}
			return nil
		},
	}
}

// sourceDate is the date of reproducible builds, or today.
func sourceDate() *time.Time {
	now := time.Now()
	if s, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		now = time.Unix(s, 0).UTC()
	}
	return &now
}
