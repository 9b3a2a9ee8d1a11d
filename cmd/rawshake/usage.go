// Errors on the command line in our own words: those of the parsing library
// speak of Go's types and functions.

package main

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError says what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var empty *pflag.ValueRequiredError
	var value *pflag.InvalidValueError
	var syntax *pflag.InvalidSyntaxError
	switch {
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			return usageError("%s has no flag -%s", named(cmd), name)
		}
		return usageError("%s has no flag --%s%s", named(cmd), name, meant(nearFlags(cmd, name)))
	case errors.As(err, &empty):
		return usageError("%s needs a value", flagName(empty.GetFlag()))
	case errors.As(err, &value):
		return usageError("%s %q: %s", flagName(value.GetFlag()), value.GetValue(), expected(value))
	case errors.As(err, &syntax):
		return usageError("%q is no flag: a name stands behind the dashes", syntax.GetSpecifiedFlag())
	}
	return &statusError{exitUsage, err}
}

// flagName is a flag as people type it.
func flagName(f *pflag.Flag) string {
	if f.Shorthand != "" {
		return fmt.Sprintf("-%s, --%s", f.Shorthand, f.Name)
	}
	return "--" + f.Name
}

// expected says what a flag's value should be.
func expected(e *pflag.InvalidValueError) string {
	switch kind := e.GetFlag().Value.Type(); kind {
	case "duration":
		return "a duration is a number with its unit, such as 5s, 300ms or 2m"
	case "int":
		return "a whole number is wanted"
	case "uint64":
		return "a whole number is wanted, 0 or more"
	case "uint16":
		return "a number from 0 to 65535 is wanted"
	case "float64":
		return "a number is wanted"
	case "bool":
		return "true or false is wanted, or the flag alone"
	case "stringSlice":
		return "a list has commas between its words, and a quotation mark ends where it begins"
	}
	return e.Unwrap().Error() // a type of our own, with words of its own
}

// nearFlags are flags whose names begin as a mistyped one does.
func nearFlags(cmd *cobra.Command, name string) (near []string) {
	begin := name[:min(3, len(name))]
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && begin != "" && strings.HasPrefix(f.Name, begin) && len(near) < 3 {
			near = append(near, "--"+f.Name)
		}
	})
	return near
}

func meant(near []string) string {
	if len(near) == 0 {
		return ""
	}
	return "; is " + strings.Join(near, " or ") + " meant?"
}

// named is a command as people call it, without the program's own name.
func named(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

// takes makes a command take arguments of these names, and no more. One in
// brackets may be left out; of one with … behind it there may be several.
func takes(names ...string) cobra.PositionalArgs {
	least, most := 0, len(names)
	for _, n := range names {
		if !strings.HasPrefix(n, "[") {
			least++
		}
		if strings.Contains(n, "…") {
			most = math.MaxInt
		}
	}
	return func(cmd *cobra.Command, args []string) error {
		switch path := named(cmd); {
		case len(args) >= least && len(args) <= most:
			return nil
		case len(names) == 0:
			return usageError("%s takes no arguments, and there is %q", path, args[0])
		case len(args) < least:
			return usageError("%s needs %s", path, strings.Join(names[len(args):], " "))
		default:
			return usageError("%s takes %s, and there is %q too", path, strings.Join(names, " "), args[len(names)])
		}
	}
}

// onlySubcommands runs a command that does nothing by itself.
func onlySubcommands(cmd *cobra.Command, args []string) error {
	if len(args) == 0 && cmd.HasParent() {
		return usageError("%s needs a command: %s", named(cmd), subcommands(cmd))
	}
	if len(args) == 0 {
		return cmd.Help()
	}
	text := fmt.Sprintf("%s has no command %q: there are %s", named(cmd), args[0], subcommands(cmd))
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += "; is " + strings.Join(near, " or ") + " meant?"
	}
	return usageError("%s", text)
}

// subcommands lists a command's own, for errors.
func subcommands(cmd *cobra.Command) string {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return strings.Join(names, ", ")
}
