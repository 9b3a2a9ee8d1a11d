package matrix

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

// everySuite is all that OpenSSL was built with, weak or not.
const everySuite = "ALL:eNULL:@SECLEVEL=0"

var opensslServer = &peer{
	name: "openssl s_server", version: opensslVersion, suites: opensslSuites,
	lacks: func(cell) string { return "" },
	begin: func(t *testing.T, a *authority, kind string, auth bool) func(*testing.T, cell) error {
		addr, port := freeAddr(t)
		id := a.byKind[kind]
		args := []string{"s_server", "-accept", "127.0.0.1:" + port, "-rev", "-cipher", everySuite, "-tls1_2", "-cert", id.certPath, "-key", id.keyPath}
		if auth {
			args = append(args, "-Verify", "1", "-verify_return_error", "-CAfile", a.rootPath)
		}
		startServer(t, addr, program(t, "openssl"), args...)
		return func(_ *testing.T, c cell) error { return a.visit(addr, c) }
	},
}

// A process for each connection: the first leaves its session in a file.
var opensslClient = &peer{
	name: "openssl s_client", version: opensslVersion, suites: opensslSuites,
	lacks: func(cell) string { return "" },
	begin: func(t *testing.T, a *authority, kind string, auth bool) func(*testing.T, cell) error {
		h := newHost(t, a)
		session := filepath.Join(t.TempDir(), "session")
		args := []string{"s_client", "-connect", h.String(), "-servername", serverName, "-verify_hostname", serverName,
			"-CAfile", a.rootPath, "-verify_return_error", "-tls1_2", "-cipher", everySuite}
		if auth {
			args = append(args, "-cert", a.byKind[kind].certPath, "-key", a.byKind[kind].keyPath)
		}
		return func(t *testing.T, c cell) error {
			h.receive(c)
			for _, more := range []string{"-sess_out", "-sess_in"} {
				this := append(args[:len(args):len(args)], more, session)
				if !c.ticket {
					this = append(this, "-no_ticket")
				}
				out, err := run(t, "hello\nQ\n", program(t, "openssl"), this...)
				if err != nil {
					return err
				}
				if !strings.Contains(out, "Verify return code: 0") || strings.Contains(out, "Reused, ") != (more == "-sess_in") {
					return fmt.Errorf("it says\n%s", out)
				}
			}
			return h.judge()
		}
	},
}

func opensslVersion(t *testing.T) string {
	return versionOf(t, `OpenSSL ([0-9.a-z]+)`, program(t, "openssl"), "version")
}

func opensslSuites(t *testing.T) func(tlsmsg.CipherSuite) bool {
	out, err := exec.Command(program(t, "openssl"), "ciphers", "-stdname", everySuite).Output()
	must(t, err)
	if len(out) == 0 {
		must(t, errors.New("openssl lists no suites"))
	}
	names := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(line, " ")
		names[name] = true
	}
	return func(id tlsmsg.CipherSuite) bool { return names[id.String()] }
}
