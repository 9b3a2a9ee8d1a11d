//go:build linux

// `rawshake fleet`: one scan over many machines, and how they reach NATS.

package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/fleet"
	"github.com/rawshake/rawshake/internal/probe/targets"
)

// hubFlags say how to reach NATS.
type hubFlags struct {
	url, creds, nkey, token string
	ca, cert, key           string
}

func newFleet() *cobra.Command {
	var hub hubFlags
	cmd := &cobra.Command{
		Use:   "fleet",
		Short: "One scan over many machines, on NATS JetStream",
		Long: `fleet has any number of machines share one scan. start cuts it into shards, which lie
in NATS JetStream; work, on each machine, takes shards, one after the other, and
publishes what it finds; collect makes one result a target of that.

The rate of the whole is shared by the workers that are there, and their sum never
passes it. A worker that loses the NATS server stops sending within two seconds. The
shard of one that is gone goes on, at another, where it stopped: a target that was in
flight is probed again, and its result says so.

The server is one that you have, with JetStream, or "rawshake fleet serve" on one of
the machines. See docs/fleet.md.`,
		Example: `  rawshake fleet serve --dir /var/lib/rawshake-fleet
  rawshake fleet start monday --rate 10000 -p 443 198.18.0.0/15
  rawshake fleet work                     # on each machine
  rawshake fleet status monday
  rawshake fleet collect --wait -o monday.jsonl.zst monday`,
	}
	cmd.Args, cmd.RunE = cobra.ArbitraryArgs, onlySubcommands
	fl := cmd.PersistentFlags()
	fl.StringVar(&hub.url, "nats", "", "URLs of NATS servers, with commas between (default $RAWSHAKE_NATS, or "+nats.DefaultURL+")")
	fl.StringVar(&hub.creds, "nats-creds", "", "credentials: a .creds file")
	fl.StringVar(&hub.nkey, "nats-nkey", "", "credentials: a file with an NKey seed")
	fl.StringVar(&hub.token, "nats-token-file", "", "credentials: a file with a token (default $RAWSHAKE_NATS_TOKEN_FILE)")
	fl.StringVar(&hub.ca, "nats-ca", "", "trust the NATS server's certificate by this PEM file, not the system's (default $RAWSHAKE_NATS_CA)")
	fl.StringVar(&hub.cert, "nats-cert", "", "our certificate for the NATS server, a PEM file")
	fl.StringVar(&hub.key, "nats-key", "", "its key")
	cmd.AddCommand(newFleetStart(&hub), newFleetWork(&hub), newFleetStatus(&hub),
		newFleetState(&hub, "pause", fleet.Paused, "Have all workers give back their shards, and wait"),
		newFleetResume(&hub),
		newFleetState(&hub, "stop", fleet.Stopped, "Have all workers leave the scan"),
		newFleetExclude(&hub), newFleetCollect(&hub), newFleetRemove(&hub), newFleetServe())
	return cmd
}

// connect reaches NATS.
func (f *hubFlags) connect() (*fleet.Hub, error) {
	g := *f
	g.url = cmp.Or(g.url, os.Getenv("RAWSHAKE_NATS"), nats.DefaultURL)
	g.ca = cmp.Or(g.ca, os.Getenv("RAWSHAKE_NATS_CA"))
	if g.creds == "" && g.nkey == "" {
		g.token = cmp.Or(g.token, os.Getenv("RAWSHAKE_NATS_TOKEN_FILE"))
	}
	opts, err := g.options()
	if err != nil {
		return nil, err
	}
	hub, err := fleet.Connect(g.url, opts...)
	if err != nil {
		return nil, &statusError{exitUnreachable, fmt.Errorf("%w\n  %s", err, g.remedy(err))}
	}
	return hub, nil
}

// options are how to connect.
func (f *hubFlags) options() (opts []nats.Option, err error) {
	switch {
	case f.creds != "" && f.nkey != "", f.creds != "" && f.token != "", f.nkey != "" && f.token != "":
		return nil, usageError("--nats-creds, --nats-nkey and --nats-token-file: one of them is enough")
	case (f.cert == "") != (f.key == ""):
		return nil, usageError("--nats-cert and --nats-key go together")
	}
	for flag, path := range map[string]string{"--nats-creds": f.creds, "--nats-nkey": f.nkey, "--nats-ca": f.ca, "--nats-cert": f.cert, "--nats-key": f.key} {
		if path == "" {
			continue
		}
		if _, err := os.ReadFile(path); err != nil {
			return nil, usageError("%s: %v", flag, err)
		}
	}
	switch {
	case f.creds != "":
		opts = append(opts, nats.UserCredentials(f.creds))
	case f.nkey != "":
		o, err := nats.NkeyOptionFromSeed(f.nkey)
		if err != nil {
			return nil, usageError("--nats-nkey: %v", err)
		}
		opts = append(opts, o)
	case f.token != "":
		token, err := secretIn(f.token)
		if err != nil {
			return nil, usageError("--nats-token-file: %v", err)
		}
		opts = append(opts, nats.Token(token))
	}
	if f.ca != "" {
		opts = append(opts, nats.RootCAs(f.ca))
	}
	if f.cert != "" {
		opts = append(opts, nats.ClientCert(f.cert, f.key))
	}
	return opts, nil
}

// remedy says what to do about a connection that did not come about.
func (f *hubFlags) remedy(err error) string {
	switch text := err.Error(); {
	case errors.Is(err, nats.ErrAuthorization), strings.Contains(text, "Authorization Violation"):
		return "The server does not know these credentials: --nats-token-file, --nats-creds or --nats-nkey names others"
	case errors.As(err, new(x509.UnknownAuthorityError)), strings.Contains(text, "x509:"), strings.Contains(text, "tls:"):
		return "--nats-ca names the CA of the server's certificate, and --nats-cert and --nats-key a certificate of ours, if it wants one"
	case errors.Is(err, nats.ErrSecureConnRequired), errors.Is(err, nats.ErrSecureConnWanted):
		return "The server speaks no TLS, and tls:// was asked for, or the other way round: change --nats"
	}
	return "Is it a NATS server, and reached from here? --nats URL or RAWSHAKE_NATS names it; one on this machine: rawshake fleet serve"
}

// secretIn is the one line of a file.
func secretIn(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	s := strings.TrimSpace(string(b))
	if s == "" || strings.ContainsAny(s, "\r\n") {
		return "", fmt.Errorf("%s: one line is wanted, and it is the token", path)
	}
	return s, nil
}

// with does something with a scan.
func (f *hubFlags) with(ctx context.Context, name string, do func(context.Context, *fleet.Hub, *fleet.Scan) error) error {
	hub, err := f.connect()
	if err != nil {
		return err
	}
	defer hub.Close()
	scan, err := hub.Find(ctx, name)
	if err != nil {
		return fleetError(name, err)
	}
	return fleetError(name, do(ctx, hub, scan))
}

// fleetError gives an error about a scan its remedy.
func fleetError(name string, err error) error {
	switch {
	case errors.Is(err, fleet.ErrNoScan):
		return usageError("%v: %q; rawshake fleet status lists those that there are", err, name)
	case errors.Is(err, fleet.ErrExists):
		return usageError("%v: %q; name it otherwise, or take the old one away with: rawshake fleet remove %s", err, name, name)
	}
	return failure(err)
}

func newFleetState(hub *hubFlags, use, state, short string) *cobra.Command {
	return &cobra.Command{Use: use + " SCAN", Short: short, Args: takes("SCAN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return hub.with(cmd.Context(), args[0], func(ctx context.Context, _ *fleet.Hub, s *fleet.Scan) error {
				return setState(ctx, s, state)
			})
		}}
}

// setState changes what workers are to do, and says so.
func setState(ctx context.Context, s *fleet.Scan, state string) error {
	st, err := s.Status(ctx)
	if err == nil {
		err = s.SetState(ctx, state)
	}
	if err != nil {
		return err
	}
	st.State = state
	fmt.Fprintf(os.Stderr, "rawshake: the scan %s is %s: %s\n", s.Spec.Name, stateText(st), doneText(st))
	return nil
}

func newFleetResume(hub *hubFlags) *cobra.Command {
	var size string
	cmd := &cobra.Command{Use: "resume SCAN", Short: "Have them go on, also with shards that were set aside", Args: takes("SCAN")}
	cmd.Flags().StringVar(&size, "max-bytes", "", "let results take so much of JetStream from now on, as in 20G")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return hub.with(cmd.Context(), args[0], func(ctx context.Context, _ *fleet.Hub, s *fleet.Scan) error {
			if size != "" {
				n, err := parseBytes(size)
				if err != nil {
					return usageError("--max-bytes: %v", err)
				}
				if err := s.SetMaxBytes(ctx, int64(n)); err != nil {
					return err
				}
			}
			n, err := s.Retry(ctx)
			if n > 0 {
				fmt.Fprintf(os.Stderr, "rawshake: %d shards that were set aside are to be had again\n", n)
			}
			return errors.Join(err, setState(ctx, s, fleet.Running))
		})
	}
	return cmd
}

func newFleetRemove(hub *hubFlags) *cobra.Command {
	var force bool
	cmd := &cobra.Command{Use: "remove SCAN", Short: "Take a scan away, with the results that are in JetStream", Args: takes("SCAN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := hub.connect()
			if err != nil {
				return err
			}
			defer h.Close()
			if err := removeScan(cmd.Context(), h, args[0], force); err != nil {
				return fleetError(args[0], err)
			}
			fmt.Fprintf(os.Stderr, "rawshake: the scan %s was removed\n", args[0])
			return nil
		}}
	cmd.Flags().BoolVar(&force, "force", false, "even if it is not finished")
	return cmd
}

// removeScan takes a scan away that is over; with force also one that is not, or whose
// start was cut short.
func removeScan(ctx context.Context, h *fleet.Hub, name string, force bool) error {
	scan, err := h.Find(ctx, name)
	if errors.Is(err, fleet.ErrNoScan) || err != nil && !force {
		return err
	}
	if !force {
		st, err := scan.Status(ctx)
		if err != nil {
			return err
		}
		if !st.Over() && st.State != fleet.Stopped {
			return usageError("the scan %s is not finished: stop it first, or give --force", name)
		}
	}
	return h.Remove(ctx, name)
}

func newFleetExclude(hub *hubFlags) *cobra.Command {
	var files []string
	cmd := &cobra.Command{Use: "exclude SCAN [RANGE…]", Short: "Leave addresses, blocks and ranges out of a scan from now on", Args: takes("SCAN", "[RANGE…]"),
		Long: `exclude adds to what a scan leaves out, while it runs: within a second every worker
begins nothing more there. What is begun goes on, for some seconds. What was left out
from the beginning (--exclude of start) stays left out.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := readExclusions(args[1:], files)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				return usageError("nothing to leave out: name addresses, blocks or ranges, or a file of them with -f")
			}
			return hub.with(cmd.Context(), args[0], func(ctx context.Context, _ *fleet.Hub, s *fleet.Scan) error {
				if err := s.Exclude(ctx, list...); err != nil {
					return err
				}
				fmt.Fprintf(os.Stderr, "rawshake: from now on %s leaves out %s\n", args[0], strings.Join(list, " "))
				return nil
			})
		}}
	cmd.Flags().StringArrayVarP(&files, "file", "f", nil, "a file of them, one a line")
	return cmd
}

// readExclusions reads them as --exclude and --exclude-file do.
func readExclusions(args, files []string) ([]string, error) {
	var list []string
	err := eachExclusion("exclude", args, "-f", files, func(r targets.Range) { list = append(list, fmt.Sprintf("%v-%v", r.First, r.Last)) })
	return list, err
}
