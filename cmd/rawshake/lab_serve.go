//go:build linux

// `rawshake lab serve`: one of the lab's servers, by hand.

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/outfile"
)

// servesKind checks that the argument is a kind of server.
func servesKind(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError("%s needs a KIND: %s", named(cmd), strings.Join(service.Choices("kind"), ", "))
	}
	return takes("KIND")(cmd, args)
}

func newLabServe() *cobra.Command {
	var s service.Service
	var key, fault, auth, listen, caOut, echOut string
	cmd := &cobra.Command{
		Use:   "serve KIND",
		Short: "One of the lab's servers, on this machine's own network",
		Long: `serve runs one server in the foreground, for a container or a host of which
somebody else makes the network: tls (ours), crypto-tls (Go's), http, banner,
echo, mute, tarpit, hangup, or silent. Its certificate is signed by a CA that is
made for the occasion, and whose certificate --ca-out writes.`,
		Example: "  rawshake lab serve tls --listen 127.0.0.1:8443 --ca-out ca.pem\n  rawshake lab serve tls --fault expired\n  rawshake lab serve tls --max-version 1.2",
		Args:    servesKind,
		RunE: func(cmd *cobra.Command, args []string) error {
			s.Kind, s.Key, s.Fault, s.ClientAuth = service.Kind(args[0]), pki.KeyType(key), pki.Fault(fault), service.ClientAuth(auth)
			server, err := service.Serve(cmd.Context(), s, listen)
			var wrong *service.Error
			if errors.As(err, &wrong) {
				return usageError("%v", err)
			}
			if errors.Is(err, fs.ErrPermission) {
				return failure(fmt.Errorf("%w\n  A port below 1024 needs CAP_NET_BIND_SERVICE, or root: choose another, such as --listen :8443", err))
			}
			if err != nil {
				return failure(err)
			}
			defer server.Close()
			if caOut != "" && server.PKI != nil {
				sayReplaced := replacing(caOut)
				if _, err := outfile.Write(caOut, server.PKI.CA.CertPEM(), outfile.Public); err != nil {
					return fileError("--ca-out", err)
				}
				sayReplaced()
			}
			if err := writeECH(echOut, server.PKI); err != nil {
				return err
			}
			held.opened(false)
			fmt.Fprintf(os.Stderr, "%s at %v, until it is interrupted\n", s.Kind, server.Addr())
			<-cmd.Context().Done()
			return nil
		},
	}
	cmd.ValidArgs = service.Choices("kind")
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVar(&listen, "listen", ":443", "where to listen, HOST:PORT")
	fl.StringVar(&key, "key-type", "", "of the certificates: ecdsa-p256, rsa-2048, ed25519")
	fl.StringVar(&fault, "fault", "", "of the certificate: expired, self-signed, wrong-name, …")
	fl.StringVar(&auth, "client-auth", "", "ask for a client certificate: request, require, none")
	fl.StringSliceVar(&s.ALPN, "alpn", nil, "protocols to choose from")
	fl.StringSliceVar(&s.Suites, "ciphers", nil, "cipher suites to choose from")
	fl.StringVar(&s.MinVersion, "min-version", "", "the least TLS version to take: 1.0 to 1.3 (default 1.2)")
	fl.StringVar(&s.MaxVersion, "max-version", "", "the highest TLS version to take: 1.0 to 1.3 (default 1.3)")
	fl.StringVar(&s.HandshakeFault, "misbehave", "", "what to do wrong in each handshake")
	fl.StringVar(&s.Body, "body", "", "the reply to a GET")
	fl.StringVar(&s.Text, "text", "", "what a banner says")
	fl.StringVar(&s.ECH, "ech", "", "read encrypted ClientHellos (RFC 9849), with this name in the outer one")
	fl.StringVar(&caOut, "ca-out", "", "write the CA's certificate to this PEM file")
	fl.StringVar(&echOut, "ech-out", "", "write what clients encrypt to, for --ech-config, to this PEM file")
	return cmd
}

// writeECH writes the configuration of encrypted ClientHellos.
func writeECH(name string, p *pki.PKI) error {
	if name == "" {
		return nil
	}
	if p == nil || p.ECH == nil {
		return usageError("--ech-out goes with --ech NAME: without it no ClientHello is read that is encrypted")
	}
	sayReplaced := replacing(name)
	if _, err := outfile.Write(name, p.ECH.ConfigPEM(), outfile.Public); err != nil {
		return fileError("--ech-out", err)
	}
	sayReplaced()
	return nil
}
