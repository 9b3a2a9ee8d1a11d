// Sets up the network, the certificates and the server.

package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"github.com/vishvananda/netlink"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
)

// serverPort is where the server listens, in the far node.
const serverPort = 443

// ourSource is a second address of the near node, for our clients. The kernel
// keeps the ports of theirs in TIME-WAIT for a minute, and ours, which hold
// their port by binding it, would run into those.
var ourSource = netip.MustParsePrefix("198.18.0.3/24")

// certificates makes a CA and a server's certificate for the task.
func (t *task) certificates() error {
	made, err := pki.New(pki.Options{})
	if err != nil {
		return err
	}
	t.CA, t.Cert, t.ServerName = made.CA.Cert.Raw, made.Server.Cert.Raw, pki.ServerName
	t.Key, err = x509.MarshalPKCS8PrivateKey(made.Server.Key)
	return err
}

// linkCounters reads how many packets have crossed a node's end of the link.
func linkCounters(n *lab.Node) (c netlink.LinkStatistics, err error) {
	err = n.Do(func() error {
		dev, err := netlink.LinkByName(n.Interface())
		if err != nil {
			return err
		}
		if dev.Attrs().Statistics == nil {
			return fmt.Errorf("the kernel keeps no counters of %s", n.Interface())
		}
		c = *dev.Attrs().Statistics
		return nil
	})
	return c, err
}

// startServer starts the server on a node and fills in where it listens. It
// ends with the lab.
func startServer(ctx context.Context, n *lab.Node, cpu int, t *task) error {
	of := *t
	of.Role, of.Server = roleServer, netip.AddrPortFrom(n.Addr(), serverPort)
	in, err := json.Marshal(of)
	if err != nil {
		return err
	}
	child := childCommand(ctx, n, cpu)
	child.Stderr = os.Stderr
	// The write end stays open as long as this process lives. Then the server
	// ends too.
	stdin, err := child.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	if _, err := stdin.Write(in); err != nil {
		return fmt.Errorf("the server does not take its task: %w", err)
	}
	if err := json.NewDecoder(stdout).Decode(&t.Server); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("the server does not start: %w", err)
	}
	return nil
}

// notes collects what keeps a run from being as it should be.
type notes struct{ io.Writer }

func (n notes) add(format string, args ...any) {
	fmt.Fprintln(n, "note: "+strings.TrimSpace(fmt.Sprintf(format, args...)))
}
