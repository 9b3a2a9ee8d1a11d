//go:build !linux

// On other systems there are no further values to complete.

package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func systemChoices(*cobra.Command, *pflag.Flag) func() []string { return nil }
