package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
)

// startApache serves /open to anybody and /private to clients with a
// certificate, which it asks for inside the connection.
func startApache(t *testing.T, n *lab.Node, f files) {
	dir, err := os.MkdirTemp("", "apache") // open to its children, unlike the test's own
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	os.Chmod(dir, 0o755)
	for _, path := range []string{"open", "private"} {
		if err := os.WriteFile(filepath.Join(dir, path), []byte("this is "+path+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	modules := "/usr/lib/apache2/modules"
	config := fmt.Sprintf(`
ServerRoot %[1]s
PidFile pid
Mutex file:%[1]s
User nobody
Group nogroup
ServerName localhost
ErrorLog error.log
LoadModule mpm_event_module %[2]s/mod_mpm_event.so
LoadModule authz_core_module %[2]s/mod_authz_core.so
LoadModule ssl_module %[2]s/mod_ssl.so
Listen %[3]d
DocumentRoot %[1]s
SSLEngine on
SSLProtocol TLSv1.2
SSLCertificateFile %[4]s
SSLCertificateKeyFile %[5]s
SSLCACertificateFile %[6]s
<Location /private>
SSLVerifyClient require
SSLVerifyDepth 3
</Location>
`, dir, modules, peerPort, f.cert, f.key, f.ca)
	path := filepath.Join(dir, "conf")
	if err := os.WriteFile(path, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	startPeer(t, n, needProgram(t, "apache2"), "-d", dir, "-f", path, "-X", "-E", "/dev/stderr") // one process, which ends with the test
}

// Apache asks for a certificate only for some paths, by another handshake
// inside the connection. If that is allowed, it works over our TCP and the
// kernel's; if refused, the error names the option that would help; if allowed
// without a certificate, the error says that one is missing.
func TestApacheAsksForACertificateInsideTheConnection(t *testing.T) {
	l := newLab(t)
	f := newFiles(t, l.Far(), pki.RSA2048, "")
	startApache(t, l.Far(), f)
	base := []string{"connect", "--json", "--ca", f.ca, hostPort(l.Far(), peerPort), "--get"}
	cert := []string{"--cert", f.clientCert, "--key", f.clientKey}
	with := func(path string, args ...string) []string {
		return append(append(append([]string{}, base...), path), args...)
	}

	r := rawshake(t, l.Near(), with("/open", "--renegotiation")...).want(t, 0)
	if !strings.HasSuffix(r.stdout, "this is open\n") {
		t.Errorf("the open path: %q", r.stdout)
	}
	for _, link := range []string{"auto", "kernel"} {
		r = rawshake(t, l.Near(), with("/private", append(cert, "--renegotiation", "--link", link)...)...).want(t, 0)
		if !strings.HasSuffix(r.stdout, "this is private\n") {
			t.Errorf("link %s: %q", link, r.stdout)
		}
		list := strings.Join(messages(entries(t, r.stderr)), ", ")
		if strings.Count(list, "out client_hello") != 2 || !strings.Contains(list, "in hello_request, out client_hello") ||
			strings.Count(list, "out certificate_verify") != 1 || strings.Count(list, "in finished") != 2 {
			t.Errorf("link %s: messages %s", link, list)
		}
	}
	r = rawshake(t, l.Near(), with("/private", cert...)...).want(t, 6)
	if got := last(t, r); got.Reasons[0].Code != "renegotiation_wanted" || !strings.Contains(got.Reasons[0].Remedy, "--renegotiation") {
		t.Errorf("refused: %+v", got.Reasons)
	}
	if strings.Contains(r.stderr, "read tcp") {
		t.Errorf("a library's words:\n%s", r.stderr)
	}
	r = rawshake(t, l.Near(), with("/private", "--renegotiation")...).want(t, 6)
	if got := last(t, r); got.Reasons[0].Code != "client_certificate_required" || !strings.Contains(got.Reasons[0].Remedy, "--cert") {
		t.Errorf("without a certificate: %+v", got.Reasons)
	}
}

// A user who gives a certificate knows better than a server that names too few
// issuers: the certificate is sent, and the server decides.
func TestACertificateIsSentToAServerThatDoesNotNameItsIssuer(t *testing.T) {
	l := newLab(t)
	f := newFiles(t, l.Far(), pki.RSA2048, "")
	other, stranger := newFiles(t, l.Far(), pki.RSA2048, ""), newFiles(t, l.Far(), pki.RSA2048, "")
	startNginxNaming(t, l.Far(), f, "on", other.ca)
	args := []string{"connect", "--json", "--ca", f.ca, "--get", "/", hostPort(l.Far(), peerPort)}
	for _, tc := range []struct {
		files
		reply string
		name  string
	}{{f, "hello from nginx", "credential_sent"}, {stranger, "400", "credential_sent"}, {files{}, "400", "credential_none"}} {
		with := args
		if tc.clientCert != "" {
			with = append(append([]string{}, args...), "--cert", tc.clientCert, "--key", tc.clientKey)
		}
		r := rawshake(t, l.Near(), with...)
		if !strings.Contains(r.stdout, tc.reply) || !strings.Contains(r.stderr, tc.name) {
			t.Errorf("%+v: status %d\n%s%s", tc.files, r.status, r.stdout, r.stderr)
		}
	}
}
