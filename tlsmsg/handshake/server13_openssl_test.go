package handshake_test

import (
	"bufio"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// sClient has `openssl s_client` shake hands with a server, send a line and read it
// back; typed is a command of its operator's before that.
func sClient(t *testing.T, s *handshake.Server, w *worker.Worker, typed string, args ...string) (said string) {
	t.Helper()
	return sClientBy(t, func(stream net.Conn) error { return echo(s, w, stream) }, typed, args...)
}

// sClientBy is sClient for a server that is moved in another way.
func sClientBy(t *testing.T, serve func(net.Conn) error, typed string, args ...string) (said string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	done := make(chan error, 1)
	go func() {
		stream, err := ln.Accept()
		if err != nil {
			done <- err
			return
		}
		defer stream.Close()
		done <- serve(stream)
	}()
	ca := pemFile(t, "ca.pem", "CERTIFICATE", theAuthority().root.Raw)
	cmd := exec.Command(needProgram(t, "openssl"), append([]string{"s_client", "-connect", ln.Addr().String(), "-servername", serverName,
		"-verify_hostname", serverName, "-verify_return_error", "-CAfile", ca}, args...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	if typed == "" {
		typed = "the line\n"
	}
	fmt.Fprint(in, typed)
	var all strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fmt.Fprintln(&all, lines.Text())
		switch lines.Text() {
		case "KEYUPDATE":
			fmt.Fprint(in, "the line\n")
		case "the line":
			fmt.Fprint(in, "Q\n")
		}
	}
	in.Close()
	ln.Close() // it has come, or will not
	if err := <-done; err != nil && !strings.Contains(all.String(), "the line") {
		t.Fatalf("%v\nopenssl says:\n%s", err, all.String())
	}
	return all.String()
}

func TestOpenSSLsClientOfTLS13(t *testing.T) {
	a := theAuthority()
	cert, key := certFiles(t, a.cert("ecdsa384"))
	for name, tc := range map[string]struct {
		args  []string
		typed string
		edit  func(*handshake.ServerConfig)
		check func(handshake.State) bool
	}{
		"plain":        {},
		"both":         {},
		"ChaCha20":     {args: []string{"-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"}, check: func(s handshake.State) bool { return s.CipherSuite == tlsmsg.TLS_CHACHA20_POLY1305_SHA256 }},
		"AES-256":      {args: []string{"-ciphersuites", "TLS_AES_256_GCM_SHA384"}, check: func(s handshake.State) bool { return s.CipherSuite == tlsmsg.TLS_AES_256_GCM_SHA384 }},
		"P-521":        {args: []string{"-groups", "P-521"}, check: func(s handshake.State) bool { return s.Group == tlsmsg.GroupSecp521r1 }},
		"a field":      {args: []string{"-groups", "ffdhe2048"}, check: func(s handshake.State) bool { return s.Group == tlsmsg.GroupFFDHE2048 }},
		"retry":        {args: []string{"-groups", "X25519:P-384"}, edit: func(c *handshake.ServerConfig) { c.Groups = []tlsmsg.NamedGroup{tlsmsg.GroupSecp384r1} }, check: func(s handshake.State) bool { return s.Group == tlsmsg.GroupSecp384r1 }},
		"a cookie":     {edit: func(c *handshake.ServerConfig) { c.Cookie = []byte("once more") }},
		"no spec":      {args: []string{"-no_middlebox"}},
		"a client's":   {args: []string{"-cert", cert, "-key", key}, edit: func(c *handshake.ServerConfig) { c.ClientAuth = handshake.ClientAuthRequire }, check: func(s handshake.State) bool { return s.Verified() }},
		"without one":  {edit: func(c *handshake.ServerConfig) { c.ClientAuth = handshake.ClientAuthRequest }, check: func(s handshake.State) bool { return !s.Judged }},
		"key updates":  {typed: "K\n"},
		"ALPN":         {args: []string{"-alpn", "h3,h2"}, edit: func(c *handshake.ServerConfig) { c.ALPN = []string{"h2"} }, check: func(s handshake.State) bool { return s.ALPN == "h2" }},
		"TLS 1.2 only": {args: []string{"-tls1_2"}, check: func(s handshake.State) bool { return s.Version == tlsmsg.VersionTLS12 }},
		"short":        {args: []string{"-max_send_frag", "512"}},
		"an external PSK": {args: []string{"-psk_identity", "me", "-psk", strings.Repeat("17", 32)},
			edit: func(c *handshake.ServerConfig) {
				c.PSKs = []handshake.PSK{{Identity: []byte("me"), Key: slices.Repeat([]byte{0x17}, 32)}}
			},
			check: func(s handshake.State) bool { return string(s.PSKIdentity) == "me" && s.Scheme == 0 }},
		"an external PSK alone": {args: []string{"-psk_identity", "me", "-psk", strings.Repeat("17", 32), "-allow_no_dhe_kex"},
			edit: func(c *handshake.ServerConfig) {
				c.PSKAlone = true
				c.PSKs = []handshake.PSK{{Identity: []byte("me"), Key: slices.Repeat([]byte{0x17}, 32)}}
			},
			check: func(s handshake.State) bool { return string(s.PSKIdentity) == "me" }},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, w := a.serverConfig(t, "rsa", "ecdsa256")
			cfg.MaxVersion = tlsmsg.VersionTLS13
			if tc.edit != nil {
				tc.edit(&cfg)
			}
			s := handshake.NewServer(cfg)
			args := tc.args
			if !slices.Contains(args, "-tls1_2") && name != "both" {
				args = append(slices.Clone(args), "-tls1_3")
			}
			said := sClient(t, s, w, tc.typed, args...)
			if st := s.State(); st.Version != tlsmsg.VersionTLS13 && name != "TLS 1.2 only" || tc.check != nil && !tc.check(st) {
				t.Errorf("%+v\n%s", st, said)
			}
		})
	}
}

// OpenSSL resumes what it was given a ticket for.
func TestOpenSSLsClientResumesTLS13(t *testing.T) {
	cfg, w := theAuthority().serverConfig(t, "ecdsa256")
	cfg.MaxVersion, cfg.Tickets = tlsmsg.VersionTLS13, true
	w.Sessions = &worker.Sessions{Key: make([]byte, 32)}
	file := filepath.Join(t.TempDir(), "session")
	for round, args := range [][]string{{"-sess_out", file}, {"-sess_in", file, "-sess_out", file}, {"-sess_in", file, "-groups", "P-384:X25519"}} {
		if round == 2 {
			cfg.Groups = []tlsmsg.NamedGroup{tlsmsg.GroupX25519}
		}
		cfg.Random = randomBytes()
		s := handshake.NewServer(cfg)
		said := sClient(t, s, w, "", append(args, "-tls1_3")...)
		if st := s.State(); st.Resumed != (round > 0) {
			t.Errorf("round %d: %+v\n%s", round, st, said)
		}
	}
}
