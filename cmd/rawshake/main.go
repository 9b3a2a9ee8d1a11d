//go:debug rsa1024min=0
// The line above lets the standard library compute with small RSA keys.
// handshake.Config.MinRSABits decides whether one is good enough.

// Command rawshake opens TCP connections with its own segments and speaks TLS
// over them with its own messages, and shows every step.
//
// One file a subcommand; flags in, exit status out. What happens in between
// is in the packages below ../../internal.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	prepare()
	held.may = true
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

// run executes one command line and returns its exit status.
func run(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	out = told{}
	root.SetOut(&out)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil && out.err != nil {
		err = failure(out.err)
	}
	if err == nil {
		return exitOK
	}
	var status *statusError
	if !errors.As(err, &status) {
		// Anything that the command-line parser itself refuses is wrong usage.
		status = &statusError{exitUsage, err}
	}
	if status.err != nil {
		fmt.Fprintf(os.Stderr, "rawshake: %v\n", status.err)
		if status.code == exitUsage {
			fmt.Fprintf(os.Stderr, "Try '%s --help'.\n", cmd.CommandPath())
		}
	}
	return status.code
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "rawshake",
		Short: "TCP and TLS handshakes by hand, from SYN to Finished",
		Long: `rawshake opens TCP connections with its own segments, from a raw socket, and
speaks TLS 1.2 over them with its own messages. Nothing between the SYN and the
Finished is hidden.

Exit status: 0 as far as asked; 1 anything else; 2 wrong usage; 3 this machine
does not allow it; 4 refused, reset or unreachable; 5 timed out; 6 the peer does
not speak TLS, sent an alert, or broke the protocol; 7 certificate not verified.`,
		Args:          cobra.ArbitraryArgs,
		RunE:          onlySubcommands,
		Version:       versionLine(),
		SilenceErrors: true,
		SilenceUsage:  true,
		// What a command line means is known, and nothing is open.
		PersistentPreRun: func(cmd *cobra.Command, _ []string) { held.begin(cmd) },
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(systemCommands()...)
	root.AddCommand(newExplain(), newResults(), newVersion(), newMan())
	completeValues(root)
	return root
}
