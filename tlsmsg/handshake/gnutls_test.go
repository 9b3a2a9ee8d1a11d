package handshake_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// startGnuTLS runs `gnutls-serv --echo` and returns its address.
func startGnuTLS(t testing.TB, cert tls.Certificate, priority string) *gnuTLS {
	t.Helper()
	certPath, keyPath := certFiles(t, cert)
	program := needProgram(t, "gnutls-serv")
	l, err := net.Listen("tcp4", "127.0.0.1:0") // gnutls-serv cannot choose a port
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr)
	l.Close()
	cmd := exec.Command(program, "--echo", "--port", strconv.Itoa(addr.Port), "--priority", priority,
		"--x509certfile", certPath, "--x509keyfile", keyPath, "--disable-client-cert")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("gnutls-serv says:\n%s", log.String())
		}
	})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp4", addr.String()); err == nil {
			conn.Close()
			return &gnuTLS{addr.String()}
		}
	}
	t.Fatal("gnutls-serv does not listen")
	return nil
}

type gnuTLS struct{ addr string }

// visit shakes hands, has something echoed, and closes.
func (g *gnuTLS) visit(t *testing.T, cfg handshake.Config) handshake.State {
	t.Helper()
	cfg.Random, cfg.ServerName = randomBytes(), serverName
	d := &driver{c: handshake.NewClient(cfg), w: theAuthority().worker(), stream: dialPeer(t, g.addr)}
	if err := d.handshake(); err != nil {
		t.Fatal(err)
	}
	// What comes back is about what a record brought, without its end of line.
	sent := append(bytes.Repeat([]byte("0123456789abcdef"), 60), '\n')
	if err := d.write(sent); err != nil {
		t.Fatal(err)
	}
	if got, err := d.read(1); err != nil || !bytes.HasPrefix(sent, got) {
		t.Errorf("echo of %d bytes: %q, %v", len(sent), got, err)
	}
	d.c.CloseWrite()
	d.flush()
	return d.c.State()
}

const gnuAll = "NORMAL:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.1:+VERS-TLS1.0:+RSA:+DHE-RSA:+AES-256-CBC:+AES-128-CBC:+SHA1:+SHA256:+SHA384:+3DES-CBC:+ARCFOUR-128:%COMPAT"

// GnuTLS knows RFC 7919, RFC 7366 and RFC 8449, and suites that this OpenSSL and
// crypto/tls are not built with.
func TestGnuTLSSpeaksTheNamedGroupsAndLimits(t *testing.T) {
	server := startGnuTLS(t, theAuthority().cert("rsa"), gnuAll)
	for _, group := range []tlsmsg.NamedGroup{tlsmsg.GroupFFDHE2048, tlsmsg.GroupFFDHE3072, tlsmsg.GroupFFDHE4096} {
		got := server.visit(t, handshake.Config{CipherSuites: []tlsmsg.CipherSuite{gcmDHE}, Groups: []tlsmsg.NamedGroup{group}})
		if got.Group != group || got.DH.Name != group.String() {
			t.Errorf("%v: group %v, %v", group, got.Group, got.DH)
		}
	}
	got := server.visit(t, handshake.Config{RecordSizeLimit: 512})
	if got.RecordSizeLimit == 0 {
		t.Errorf("no record_size_limit: %v", got.Extensions)
	}
	for v := tlsmsg.VersionTLS10; v <= tlsmsg.VersionTLS12; v++ {
		for _, id := range []tlsmsg.CipherSuite{cbcRSA, tlsmsg.TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA, tlsmsg.TLS_DHE_RSA_WITH_AES_256_CBC_SHA,
			tlsmsg.TLS_RSA_WITH_RC4_128_SHA, tlsmsg.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA} {
			t.Run(fmt.Sprintf("%v/%v", v, id), func(t *testing.T) {
				cfg := handshake.Config{CipherSuites: []tlsmsg.CipherSuite{id}, MinVersion: v, MaxVersion: v, SessionTicket: true}
				first := server.visit(t, cfg)
				if first.Version != v || first.CipherSuite != id || !first.Verified() {
					t.Errorf("%+v", first)
				}
				cfg.Session = first.Session
				if again := server.visit(t, cfg); !again.Resumed {
					t.Errorf("not resumed with %+v", first.Session)
				}
			})
		}
	}
}
