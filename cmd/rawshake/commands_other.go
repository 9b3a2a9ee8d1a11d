//go:build !linux

// On other systems the subcommands that need Linux say so.

package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func prepare() {}

// systemCommands are those that need Linux. Here they say so.
func systemCommands() []*cobra.Command {
	return []*cobra.Command{
		needsLinux("connect", "One connection, from SYN to Finished, shown as it happens (Linux only)"),
		needsLinux("probe", "Many hosts, one JSON result a line (Linux only)"),
		needsLinux("fleet", "One scan over many machines (Linux only)"),
		needsLinux("lab", "A private network with real peers (Linux only)"),
		needsLinux("guard", "The RST guard by hand (Linux only)"),
		needsLinux("doctor", "What this machine allows (Linux only)"),
	}
}

func needsLinux(name, short string) *cobra.Command {
	return &cobra.Command{
		Use:                name,
		Short:              short,
		DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error {
			return &statusError{exitNotAllowed, fmt.Errorf("%s works on Linux only: it rests on Linux's raw sockets and network namespaces, and this is %s. "+
				"Run it in a Linux container or virtual machine; rawshake explain reads a capture here", name, runtime.GOOS)}
		},
	}
}
