package handshake_test

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// needProgram finds a peer's program. Where the tests are the gate it must be
// there.
func needProgram(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("%s is not installed: scripts/setup.sh installs it", name)
	}
	return path
}

// pemFile writes blocks to a file of the test's own.
func pemFile(t testing.TB, name, typ string, ders ...[]byte) string {
	t.Helper()
	var b bytes.Buffer
	for _, der := range ders {
		pem.Encode(&b, &pem.Block{Type: typ, Bytes: der})
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func certFiles(t testing.TB, cert tls.Certificate) (certPath, keyPath string) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pemFile(t, "cert.pem", "CERTIFICATE", cert.Certificate...), pemFile(t, "key.pem", "PRIVATE KEY", key)
}

// openSSL is a running `openssl s_server` that answers each line turned around.
type openSSL struct{ addr string }

var accepting = regexp.MustCompile(`ACCEPT (127\.0\.0\.1:\d+)`)

func startOpenSSL(t testing.TB, cert tls.Certificate, args ...string) *openSSL {
	t.Helper()
	certPath, keyPath := certFiles(t, cert)
	return startOpenSSLArgs(t, append([]string{"-cert", certPath, "-key", keyPath}, args...)...)
}

func startOpenSSLArgs(t testing.TB, args ...string) *openSSL {
	t.Helper()
	args = append([]string{"s_server", "-accept", "127.0.0.1:0"}, args...)
	if !slices.Contains(args, "-early_data") { // which it does not take with the other
		args = append(args, "-rev")
	}
	cmd := exec.Command(needProgram(t, "openssl"), args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil { // at whose end it would stop
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("openssl says:\n%s", log.String())
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := accepting.FindStringSubmatch(lines.Text()); m != nil {
			go func() { // its later words are not needed, but must go somewhere
				for lines.Scan() {
				}
			}()
			return &openSSL{m[1]}
		}
	}
	t.Fatalf("openssl does not listen:\n%s", log.String())
	return nil
}

func dialPeer(t testing.TB, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(time.Minute)) // nothing waits for it: it ends a test that hangs
	t.Cleanup(func() { conn.Close() })
	return conn
}

// visit shakes hands, has a line turned around, and closes.
func (o *openSSL) visit(t *testing.T, cfg handshake.Config, signers ...crypto.Signer) handshake.State {
	t.Helper()
	w := theAuthority().worker()
	w.Signers = signers
	cfg.Random, cfg.ServerName = randomBytes(), serverName
	stream := dialPeer(t, o.addr)
	defer stream.Close() // s_server waits half a second for it, and takes one client at a time
	d := &driver{c: handshake.NewClient(cfg), w: w, stream: stream}
	if err := d.handshake(); err != nil {
		t.Fatal(err)
	}
	line := strings.Repeat("0123456789", 300)
	if err := d.write([]byte(line + "\n")); err != nil {
		t.Fatal(err)
	}
	want := []byte(line)
	slices.Reverse(want)
	want = append(want, '\n')
	if got, err := d.read(len(want)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
	d.c.CloseWrite()
	if err := d.flush(); err != nil {
		t.Error(err)
	}
	return d.c.State()
}

// openSSLSpeaks lists the suites that this OpenSSL was built with.
func openSSLSpeaks(t testing.TB) map[string]bool {
	t.Helper()
	out, err := exec.Command(needProgram(t, "openssl"), "ciphers", "-stdname", "ALL:eNULL:@SECLEVEL=0").Output()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(line, " ")
		names[name] = true
	}
	return names
}

var openAll = []string{"-cipher", "ALL:eNULL:@SECLEVEL=0", "-min_protocol", "TLSv1", "-max_protocol", "TLSv1.2"}

// Every suite in every version that has it, with encrypt-then-MAC and without.
func TestHandshakesWithOpenSSLAcrossVersionsAndSuites(t *testing.T) {
	speaks := openSSLSpeaks(t)
	servers := map[suite.Authentication]*openSSL{
		suite.AuthRSA:   startOpenSSL(t, theAuthority().cert("rsa"), openAll...),
		suite.AuthECDSA: startOpenSSL(t, theAuthority().cert("ecdsa256"), openAll...),
	}
	var met int
	for _, id := range slices.Concat(suite.IDs(), suite.LegacyIDs()) {
		if !speaks[id.String()] {
			continue
		}
		for v := tlsmsg.VersionTLS10; v <= tlsmsg.VersionTLS12; v++ {
			s := suite.Lookup(id).For(v)
			if s == nil {
				continue
			}
			for _, etm := range []bool{false, true} {
				if etm && !s.CBC() {
					continue
				}
				met++
				t.Run(fmt.Sprintf("%v/%v/etm=%v", id, v, etm), func(t *testing.T) {
					cfg := handshake.Config{CipherSuites: []tlsmsg.CipherSuite{id}, MinVersion: v, MaxVersion: v, Legacy: true}
					if !etm {
						cfg.Omit = []tlsmsg.ExtensionType{tlsmsg.ExtensionEncryptThenMAC}
					}
					got := servers[s.Authentication].visit(t, cfg)
					if got.CipherSuite != id || got.Version != v || got.EncryptThenMAC != etm || !got.Verified() || !got.ExtendedMasterSecret {
						t.Errorf("state %+v", got)
					}
					if dhe := s.KeyExchange == tlsmsg.KeyExchangeDHE; dhe != (got.DH.Bits > 0) {
						t.Errorf("group %v", got.DH)
					}
				})
			}
		}
	}
	if met < 60 {
		t.Errorf("%d handshakes, expected more", met)
	}
}

// What a session leaves behind is taken up again, by ID or by ticket, in a full
// handshake's fewer messages and with the old secret.
func TestSessionsAreResumedWithOpenSSL(t *testing.T) {
	cert := theAuthority().cert("rsa")
	for mode, args := range map[string][]string{"ticket": nil, "id": {"-no_ticket"}} {
		server := startOpenSSL(t, cert, append(slices.Clone(openAll), args...)...)
		for _, ems := range []bool{true, false} {
			for _, id := range []tlsmsg.CipherSuite{tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tlsmsg.TLS_RSA_WITH_AES_256_CBC_SHA} {
				for _, v := range []tlsmsg.Version{tlsmsg.VersionTLS10, tlsmsg.VersionTLS12} {
					if suite.Lookup(id).For(v) == nil {
						continue
					}
					t.Run(fmt.Sprintf("%s/ems=%v/%v/%v", mode, ems, id, v), func(t *testing.T) {
						cfg := handshake.Config{CipherSuites: []tlsmsg.CipherSuite{id}, MinVersion: v, MaxVersion: v, SessionTicket: true}
						if !ems {
							cfg.Omit = []tlsmsg.ExtensionType{tlsmsg.ExtensionExtendedMasterSecret}
						}
						first := server.visit(t, cfg)
						if first.Resumed || first.Session == nil || (len(first.Session.Ticket) > 0) != (mode == "ticket") {
							t.Fatalf("first: resumed %v, session %+v", first.Resumed, first.Session)
						}
						cfg.Session = first.Session
						for turn := range 3 {
							again := server.visit(t, cfg)
							if !again.Resumed || !again.Verified() || again.Session == nil || again.Session.Master != first.Session.Master {
								t.Fatalf("turn %d: %+v", turn, again)
							}
							cfg.Session = again.Session
						}
					})
				}
			}
		}
	}
}

func TestClientCertificatesAreProvenToOpenSSLInEveryVersion(t *testing.T) {
	a := theAuthority()
	ca := pemFile(t, "ca.pem", "CERTIFICATE", a.root.Raw)
	server := startOpenSSL(t, a.cert("rsa"), append(slices.Clone(openAll), "-Verify", "1", "-verify_return_error", "-CAfile", ca)...)
	for v := tlsmsg.VersionTLS10; v <= tlsmsg.VersionTLS12; v++ {
		for _, kind := range []string{"rsa", "ecdsa256", "ecdsa384", "ecdsa521", "ed25519"} {
			if v < tlsmsg.VersionTLS12 && kind == "ed25519" {
				continue
			}
			for _, id := range []tlsmsg.CipherSuite{tlsmsg.TLS_RSA_WITH_AES_128_CBC_SHA, tlsmsg.TLS_DHE_RSA_WITH_AES_128_CBC_SHA, tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA} {
				t.Run(fmt.Sprintf("%v/%s/%v", v, kind, id), func(t *testing.T) {
					cred, key := a.credential(t, kind)
					got := server.visit(t, handshake.Config{MinVersion: v, MaxVersion: v, CipherSuites: []tlsmsg.CipherSuite{id},
						Credentials: []handshake.Credential{cred}}, key)
					if got.Credential != 0 {
						t.Errorf("state %+v", got)
					}
				})
			}
		}
	}
}

// operatedOpenSSL is a server of OpenSSL's whose operator types, and what it says
// from then on.
func operatedOpenSSL(t *testing.T, cert tls.Certificate, version string) (addr string, typed io.Writer, lines *bufio.Scanner) {
	t.Helper()
	certPath, keyPath := certFiles(t, cert)
	cmd := exec.Command(needProgram(t, "openssl"), "s_server", "-accept", "127.0.0.1:0", version, "-cert", certPath, "-key", keyPath)
	typed, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	lines = bufio.NewScanner(out)
	for addr == "" && lines.Scan() {
		if m := accepting.FindStringSubmatch(lines.Text()); m != nil {
			addr = m[1]
		}
	}
	return addr, typed, lines
}

// OpenSSL's server asks for another handshake, and in it for a certificate, when
// its operator types R.
func TestRenegotiatesWithOpenSSL(t *testing.T) {
	a := theAuthority()
	addr, typed, lines := operatedOpenSSL(t, a.cert("rsa"), "-tls1_2")
	client := a.cert("ecdsa256")
	key := client.PrivateKey.(crypto.Signer)
	credential, err := worker.NewCredential(client.Certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	w := a.worker()
	w.Signers = []crypto.Signer{key}
	done := 0
	d := &driver{w: w, stream: dialPeer(t, addr), c: handshake.NewClient(handshake.Config{Random: randomBytes(), ServerName: serverName,
		Renegotiation: true, Credentials: []handshake.Credential{credential}, Events: func(e handshake.Event) {
			if _, ok := e.(handshake.FinishedEvent); ok {
				done++
			}
		}})}
	if err := d.handshake(); err != nil {
		t.Fatal(err)
	}
	for round := 2; round <= 3; round++ {
		if _, err := typed.Write([]byte("R\n")); err != nil {
			t.Fatal(err)
		}
		if err := d.until(func() bool { return done == round && d.c.CanWrite() }); err != nil {
			t.Fatal(err)
		}
		// It asks for a certificate once (SSL_VERIFY_CLIENT_ONCE).
		if st := d.c.State(); (st.Credential == 0) != (round == 2) || !st.SecureRenegotiation || !st.Verified() {
			t.Errorf("credential %d, secure %v, verified %v", st.Credential, st.SecureRenegotiation, st.Verified())
		}
		if err := d.write([]byte("heard\n")); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() && lines.Text() != "heard" {
		}
	}
	if lines.Err() != nil {
		t.Error(lines.Err())
	}
}
