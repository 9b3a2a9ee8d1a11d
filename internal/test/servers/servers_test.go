package servers

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/test/live"
)

// TestEachServerStartsTLS finishes a handshake with each, by OpenSSL's client where that
// knows the protocol: the servers are as the other tests take them to be.
func TestEachServerStartsTLS(t *testing.T) {
	each(t, Options{}, func(t *testing.T, l *lab.Lab, s *Running, p Port) {
		if out, err := oracle(t, l, s, p); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// TestAServerEndsWithItsTest leaves no process in the network.
func TestAServerEndsWithItsTest(t *testing.T) {
	need(t)
	l := live.New(t)
	var s *site
	t.Run("runs", func(t *testing.T) {
		s = newSite(t, l.Far(), "postfix", Options{}) // a parent of several
		startPostfix(s)
		s.await(25)
		if len(s.processes()) == 0 {
			t.Error("it has no process in the node's network")
		}
	})
	if s == nil { // the inner test was not asked for
		return
	}
	if left := s.processes(); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Errorf("its folder is left: %v", err)
	}
}

// each starts each server in a lab of its own, and visits its protocols.
func each(t *testing.T, o Options, f func(*testing.T, *lab.Lab, *Running, Port)) {
	for _, d := range All {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel() // they mostly wait
			visit(t, d, o, f)
		})
	}
}

// visit starts one.
func visit(t *testing.T, d Server, o Options, f func(*testing.T, *lab.Lab, *Running, Port)) {
	l := live.New(t)
	s := d.Start(t, l.Far(), o)
	for _, p := range d.Ports {
		t.Run(p.Protocol, func(t *testing.T) { f(t, l, s, p) })
	}
}

// oracle shakes hands after STARTTLS, and verifies the certificate.
func oracle(t *testing.T, l *lab.Lab, s *Running, p Port) (out []byte, err error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if p.Protocol == "rdp" { // unknown to OpenSSL's client
		return nil, remoteDesktop(ctx, l, s, p)
	}
	cmd := l.Near().CommandContext(ctx, "openssl", "s_client", "-starttls", p.Protocol, "-connect", s.Address(p).String(),
		"-servername", s.Name, "-name", s.Name, "-xmpphost", s.Name, "-CAfile", s.CA, "-verify_hostname", s.Name, "-verify_return_error", "-brief")
	cmd.Stdin = strings.NewReader("")
	out, err = cmd.CombinedOutput()
	if err == nil && !strings.Contains(string(out), "Verification: OK") {
		err = errors.New("no certificate was verified")
	}
	return out, err
}
