package main

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/lab"
)

func newLab() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "A private network with real peers, gone without a trace",
		Args:  cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("lab needs a command: demo")
			}
			return usageError("lab has no command %q: there is demo", args[0])
		},
	}
	cmd.AddCommand(newLabDemo())
	return cmd
}

func newLabDemo() *cobra.Command {
	f := defaultConnectFlags()
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "A handshake with client authentication, from SYN to Finished",
		Long: `demo makes a private network of two namespaces, starts a TLS 1.2 server behind
the kernel's TCP in the far one, and connects to it from the near one with a
client certificate. It needs no root: an ordinary user gets a user namespace.
Nothing is left of it afterwards.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !lab.Inside() {
				return enterLab(cmd.Context())
			}
			return runDemo(cmd.Context(), cmd, &f)
		},
	}
	f.registerView(cmd)
	return cmd
}

// enterLab runs this command line once more, inside new namespaces.
func enterLab(ctx context.Context) error {
	status, err := lab.Reexec(ctx, os.Args)
	var forbidden *lab.ForbiddenError
	switch {
	case errors.As(err, &forbidden):
		return &statusError{exitNotAllowed, err}
	case err != nil:
		return &statusError{exitError, err}
	case status != exitOK:
		return &statusError{status, nil} // the child has said why
	}
	return nil
}

func runDemo(ctx context.Context, cmd *cobra.Command, f *connectFlags) error {
	l, err := lab.New(ctx)
	if err != nil {
		return &statusError{exitError, err}
	}
	defer l.Close()
	server, err := l.StartTLSServer(lab.ServerOptions{})
	if err != nil {
		return &statusError{exitError, err}
	}
	f.get = "/"
	f.showData = true
	f.ca, f.cert, f.key = server.CAFile(), server.ClientCertFile(), server.ClientKeyFile()
	f.resolve = []string{lab.ServerName + ":" + server.Addr().Addr().String()}
	if err := f.complete(cmd); err != nil {
		return err
	}
	return runConnect(ctx, f, lab.ServerName)
}
