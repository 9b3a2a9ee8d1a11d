package matrix

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// another is a group to guess where a cell's is not to be guessed.
func another(g tlsmsg.NamedGroup) tlsmsg.NamedGroup {
	if g == tlsmsg.GroupSecp256r1 {
		return tlsmsg.GroupX25519
	}
	return tlsmsg.GroupSecp256r1
}

var ownGroups = slices.Concat(curves13, suite.FFDHEGroups())

var opensslNames = map[tlsmsg.NamedGroup]string{tlsmsg.GroupX25519: "X25519", tlsmsg.GroupSecp256r1: "P-256", tlsmsg.GroupSecp384r1: "P-384", tlsmsg.GroupSecp521r1: "P-521"}

// opensslGroups are groups by OpenSSL's names.
func opensslGroups(groups ...tlsmsg.NamedGroup) string {
	var names []string
	for _, g := range groups {
		name := opensslNames[g]
		if name == "" {
			name = g.String()
		}
		names = append(names, name)
	}
	return strings.Join(names, ":")
}

var opensslServer13 = &peer13{
	name: opensslServer.name, groups: ownGroups, lacks: lacksNothing,
	begin: func(t *testing.T, a *authority, kind string, auth bool) func(*testing.T, cell13) error {
		addr, port := freeAddr(t)
		id := a.byKind[kind]
		args := []string{"s_server", "-accept", "127.0.0.1:" + port, "-rev", "-tls1_3", "-groups", opensslGroups(ownGroups...), "-cert", id.certPath, "-key", id.keyPath}
		if auth {
			args = append(args, "-Verify", "1", "-verify_return_error", "-CAfile", a.rootPath)
		}
		startServer(t, addr, program(t, "openssl"), args...)
		return func(_ *testing.T, c cell13) error {
			// With -rev it sleeps for a second after each KeyUpdate: a few must do.
			return a.visit13(addr, c, c.kind == "P-256" && c.group == tlsmsg.GroupX25519)
		}
	},
}

// A process for each connection: the first leaves its session in a file. It
// guesses the first group that it names.
var opensslClient13 = &peer13{
	name: opensslClient.name, groups: ownGroups, lacks: lacksNothing,
	begin: func(t *testing.T, a *authority, kind string, auth bool) func(*testing.T, cell13) error {
		h := newHost13(t, a)
		session := filepath.Join(t.TempDir(), "session")
		args := []string{"s_client", "-connect", h.String(), "-servername", serverName, "-verify_hostname", serverName,
			"-CAfile", a.rootPath, "-verify_return_error", "-tls1_3", "-ign_eof"}
		if auth {
			args = append(args, "-cert", a.byKind[kind].certPath, "-key", a.byKind[kind].keyPath)
		}
		return func(t *testing.T, c cell13) error {
			h.receive(c)
			for _, more := range []string{"-sess_out", "-sess_in"} {
				groups := []tlsmsg.NamedGroup{c.group}
				if c.retry() {
					groups = []tlsmsg.NamedGroup{another(c.group), c.group}
				}
				this := append(args[:len(args):len(args)], "-groups", opensslGroups(groups...), more, session)
				out, err := run(t, "hello\n", program(t, "openssl"), this...)
				if err != nil {
					return err
				}
				if !strings.Contains(out, "Verify return code: 0") || strings.Contains(out, "Reused, ") != (more == "-sess_in") {
					return fmt.Errorf("it says\n%s", out)
				}
			}
			return h.judge(c.retry())
		}
	},
}

// everyPriority13 is all that GnuTLS has of TLS 1.3, without its groups.
const everyPriority13 = "NORMAL:-VERS-ALL:+VERS-TLS1.3"

var gnutlsServer13 = &peer13{
	name: gnutlsServer.name, groups: ownGroups, lacks: lacksNothing,
	begin: func(t *testing.T, a *authority, kind string, auth bool) func(*testing.T, cell13) error {
		addr := startGnuTLS(t, a, kind, auth, everyPriority13)
		return func(_ *testing.T, c cell13) error { return a.visit13(addr, c, true) }
	},
}

// gnutlsGroups are groups as a priority string has them.
func gnutlsGroups(groups ...tlsmsg.NamedGroup) (text string) {
	for _, g := range groups {
		text += ":+GROUP-" + strings.ToUpper(g.String())
	}
	return text
}

var gnutlsClient13 = &peer13{
	name: gnutlsClient.name, groups: ownGroups, lacks: lacksNothing,
	begin: func(t *testing.T, a *authority, kind string, auth bool) func(*testing.T, cell13) error {
		h := newHost13(t, a)
		h.abrupt = true // it says close_notify only if its input ends before our close_notify comes
		_, port, _ := strings.Cut(h.String(), ":")
		args := []string{"--port", port, "--x509cafile", a.rootPath, "--sni-hostname", serverName,
			"--verify-hostname", serverName, "--resume", "--waitresumption", "--single-key-share"}
		if auth {
			args = append(args, "--x509certfile", a.byKind[kind].certPath, "--x509keyfile", a.byKind[kind].keyPath)
		}
		return func(t *testing.T, c cell13) error {
			h.receive(c)
			groups := []tlsmsg.NamedGroup{c.group}
			if c.retry() {
				groups = []tlsmsg.NamedGroup{another(c.group), c.group}
			}
			priority := everyPriority13 + ":-GROUP-ALL" + gnutlsGroups(groups...)
			out, err := run(t, "hello\n", program(t, "gnutls-cli"), append(args[:len(args):len(args)], "--priority", priority, "127.0.0.1")...)
			if err != nil {
				return err
			}
			if !strings.Contains(out, "This is a resumed session") {
				return fmt.Errorf("it says\n%s", out)
			}
			return h.judge(c.retry())
		}
	},
}

var nginxServer13 = &peer13{
	name: nginxServer.name, groups: ownGroups, lacks: lacksNothing,
	begin: func(t *testing.T, a *authority, kind string, auth bool) func(*testing.T, cell13) error {
		addr := startNginx(t, a, kind, auth, fmt.Sprintf("ssl_protocols TLSv1.3; ssl_conf_command Groups %s;", opensslGroups(ownGroups...)))
		return func(_ *testing.T, c cell13) error { return a.visit13(addr, c, true) }
	},
}

// Go has the hybrids, and no finite fields.
var goGroups13 = slices.Concat(suite.HybridGroups(), curves13)

func goLacks13(c cell13) string {
	if c.kind == "RSA-PSS" {
		return "crypto/x509 does not know keys that are tied to RSA-PSS (crypto/tls server, crypto/tls client)"
	}
	return ""
}

var goServer13 = &peer13{
	name: goServer.name, groups: goGroups13, lacks: goLacks13,
	begin: func(t *testing.T, a *authority, kind string, auth bool) func(*testing.T, cell13) error {
		cfg := &tls.Config{Certificates: []tls.Certificate{a.byKind[kind].tls}, MinVersion: tls.VersionTLS13, ClientCAs: a.roots, CurvePreferences: goCurves(goGroups13...)}
		if auth {
			cfg.ClientAuth = tls.RequireAndVerifyClientCert
		}
		addr := listen(t, echoGo(cfg)).String()
		return func(_ *testing.T, c cell13) error { return a.visit13(addr, c, true) }
	},
}

func goCurves(groups ...tlsmsg.NamedGroup) (list []tls.CurveID) {
	for _, g := range groups {
		list = append(list, tls.CurveID(g))
	}
	return list
}

// goGuess is a group that Go's client guesses before another; 0: it guesses that
// one in any case, since it orders groups by itself.
func goGuess(g tlsmsg.NamedGroup) tlsmsg.NamedGroup {
	switch g {
	case tlsmsg.GroupX25519MLKEM768:
		return 0
	case tlsmsg.GroupX25519:
		return tlsmsg.GroupSecP256r1MLKEM768
	}
	return tlsmsg.GroupX25519MLKEM768
}

// Go's client chooses among the suites of TLS 1.3 by itself, and so our server,
// which has one only, chooses for it.
var goClient13 = &peer13{
	name: goClient.name, groups: goGroups13, lacks: goLacks13,
	begin: func(t *testing.T, a *authority, kind string, auth bool) func(*testing.T, cell13) error {
		h := newHost13(t, a)
		return func(t *testing.T, c cell13) error {
			guess := goGuess(c.group)
			retried := c.retry() && guess != 0
			cfg := &tls.Config{RootCAs: a.roots, ServerName: serverName, MinVersion: tls.VersionTLS13,
				CurvePreferences: goCurves(c.group), ClientSessionCache: tls.NewLRUClientSessionCache(1)}
			if retried {
				cfg.CurvePreferences = goCurves(guess, c.group)
			}
			if auth {
				cfg.Certificates = []tls.Certificate{a.byKind[kind].tls}
			}
			h.receive(c)
			for _, resumed := range []bool{false, true} {
				if err := dialGo13(h, cfg, resumed); err != nil {
					return err
				}
			}
			return h.judge(retried)
		}
	},
}

// dialGo13 shakes hands, has a request answered, and reads to the end, for the
// ticket.
func dialGo13(addr net.Addr, cfg *tls.Config, resumed bool) error {
	conn, err := tls.Dial("tcp4", addr.String(), cfg)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if got := conn.ConnectionState().DidResume; got != resumed {
		return fmt.Errorf("resumed=%v, expected %v", got, resumed)
	}
	if _, err := conn.Write([]byte(request)); err != nil {
		return err
	}
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != request {
		return fmt.Errorf("the echo is %q, %w", got, err)
	}
	return nil
}
