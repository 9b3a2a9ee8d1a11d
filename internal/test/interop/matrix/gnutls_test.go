package matrix

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
)

// everyPriority is all that GnuTLS has of TLS 1.2.
const everyPriority = "NORMAL:-VERS-ALL:+VERS-TLS1.2:+RSA:+DHE-RSA:+ECDHE-RSA:+ECDHE-ECDSA:+AES-256-CBC:+AES-128-CBC:+3DES-CBC:+ARCFOUR-128:+NULL:" +
	"+SHA1:+SHA256:+SHA384:+MD5"

var gnutlsServer = &peer{
	name: "gnutls-serv", version: gnutlsVersion, suites: gnutlsSuites,
	lacks: func(cell) string { return "" },
	begin: func(t *testing.T, a *authority, kind string, auth bool) func(*testing.T, cell) error {
		addr := startGnuTLS(t, a, kind, auth, everyPriority)
		return func(_ *testing.T, c cell) error { return a.visit(addr, c) }
	},
}

// startGnuTLS runs GnuTLS's server, and returns its address.
func startGnuTLS(t *testing.T, a *authority, kind string, auth bool, priority string) string {
	addr, port := freeAddr(t)
	id := a.byKind[kind]
	args := []string{"--echo", "--port", port, "--priority", priority, "--x509certfile", id.certPath, "--x509keyfile", id.keyPath}
	if auth {
		args = append(args, "--require-client-cert", "--verify-client-cert", "--x509cafile", a.rootPath)
	} else {
		args = append(args, "--disable-client-cert")
	}
	startServer(t, addr, program(t, "gnutls-serv"), args...)
	return addr
}

var gnutlsClient = &peer{
	name: "gnutls-cli", version: gnutlsVersion, suites: gnutlsSuites,
	lacks: func(cell) string { return "" },
	begin: func(t *testing.T, a *authority, kind string, auth bool) func(*testing.T, cell) error {
		h := newHost(t, a)
		_, port, _ := strings.Cut(h.String(), ":")
		args := []string{"--port", port, "--priority", everyPriority, "--x509cafile", a.rootPath, "--sni-hostname", serverName,
			"--verify-hostname", serverName, "--resume"}
		if auth {
			args = append(args, "--x509certfile", a.byKind[kind].certPath, "--x509keyfile", a.byKind[kind].keyPath)
		}
		return func(t *testing.T, c cell) error {
			h.receive(c)
			this := args[:len(args):len(args)]
			if !c.ticket {
				this = append(this, "--noticket")
			}
			out, err := run(t, "hello\n", program(t, "gnutls-cli"), append(this, "127.0.0.1")...)
			if err != nil {
				return err
			}
			if !strings.Contains(out, "This is a resumed session") {
				return fmt.Errorf("it says\n%s", out)
			}
			return h.judge()
		}
	},
}

func gnutlsVersion(t *testing.T) string {
	return versionOf(t, `gnutls-cli ([0-9.]+)`, program(t, "gnutls-cli"), "--version")
}

var suiteNumber = regexp.MustCompile(`0x([0-9a-f]{2}), 0x([0-9a-f]{2})`)

func gnutlsSuites(t *testing.T) func(tlsmsg.CipherSuite) bool {
	out, err := exec.Command(program(t, "gnutls-cli"), "--list").Output()
	must(t, err)
	listed := map[tlsmsg.CipherSuite]bool{}
	for _, m := range suiteNumber.FindAllSubmatch(out, -1) {
		n, err := strconv.ParseUint(string(m[1])+string(m[2]), 16, 16)
		must(t, err)
		listed[tlsmsg.CipherSuite(n)] = true
	}
	return func(id tlsmsg.CipherSuite) bool { return listed[id] }
}
