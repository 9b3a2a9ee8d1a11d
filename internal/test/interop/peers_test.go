package interop

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
)

const peerPort = 8443

func addresses(n *lab.Node) []netip.Addr {
	list := []netip.Addr{n.Addr(), netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}
	if n.Addr6().IsValid() {
		list = append(list, n.Addr6())
	}
	return list
}

// A peer is a TLS server that nobody here wrote.
type peer struct {
	name  string
	start func(t *testing.T, n *lab.Node, f files, clientAuth bool)
}

var tlsPeers = []peer{
	{"openssl", startOpenSSL},
	{"nginx", startNginx},
	{"gnutls", startGnuTLS},
}

func startOpenSSL(t *testing.T, n *lab.Node, f files, clientAuth bool) {
	args := []string{"s_server", "-tls1_2", "-www", "-accept", fmt.Sprint(peerPort), "-cert", f.cert, "-key", f.key, "-CAfile", f.ca}
	if clientAuth {
		args = append(args, "-Verify", "1", "-verify_return_error")
	}
	startPeer(t, n, needProgram(t, "openssl"), args...)
}

func startGnuTLS(t *testing.T, n *lab.Node, f files, clientAuth bool) {
	args := []string{"--http", "--port", fmt.Sprint(peerPort), "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2",
		"--x509certfile", f.cert, "--x509keyfile", f.key, "--x509cafile", f.ca, "--disable-client-cert"}
	if clientAuth {
		args = append(args[:len(args)-1], "--require-client-cert", "--verify-client-cert")
	}
	startPeer(t, n, needProgram(t, "gnutls-serv"), args...)
}

func startNginx(t *testing.T, n *lab.Node, f files, clientAuth bool) {
	verify := "off"
	if clientAuth {
		verify = "on"
	}
	startNginxNaming(t, n, f, verify, f.ca)
}

// startNginxNaming lets the server name the issuers of certificates in a file, and
// take those of the CA.
func startNginxNaming(t *testing.T, n *lab.Node, f files, verify, named string) {
	dir := t.TempDir()
	config := fmt.Sprintf(`
daemon off; master_process off; pid %[1]s/pid; error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;
  server {
    listen %[2]d ssl;
    ssl_certificate %[3]s; ssl_certificate_key %[4]s; ssl_protocols TLSv1.2;
    ssl_client_certificate %[5]s; ssl_trusted_certificate %[7]s; ssl_verify_client %[6]s;
    location / { return 200 "hello from nginx\n"; }
  }
}`, dir, peerPort, f.cert, f.key, named, verify, f.ca)
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	startPeer(t, n, needProgram(t, "nginx"), "-p", dir, "-c", path, "-e", "stderr")
}

// startPeer runs a server in a node until the test ends.
func startPeer(t *testing.T, n *lab.Node, name string, args ...string) {
	t.Helper()
	cmd := n.Command(name, args...)
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if _, err := cmd.StdinPipe(); err != nil { // some end with their input
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s says:\n%s", filepath.Base(name), log.String())
		}
	})
	waitListening(t, n, fmt.Sprintf("127.0.0.1:%d", peerPort))
}

// handshakeWith lists the messages of a handshake as a client sees them.
func handshakeWith(clientAuth bool) []string {
	list := []string{"out client_hello", "in server_hello", "in certificate", "in server_key_exchange"}
	if clientAuth {
		list = append(list, "in certificate_request")
	}
	list = append(list, "in server_hello_done")
	if clientAuth {
		list = append(list, "out certificate")
	}
	list = append(list, "out client_key_exchange")
	if clientAuth {
		list = append(list, "out certificate_verify")
	}
	return append(list, "out change_cipher_spec", "out finished", "in change_cipher_spec", "in finished")
}

// TestFetchFromRealServers is the whole path: our SYN to a page, from each
// peer, with each kind of certificate, with and without a client certificate,
// over a veth pair and over loopback.
func TestFetchFromRealServers(t *testing.T) {
	for _, p := range tlsPeers {
		for _, key := range []pki.KeyType{pki.ECDSAP256, pki.RSA2048} {
			for _, auth := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/client-auth=%v", p.name, key, auth), func(t *testing.T) {
					l := newLab(t)
					f := newFiles(t, l.Far(), key, "")
					p.start(t, l.Far(), f, auth)
					t.Run("veth", func(t *testing.T) { fetch(t, l.Near(), l.Far().Addr().String(), f, auth) })
					t.Run("loopback", func(t *testing.T) { fetch(t, l.Far(), "127.0.0.1", f, auth) })
				})
			}
		}
	}
}

func fetch(t *testing.T, n *lab.Node, address string, f files, auth bool) {
	args := []string{"connect", "--json", "--get", "/", "--ca", f.ca, net.JoinHostPort(address, fmt.Sprint(peerPort))}
	if auth {
		args = append(args, "--cert", f.clientCert, "--key", f.clientKey)
	}
	r := rawshake(t, n, args...).want(t, 0)
	if !strings.HasPrefix(r.stdout, "HTTP/1.") || !strings.Contains(r.stdout, " 200 ") {
		t.Errorf("the reply is not a page:\n%s", r.stdout)
	}
	list := entries(t, r.stderr)
	got := messages(list)
	got = slices.DeleteFunc(got, func(m string) bool { return m == "in new_session_ticket" })
	if want := handshakeWith(auth); len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("messages\n%q\nwant first\n%q", got, want)
	}
	res := list[len(list)-1]
	if !res.OK || !res.PeerVerified || res.Version != "TLS 1.2" || res.Outcome != "data" || res.RTT <= 0 {
		t.Errorf("result %+v", res)
	}
}
