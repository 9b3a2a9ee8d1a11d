//go:build !linux

package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func systemChoices(*cobra.Command, *pflag.Flag) func() []string { return nil }
