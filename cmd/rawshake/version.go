// `rawshake version`, and where the version comes from.

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  takes(),
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintln(cmd.OutOrStdout(), versionLine())
		},
	}
}

func versionLine() string {
	return fmt.Sprintf("rawshake %s %s %s/%s", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// tagged is the tag that the Makefile built from, or the distance from one.
var tagged string

// version is the tag, the module's version, or the commit that the program was
// built from, if the build knows it.
func version() string {
	if tagged != "" {
		return tagged
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "at " + s.Value
		}
	}
	return "devel"
}
