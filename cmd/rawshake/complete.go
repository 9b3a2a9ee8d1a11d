// Shell completion of the values that flags take.

package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/internal/view"
)

// completeValues lets a shell complete the values of each flag that has a fixed
// set of them, in every command.
func completeValues(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if complete := completer(cmd, f); complete != nil {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, complete) // fails for one that is there already
		}
	})
	for _, c := range cmd.Commands() {
		completeValues(c)
	}
}

// completer completes a flag's value. Nil leaves it to the shell, which has the
// names of files.
func completer(cmd *cobra.Command, f *pflag.Flag) cobra.CompletionFunc {
	find, directive := choices(cmd, f), cobra.ShellCompDirectiveNoFileComp
	if takesFile(f) {
		directive = cobra.ShellCompDirectiveDefault
	}
	switch {
	case find == nil && takesFile(f):
		return nil
	case find == nil:
		return cobra.NoFileCompletions
	}
	return func(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		return listed(find(), f, begun), directive
	}
}

// choices returns a function that lists the values of a flag, or nil if it may
// be anything.
func choices(cmd *cobra.Command, f *pflag.Flag) func() []string {
	switch f.Name {
	case "view":
		return fixed(view.Names)
	case "starttls":
		return starttls.Names
	case "proxy-protocol":
		return fixed([]string{"1", "2"})
	case "until":
		return goal.Names
	}
	return systemChoices(cmd, f)
}

func fixed[S ~string](values []S) func() []string {
	if len(values) == 0 {
		return nil
	}
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	return func() []string { return texts }
}

// listed are the values for a flag of which some may have been typed: the last
// word of a list is completed.
func listed(values []string, f *pflag.Flag, begun string) []string {
	if f.Value.Type() != "stringSlice" && f.Name != "fields" {
		return values
	}
	before := begun[:strings.LastIndexByte(begun, ',')+1]
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = before + v
	}
	return out
}

// takesFile reports whether a flag names a file or a folder, by its help.
func takesFile(f *pflag.Flag) bool {
	return f.Value.Type() == "string" && (strings.Contains(f.Usage, "file") || strings.Contains(f.Usage, "PEM") || strings.Contains(f.Usage, "folder")) ||
		f.Value.Type() == "stringArray" && strings.Contains(f.Usage, "file")
}
