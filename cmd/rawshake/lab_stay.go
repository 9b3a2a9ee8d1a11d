//go:build linux

// The commands for a lab that stays: up, exec, status, down.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/lab/daemon"
	"github.com/rawshake/rawshake/internal/lab/pki"
)

func nameFlag(cmd *cobra.Command, name *string) {
	cmd.Flags().StringVar(name, "name", daemon.DefaultName, "which lab: several may stand side by side")
}

func checkLabName(name string) error {
	if err := daemon.CheckName(name); err != nil {
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
root. If it stands already, nothing happens. What its links do to packets can be
changed while it stands: lab netem.`,
		Example: `  rawshake lab up
  rawshake lab exec -- rawshake connect server.lab.test
  rawshake lab up --topology router --latency 20ms --name slow
  rawshake lab down`,
		Args: takes(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkLabName(name); err != nil {
				return err
			}
			t, err := f.load(cmd)
			if err != nil {
				return err
			}
			log := daemon.Log{Open: f.openLog}
			if f.log != "" {
				if log.Path, err = filepath.Abs(f.log); err != nil {
					return fileError("--log", err)
				}
			}
			made, err := daemon.Up(name, t, log)
			var wrong *statusError
			if errors.As(err, &wrong) { // the log's
				return err
			}
			if err != nil {
				return failure(err)
			}
			word := "is up"
			if !made {
				word = "was up already"
			}
			fmt.Printf("lab %s %s: %s\n", name, word, t.About)
			fmt.Printf("try: rawshake lab exec%s -- rawshake connect %s\n", nameWords(name), pki.ServerName)
			return nil
		},
	}
	f.register(cmd)
	nameFlag(cmd, &name)
	return cmd
}

// nameWords are the words by which other commands find a lab.
func nameWords(name string) string {
	if name == daemon.DefaultName {
		return ""
	}
	return " --name " + name
}

func newLabHold() *cobra.Command {
	return &cobra.Command{
		Use:    "hold NAME SOCKET [LOG]",
		Hidden: true,
		Args:   cobra.RangeArgs(2, 3),
		RunE: func(_ *cobra.Command, args []string) error {
			args = append(args, "")
			if err := daemon.Hold(args[0], args[1], args[2]); err != nil {
				return failure(err)
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
folder. What stands behind the command's name is the command's. Where no -- stands
before the command, a first word that is a node's name is the node. Signals are passed on, and the exit status is the command's (126: it
cannot be run, 127: it is not there).`,
		Example: `  rawshake lab exec -- bash
  rawshake lab exec far -- ss -tln
  rawshake lab exec far ls -l
  rawshake lab exec --name slow -- curl https://server.lab.test/`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkLabName(name); err != nil {
				return err
			}
			g := daemon.Guest{Lab: name}
			var err error
			if g.Node, g.Args, err = splitGuest(args, cmd.ArgsLenAtDash() == 0, labNodes(name)); err != nil {
				return err
			}
			return execInLab(g)
		},
	}
	cmd.Flags().SetInterspersed(false) // what follows is the command's
	nameFlag(cmd, &name)
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return labNodes(name), cobra.ShellCompDirectiveDefault
	}
	return cmd
}

// splitGuest separates a node from the command to run in it. Without -- between
// them, the first word is a node if one has that name. Dashed says that the --
// stood before the first word.
func splitGuest(words []string, dashed bool, nodes []string) (node string, command []string, err error) {
	command = words
	switch {
	case dashed || len(words) == 0:
	case len(words) > 1 && words[1] == "--":
		node, command = words[0], words[2:]
	case slices.Contains(nodes, words[0]):
		node, command = words[0], words[1:]
		if len(command) > 0 && strings.HasPrefix(command[0], "-") {
			return "", nil, usageError("%s stands behind the node %s: the flags of exec go before it, and the command behind --", command[0], node)
		}
	}
	if len(command) == 0 {
		return "", nil, usageError("lab exec needs a command: rawshake lab exec [NODE] -- COMMAND")
	}
	return node, command, nil
}

// labNodes are the names of a lab's nodes, if it stands.
func labNodes(name string) (nodes []string) {
	all, _ := daemon.List()
	for _, s := range all {
		if s.Name == name {
			for _, n := range s.Nodes {
				nodes = append(nodes, n.Name)
			}
		}
	}
	return nodes
}

// execInLab runs a guest. Signals are meant for the command, so the program's
// context does not end it.
func execInLab(g daemon.Guest) error {
	status, err := daemon.Exec(context.Background(), g)
	var start *daemon.StartError
	switch {
	case errors.As(err, &start) && start.Missing:
		return notStarted(g.Args[0], exec.ErrNotFound)
	case errors.As(err, &start):
		return &statusError{exitNotExecutable, err}
	case err != nil:
		return failure(err)
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
		Args:  takes(),
		RunE: func(*cobra.Command, []string) error {
			all, err := daemon.List()
			if err != nil {
				return failure(err)
			}
			all = slices.DeleteFunc(all, func(s *daemon.Status) bool { return name != "" && s.Name != name })
			if asJSON {
				out := json.NewEncoder(&out)
				for _, s := range all {
					if err := out.Encode(s); err != nil {
						return failure(err)
					}
				}
				return nil
			}
			if len(all) == 0 {
				say("no lab stands\n")
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

func showLab(s *daemon.Status) {
	say("%s: %s, seed %d, since %s, held by process %d, %d commands running\n",
		s.Name, s.Topology, s.Seed, s.Since.Local().Format(time.DateTime), s.PID, s.Running)
	for _, n := range s.Nodes {
		say("  %-15s %s\n", n.Name, strings.Join(n.Addresses, "  "))
		for _, service := range n.Services {
			say("  %-15s   %s\n", "", service)
		}
	}
	for _, l := range s.Links {
		if len(l.Impairment) > 0 {
			showLink(&l)
		}
	}
	switch {
	case s.LogError != "":
		say("  log             %s: not written: %s\n", plain.Escape(s.Log), plain.Escape(s.LogError))
	case s.Log != "":
		say("  log             %s\n", plain.Escape(s.Log))
	}
}

func newLabDown() *cobra.Command {
	var name string
	var all bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Take a lab away, and all that runs in it",
		Args:  takes(),
		RunE: func(*cobra.Command, []string) error {
			if err := checkLabName(name); err != nil {
				return err
			}
			names := []string{name}
			if all {
				names = nil
				list, err := daemon.List()
				if err != nil {
					return failure(err)
				}
				for _, s := range list {
					names = append(names, s.Name)
				}
			}
			for _, name := range names {
				was, err := daemon.Down(name)
				if err != nil {
					return failure(err)
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
