//go:build linux

// `rawshake lab netem`: shows and changes the impairments of a standing lab's
// links.

package main

import (
	"encoding/json"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/daemon"
	"github.com/rawshake/rawshake/internal/netem"
)

func newLabNetem() *cobra.Command {
	var f labFlags
	var name string
	var change daemon.Netem
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "netem [LINK…]",
		Short: "Change what the links of a lab do to packets while it stands",
		Long: `netem changes the impairment of links of a lab that stands: of those that are
named by their two nodes, such as near-far, or of all. What is not named stays as
it is; --clear takes it away first. Without a flag it shows how the links are.

Connections, addresses and routes stay. A link that was clear from the beginning
gets its bridge now: the interface of the node that comes second is a new one, so
that a capture which runs there ends; that of the first node is not touched.`,
		Example: `  rawshake lab netem
  rawshake lab netem near-far --loss 5% --latency 20ms --jitter 5ms
  rawshake lab netem --clear`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkLabName(name); err != nil {
				return err
			}
			change.Links, change.Set = args, impairment(cmd)
			var w netem.Impairment
			for word, value := range change.Set {
				_ = w.Set(word, value)
			}
			if err := w.Check(); err != nil {
				return usageError("--%v", err)
			}
			s, err := daemon.Ask(name)
			if err == nil {
				err = checkLinks(s, args)
			}
			if err == nil && (change.Clear || len(change.Set) > 0) {
				s, err = daemon.Change(name, change)
			}
			if err != nil {
				return failure(err)
			}
			return showLinks(s, args, asJSON)
		},
	}
	f.registerImpairment(cmd)
	cmd.Flags().BoolVar(&change.Clear, "clear", false, "take away whatever the links do, before what else is said here")
	nameFlag(cmd, &name)
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a link, a line each")
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) (links []string, _ cobra.ShellCompDirective) {
		if s, err := daemon.Ask(name); err == nil {
			for _, l := range s.Links {
				links = append(links, l.Name)
			}
		}
		return links, cobra.ShellCompDirectiveNoFileComp
	}
	return cmd
}

// linkOf finds a lab's link by name, with its nodes in either order.
func linkOf(s *daemon.Status, name string) (string, error) {
	var t lab.Topology
	for _, l := range s.Links {
		t.Links = append(t.Links, lab.LinkConfig{Ends: []lab.End{{Node: l.Nodes[0]}, {Node: l.Nodes[1]}}})
	}
	i, err := t.FindLink(name)
	if err != nil {
		return "", usageError("%v", err)
	}
	return s.Links[i].Name, nil
}

func checkLinks(s *daemon.Status, names []string) error {
	for _, name := range names {
		if _, err := linkOf(s, name); err != nil {
			return err
		}
	}
	return nil
}

// showLinks shows the links that are named, or all.
func showLinks(s *daemon.Status, names []string, asJSON bool) error {
	var wanted []string
	for _, name := range names {
		link, err := linkOf(s, name)
		if err != nil {
			return err
		}
		wanted = append(wanted, link)
	}
	out := json.NewEncoder(&out)
	for _, l := range s.Links {
		switch {
		case len(wanted) > 0 && !slices.Contains(wanted, l.Name):
		case asJSON:
			if err := out.Encode(l); err != nil {
				return failure(err)
			}
		default:
			showLink(&l)
		}
	}
	return nil
}

func showLink(l *daemon.LinkStatus) {
	say("  %-15s %s\n", l.Name, netem.Tell(l.Impairment))
}
