package main

import (
	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/lab"
)

// prepare is what must be done before anything else.
func prepare() {
	lab.Inside() // it ties a process inside a lab to its parent's life
}

// systemCommands are those that need Linux.
func systemCommands() []*cobra.Command {
	return []*cobra.Command{newConnect(), newProbe(), newLab(), newGuard(), newDoctor()}
}
