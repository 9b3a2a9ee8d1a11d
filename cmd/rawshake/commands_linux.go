// The subcommands that need Linux.

package main

import (
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/spf13/cobra"
)

// prepare is what must be done before anything else.
func prepare() {
	netns.Inside() // it ties a process inside a lab to its parent's life
}

// systemCommands are those that need Linux.
func systemCommands() []*cobra.Command {
	return []*cobra.Command{newConnect(), newAudit(), newProbe(), newAudit(), newFleet(), newLab(), newGuard(), newDoctor()}
}
