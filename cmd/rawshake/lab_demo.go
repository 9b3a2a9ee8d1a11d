//go:build linux

// `rawshake lab demo`: plays a scenario, connection by connection.

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/scenario"
	"github.com/rawshake/rawshake/internal/view"
)

func newLabDemo() *cobra.Command {
	f := defaultConnectFlags()
	cmd := &cobra.Command{
		Use:   "demo [SCENARIO]",
		Short: "A handshake in a private network, told as a story (lab list names them)",
		Long: `demo makes a private network of two namespaces, starts a server behind the
kernel's TCP in the far one, and connects to it from the near one, as the
scenario says. Without one it shows a full handshake with client authentication.
It needs no root: an ordinary user gets a user namespace. Nothing is left of it
afterwards.

The exit status is that of the scenario's last connection: 7 for
bad-certificate, say, where not to trust the server is what it shows.`,
		Example: `  rawshake lab demo
  rawshake lab demo resumption
  rawshake lab demo bad-finished --view fields`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError("demo takes one SCENARIO, not %d", len(args))
			}
			_, err := scenario.Find(first(args))
			if err != nil {
				return usageError("%v", err)
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) (names []string, _ cobra.ShellCompDirective) {
			for _, s := range scenario.All() {
				names = append(names, s.Name+"\t"+s.Title)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.complete(cmd); err != nil {
				return err
			}
			if !netns.Inside() {
				return enterLab(cmd.Context())
			}
			s, _ := scenario.Find(first(args))
			return (&demo{Scenario: s, flags: &f}).run(cmd.Context())
		},
	}
	f.registerView(cmd)
	return cmd
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func newLabList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "The scenarios that lab demo knows",
		Args:  takes(),
		RunE: func(*cobra.Command, []string) error {
			for _, s := range scenario.All() {
				say("%-16s %s\n", s.Name, s.Title)
			}
			return nil
		},
	}
}

// A demo is a scenario that is being shown.
type demo struct {
	*scenario.Scenario
	flags  *connectFlags // how to show it
	server scenario.Server
	files  *netns.Memdir
}

func (d *demo) run(ctx context.Context) error {
	l, err := lab.New(ctx, lab.With(d.Topology()))
	if err != nil {
		return failure(err)
	}
	defer l.Close()
	if d.files, err = netns.NewMemdir(); err != nil {
		return failure(err)
	}
	defer d.files.Close()
	if d.server, err = d.Serve(l); err != nil {
		return failure(err)
	}
	d.say(d.About)
	var last error
	for i := range d.Steps {
		if last != nil {
			d.complain(last)
		}
		if err := ctx.Err(); err != nil {
			return failure(err)
		}
		last = d.step(ctx, i)
	}
	return last
}

// say tells the story where the ladder is read. A result for programs is kept
// free of it, and a quiet run is told nothing.
func (d *demo) say(text string) {
	if text == "" || d.flags.quiet {
		return
	}
	columns := columnsOf(d.voice())
	if 0 < columns && columns < view.DefaultWidth && !strings.HasPrefix(text, "$ ") { // a command stays in one piece
		text = strings.Join(view.Wrap(text, columns), "\n")
	}
	fmt.Fprintf(d.voice(), "%s\n\n", text)
}

func (d *demo) voice() *os.File {
	if d.flags.view == "json" || d.flags.view == "none" {
		return os.Stderr
	}
	return os.Stdout
}

// complain says why a connection other than the last one ended; the last one's
// error is the program's own.
func (d *demo) complain(err error) {
	var status *statusError
	if errors.As(err, &status) && status.err != nil {
		fmt.Fprintf(os.Stderr, "rawshake: %v\n", status.err)
		if !d.flags.quiet {
			fmt.Fprintln(os.Stderr)
		}
	}
}

// step makes one connection.
func (d *demo) step(ctx context.Context, i int) error {
	s := &d.Steps[i]
	d.say(s.Say)
	words := strings.Fields(s.Args)
	d.say("$ rawshake connect " + strings.Join(append(words, "--ca", "ca.pem", pki.ServerName), " "))
	f := defaultConnectFlags()
	f.showData = d.flags.view != "none" // if it is not quoted, it is the result
	if s.Input != "" {
		f.input = strings.NewReader(s.Input)
	}
	cmd := connectCommand(&f)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(d.args(words, i))
	err := cmd.ExecuteContext(ctx)
	if (i < len(d.Steps)-1 || s.Then != "") && !d.flags.quiet {
		fmt.Fprintln(d.voice())
	}
	d.say(s.Then)
	return err
}

// args is the command line of a step: its words with the files that they name,
// how to reach the server, and how to show the connection.
func (d *demo) args(words []string, i int) []string {
	args := []string{"--ca", d.server.CAFile(), "--resolve", pki.ServerName + ":" + d.server.Addr().Addr().String()}
	for _, w := range words {
		switch w {
		case "client.pem":
			w = d.server.ClientCertFile()
		case "client-key.pem":
			w = d.server.ClientKeyFile()
		case "ech.pem":
			w = d.server.ECHConfigFile()
		case "old-ech.pem":
			w = d.server.OldECHConfigFile()
		case "session.json":
			w = d.files.Path(w)
		}
		args = append(args, w)
	}
	if !slices.Contains(words, "--get") && !slices.Contains(words, "--until") {
		args = append(args, "--until", "finished") // whatever standard input is
	}
	show := d.flags
	args = append(args, "--view", show.view, "--verbose="+strconv.FormatBool(show.verbose), "--quiet="+strconv.FormatBool(show.quiet))
	if show.pcap != "" {
		args = append(args, "--pcap", numbered(show.pcap, i))
	}
	if show.dictionary != "" {
		args = append(args, "--dictionary", show.dictionary)
	}
	if show.step {
		args = append(args, "--step")
	}
	if show.html != "" {
		args = append(args, "--html", numbered(show.html, i))
	}
	if show.selector != "" {
		args = append(args, "--select", show.selector)
	}
	if show.keylog != "" {
		args = append(args, "--keylog", show.keylog)
	}
	return append(args, pki.ServerName)
}

// numbered is the name of the file for connection i: out.pcapng, out-2.pcapng.
func numbered(path string, i int) string {
	if i == 0 {
		return path
	}
	ext := filepath.Ext(path)
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(path, ext), i+1, ext)
}
