//go:build linux

package main

import (
	"testing"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/privilege"
)

// Each command says what it keeps, and nothing else does.
func TestEachCommandSaysWhichPrivilegesItKeeps(t *testing.T) {
	root := newRoot()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	seen := make(map[string]bool)
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		path := commandPath(cmd)
		seen[path] = true
		_, some := startsWith[path]
		_, all := keepAll[path]
		if some == all {
			t.Errorf("%q stands in startsWith: %v, in keepAll: %v", path, some, all)
		}
		if cmd.PersistentPreRun != nil && cmd != root && path != "help" || cmd.PersistentPreRunE != nil {
			t.Errorf("%q takes the place of what gives privileges up", path)
		}
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(root)
	for path := range startsWith {
		if !seen[path] {
			t.Errorf("there is no command %q", path)
		}
	}
	for path := range keepAll {
		if !seen[path] {
			t.Errorf("there is no command %q, which is said to keep all", path)
		}
	}
}

func TestWhatIsKeptIsTold(t *testing.T) {
	link := keeping{privilege.NetRaw | privilege.NetAdmin, "to open a link again"}
	file := keeping{privilege.DACOverride, "to write x, which is another user's"}
	for want, kept := range map[string]privilege.Set{
		"none kept": 0,
		"kept CAP_NET_RAW (to open a link again); all others given up":                                                                           privilege.NetRaw,
		"kept CAP_NET_ADMIN and CAP_NET_RAW (to open a link again), CAP_DAC_OVERRIDE (to write x, which is another user's); all others given up": privilege.NetRaw | privilege.NetAdmin | privilege.DACOverride,
	} {
		if got := whatIsKept(kept, []keeping{link, file, {}}); got != want {
			t.Errorf("%v is told as %q", kept, got)
		}
	}
}
