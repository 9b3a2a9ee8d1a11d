package handshake_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// OpenSSL's client against our server over loopback: every key exchange, with a
// client certificate, and a second connection that resumes by ticket.
func TestOpenSSLsClientAgainstOurServer(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	a := theAuthority()
	dir := t.TempDir()
	file := func(name, typ string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, err := x509.MarshalPKCS8PrivateKey(a.cert("ecdsa256").PrivateKey.(crypto.Signer))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"s_client", "-CAfile", file("root.pem", "CERTIFICATE", a.root.Raw), "-verify_return_error", "-servername", serverName,
		"-verify_hostname", serverName, "-tls1_2", "-cert", file("cert.pem", "CERTIFICATE", a.cert("ecdsa256").Certificate[0]),
		"-key", file("key.pem", "PRIVATE KEY", key)}
	for _, id := range []tlsmsg.CipherSuite{tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tlsmsg.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		tlsmsg.TLS_DHE_RSA_WITH_AES_256_GCM_SHA384, tlsmsg.TLS_RSA_WITH_AES_128_CBC_SHA} {
		t.Run(id.String(), func(t *testing.T) {
			cfg, w := a.serverConfig(t, "rsa", "ecdsa256")
			cfg.CipherSuites, cfg.ClientAuth, cfg.Tickets = []tlsmsg.CipherSuite{id}, handshake.ClientAuthRequire, true
			w.Sessions = &worker.Sessions{Key: make([]byte, 32)}
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			for _, more := range [][]string{{"-sess_out", filepath.Join(dir, "session")}, {"-sess_in", filepath.Join(dir, "session")}} {
				cfg.Random = randomBytes()
				s := handshake.NewServer(cfg)
				served := make(chan error, 1)
				go func() {
					conn, err := listener.Accept()
					if err == nil {
						err = echo(s, w, conn)
						conn.Close()
					}
					served <- err
				}()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				cmd := exec.CommandContext(ctx, openssl, append(append(args, "-connect", listener.Addr().String()), more...)...)
				cmd.Stdin = strings.NewReader("hello\nQ\n")
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				if err := <-served; err != nil {
					t.Fatalf("server: %v\n%s", err, out)
				}
				state, resumed := s.State(), more[0] == "-sess_in"
				if state.Resumed != resumed || !state.Verified() || !bytes.Contains(out, []byte("Verify return code: 0")) ||
					bytes.Contains(out, []byte("Reused, ")) != resumed {
					t.Errorf("resumed=%v: server %+v\n%s", resumed, state, out)
				}
				if row := suite.Lookup(id); row.KeyExchange == tlsmsg.KeyExchangeDHE && !resumed && state.Group != tlsmsg.GroupFFDHE2048 {
					t.Error(fmt.Sprint("group ", state.Group))
				}
			}
		})
	}
}
