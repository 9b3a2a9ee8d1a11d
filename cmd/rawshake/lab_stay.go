//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/hold"
)

// The commands about a lab that stays: up, exec, status, down.

func nameFlag(cmd *cobra.Command, name *string) {
	cmd.Flags().StringVar(name, "name", hold.DefaultName, "which lab: several may stand side by side")
}

func checkLabName(name string) error {
	if err := hold.CheckName(name); err != nil {
		return usageError("--name: %v", err)
	}
	return nil
}

func newLabUp() *cobra.Command {
	var f labFlags
	var name string
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Make a lab that stays until lab down",
		Long: `up makes a private network that stays, held by a process of its own. It needs no
root. If it stands already, nothing happens.`,
		Example: `  rawshake lab up
  rawshake lab exec -- rawshake connect server.lab.test
  rawshake lab up --topology router --latency 20ms --name slow
  rawshake lab down`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkLabName(name); err != nil {
				return err
			}
			t, err := f.load(cmd)
			if err != nil {
				return err
			}
			made, err := hold.Up(name, t)
			if err != nil {
				return labError(err)
			}
			word := "is up"
			if !made {
				word = "was up already"
			}
			fmt.Printf("lab %s %s: %s\n", name, word, t.About)
			fmt.Printf("try: rawshake lab exec%s -- rawshake connect %s\n", nameWords(name), lab.ServerName)
			return nil
		},
	}
	f.register(cmd)
	nameFlag(cmd, &name)
	return cmd
}

// nameWords are what leads other commands to a lab.
func nameWords(name string) string {
	if name == hold.DefaultName {
		return ""
	}
	return " --name " + name
}

func newLabHold() *cobra.Command {
	return &cobra.Command{
		Use:    "hold NAME SOCKET",
		Hidden: true,
		Args:   cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := hold.Hold(args[0], args[1]); err != nil {
				return labError(err)
			}
			return nil
		},
	}
}

func newLabExec() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "exec [NODE] -- COMMAND [ARG…]",
		Short: "Run a command in a node of a lab (the first, if none is named)",
		Long: `exec runs a command in a lab that stands, with this terminal, environment and
folder. Signals are passed on, and the exit status is the command's (126: it
cannot be run, 127: it is not there).`,
		Example: `  rawshake lab exec -- bash
  rawshake lab exec far -- ss -tln
  rawshake lab exec --name slow -- curl https://server.lab.test/`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkLabName(name); err != nil {
				return err
			}
			g := hold.Guest{Lab: name, Args: args}
			switch dash := cmd.ArgsLenAtDash(); {
			case dash > 1:
				return usageError("exec takes one NODE, not %q", args[:dash])
			case dash == 1:
				g.Node, g.Args = args[0], args[1:]
			case dash < 0 && len(args) > 0:
				return usageError("exec wants -- before the command: rawshake lab exec [NODE] -- %s", strings.Join(args, " "))
			}
			if len(g.Args) == 0 {
				return usageError("exec needs a command: rawshake lab exec [NODE] -- COMMAND")
			}
			return execInLab(g)
		},
	}
	nameFlag(cmd, &name)
	return cmd
}

// execInLab runs a guest. Signals are the command's, not ours: it is not the
// program's context that ends it.
func execInLab(g hold.Guest) error {
	status, err := hold.Exec(context.Background(), g)
	var start *hold.StartError
	switch {
	case errors.As(err, &start) && start.Missing:
		return &statusError{exitNotFound, err}
	case errors.As(err, &start):
		return &statusError{exitNotExecutable, err}
	case err != nil:
		return &statusError{exitError, err}
	case status != exitOK:
		return &statusError{status, nil}
	}
	return nil
}

func newLabStatus() *cobra.Command {
	var asJSON bool
	var name string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "The labs that stand",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			all, err := hold.List()
			if err != nil {
				return &statusError{exitError, err}
			}
			all = slices.DeleteFunc(all, func(s *hold.Status) bool { return name != "" && s.Name != name })
			if asJSON {
				out := json.NewEncoder(os.Stdout)
				for _, s := range all {
					if err := out.Encode(s); err != nil {
						return &statusError{exitError, err}
					}
				}
				return nil
			}
			if len(all) == 0 {
				fmt.Println("no lab stands")
			}
			for _, s := range all {
				showLab(s)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "only this one")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a lab, a line each")
	return cmd
}

func showLab(s *hold.Status) {
	fmt.Printf("%s: %s, seed %d, since %s, held by process %d, %d commands running\n",
		s.Name, s.Topology, s.Seed, s.Since.Local().Format(time.DateTime), s.PID, s.Running)
	for _, n := range s.Nodes {
		fmt.Printf("  %-15s %s\n", n.Name, strings.Join(n.Addresses, "  "))
		for _, service := range n.Services {
			fmt.Printf("  %-15s   %s\n", "", service)
		}
	}
}

func newLabDown() *cobra.Command {
	var name string
	var all bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Take a lab away, and all that runs in it",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			if err := checkLabName(name); err != nil {
				return err
			}
			names := []string{name}
			if all {
				names = nil
				list, err := hold.List()
				if err != nil {
					return &statusError{exitError, err}
				}
				for _, s := range list {
					names = append(names, s.Name)
				}
			}
			for _, name := range names {
				was, err := hold.Down(name)
				if err != nil {
					return &statusError{exitError, err}
				}
				if was {
					fmt.Printf("lab %s is down\n", name)
				} else {
					fmt.Printf("lab %s was not up\n", name)
				}
			}
			return nil
		},
	}
	nameFlag(cmd, &name)
	cmd.Flags().BoolVar(&all, "all", false, "take every lab of this user away")
	return cmd
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError("lab %s takes no arguments, but got %q", cmd.Name(), args)
	}
	return nil
}
