package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// What TLS 1.3 alone has can be asked of OpenSSL by connect's flags.
func TestFlagsOfTLS13AgainstOpenSSL(t *testing.T) {
	l := newLab(t)
	f := newFiles(t, l.Far(), pki.ECDSAP256, "")
	at := hostPort(l.Far(), peerPort)
	const key = "00112233445566778899aabbccddeeff"
	startPeer(t, l.Far(), needProgram(t, "openssl"), "s_server", "-tls1_3", "-www", "-accept", fmt.Sprint(peerPort), "-cert", f.cert, "-key", f.key,
		"-psk", key, "-psk_identity", "a:b", "-allow_no_dhe_kex")
	run := func(status int, args ...string) []string {
		t.Helper()
		return messages(entries(t, rawshake(t, l.Near(), append([]string{"connect", "--json", "--ca", f.ca, at}, args...)...).want(t, status).stdout))
	}
	has := func(what string, list []string, message string, want bool) {
		t.Helper()
		if slices.Contains(list, message) != want {
			t.Errorf("%s: %q in %q is %v, want %v", what, message, list, !want, want)
		}
	}

	has("a pre-shared key", run(0, "--psk", "a:b:"+key), "in certificate", false)
	has("a pre-shared key alone", run(0, "--psk", "a:b:"+key, "--psk-alone"), "in certificate", false)
	has("another's name", run(0, "--psk", "b:"+key), "in certificate", true)
	run(6, "--psk", "a:b:"+strings.Repeat("55", 16)) // the binder does not fit: decrypt_error

	for _, shares := range []string{"none", "X25519MLKEM768"} { // which OpenSSL 3.0 does not have
		list := run(0, "--key-shares", shares)
		if n := len(slices.DeleteFunc(list, func(m string) bool { return m != "out client_hello" })); n != 2 {
			t.Errorf("--key-shares %s: %d ClientHellos, want 2", shares, n)
		}
	}
	has("the right guess", run(0, "--key-shares", "secp256r1"), "out client_hello", true)

	got := func(args ...string) []string {
		t.Helper()
		return messages(entries(t, fetch13(t, l, append([]string{"connect", "--json", "--get", "/", "--ca", f.ca, at}, args...)...)))
	}
	has("a key update", got("--key-update"), "out key_update", true)
	has("a key update", got("--key-update"), "in key_update", true)
}

// A request goes with the ClientHello where the session allows it, and is sent
// again once the handshake is done where the server does not take it: a ticket
// is good for early data once.
func TestARequestGoesAsEarlyDataOrIsSentAgain(t *testing.T) {
	l := newLab(t)
	s, err := l.StartOurServer(service.Options{Tickets: true, EarlyData: true, ClientAuth: service.NoClientAuth})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	session := filepath.Join(t.TempDir(), "session.json")
	other := filepath.Join(t.TempDir(), "other.json")
	for _, c := range []struct {
		what, file      string
		requests, early int
	}{
		{"no session yet", session, 1, 0},
		{"a ticket", session, 1, 1},
		{"the same ticket again", other, 2, 0},
	} {
		if c.early > 0 {
			kept, err := os.ReadFile(session)
			if err == nil {
				err = os.WriteFile(other, kept, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		list := messages(entries(t, fetch13(t, l, "connect", "--json", "--get", "/", "--ca", s.CAFile(), s.Addr().String(), "--session-file", c.file, "--early-data")))
		count := func(message string) (n int) {
			for _, m := range list {
				if m == message {
					n++
				}
			}
			return n
		}
		if r, e := count("out application_data"), count("out end_of_early_data"); r != c.requests || e != c.early {
			t.Errorf("%s: the request is sent %d times, taken early %d times, want %d and %d: %q", c.what, r, e, c.requests, c.early, list)
		}
		seen, err := s.Next(t.Context())
		if err != nil || strings.Count(string(seen.Request), "GET / ") != 1 {
			t.Errorf("%s: the server sees the request %q, %v", c.what, seen.Request, err)
		}
	}
}
