//go:build linux

// `rawshake fleet serve`: a NATS server for those who have none.

package main

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/fleet/server"
)

func newFleetServe() *cobra.Command {
	var o server.Options
	var token string
	cmd := &cobra.Command{
		Use: "serve --dir DIR", Short: "A NATS server with JetStream, in this process", Args: takes(),
		Long: `serve runs a NATS server with JetStream, for a fleet that has none. What it answers for
is on the disk before; it can be ended and started again at any time, and workers wait
for it.`,
		Example: `  rawshake fleet serve --dir /var/lib/rawshake-fleet
  rawshake fleet serve --dir /srv/fleet --listen 0.0.0.0:4222 --token-file token --tls-cert hub.pem --tls-key hub.key`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case o.Dir == "":
				return usageError("--dir says where the scans lie: rawshake fleet serve --dir /var/lib/rawshake-fleet")
			case (o.Cert == "") != (o.Key == ""):
				return usageError("--tls-cert and --tls-key go together")
			case o.ClientCA != "" && o.Cert == "":
				return usageError("--tls-client-ca goes with --tls-cert")
			}
			if _, _, err := net.SplitHostPort(o.Listen); err != nil {
				return usageError("--listen %q: give HOST:PORT, as 127.0.0.1:4222", o.Listen)
			}
			for flag, path := range map[string]string{"--tls-cert": o.Cert, "--tls-key": o.Key, "--tls-client-ca": o.ClientCA} {
				if path == "" {
					continue
				}
				if b, err := os.ReadFile(path); err != nil {
					return usageError("%s: %v", flag, err)
				} else if block, _ := pem.Decode(b); block == nil {
					return usageError("%s: %s is no PEM file", flag, path)
				}
			}
			if token != "" {
				var err error
				if o.Token, err = secretIn(token); err != nil {
					return usageError("--token-file: %v", err)
				}
			}
			o.Log = func(format string, args ...any) {
				fmt.Fprintf(os.Stderr, "rawshake: %s\n", plain.Escape(fmt.Sprintf(format, args...)))
			}
			s, err := server.Start(o)
			if errors.Is(err, server.ErrOpen) {
				return usageError("--listen %s: %v", o.Listen, err)
			}
			if err != nil {
				return failure(err)
			}
			defer s.Close()
			held.opened(false, foreign("NATS writes below --dir by itself", o.Dir))
			fmt.Fprintf(os.Stderr, "rawshake: NATS with JetStream at %s\n", s.URL())
			<-cmd.Context().Done()
			return nil
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&o.Listen, "listen", "127.0.0.1:4222", "HOST:PORT")
	fl.StringVar(&o.Dir, "dir", "", "keep everything below this directory")
	fl.StringVar(&token, "token-file", "", "a file with a token that clients must know (--nats-token-file)")
	fl.StringVar(&o.Cert, "tls-cert", "", "speak TLS with this certificate, a PEM file")
	fl.StringVar(&o.Key, "tls-key", "", "its key")
	fl.StringVar(&o.ClientCA, "tls-client-ca", "", "demand certificates of clients, and verify them by this PEM file")
	return cmd
}
