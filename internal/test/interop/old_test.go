package interop

import (
	"crypto/rand"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
)

// startOldOpenSSL serves pages as a host of old does: TLS 1.0 to maxVersion, and
// whatever else the arguments say.
func startOldOpenSSL(t *testing.T, n *lab.Node, f files, maxVersion string, args ...string) {
	all := []string{"s_server", "-www", "-accept", fmt.Sprint(peerPort), "-cert", f.cert, "-key", f.key,
		"-min_protocol", "TLSv1", "-max_protocol", maxVersion}
	if !slices.Contains(args, "-cipher") {
		all = append(all, "-cipher", "ALL:@SECLEVEL=0")
	}
	startPeer(t, n, needProgram(t, "openssl"), append(all, args...)...)
}

// A host that speaks TLS 1.0 alone is refused with the flag that takes it, and
// taken with the flag.
func TestOldVersionsAreAnExplicitChoice(t *testing.T) {
	l := newLab(t)
	f := newFiles(t, l.Far(), pki.RSA2048, "")
	startOldOpenSSL(t, l.Far(), f, "TLSv1")
	at := hostPort(l.Far(), peerPort)
	rawshake(t, l.Near(), "connect", "-q", "--ca", f.ca, at).want(t, 6).says(t, "alert", "protocol_version")
	r := rawshake(t, l.Near(), "connect", "--json", "--ca", f.ca, "--min-version", "1.0", at).want(t, 0)
	list := entries(t, r.stdout)
	if res := list[len(list)-1]; res.Version != "TLS 1.0" || !res.OK {
		t.Errorf("result %+v", res)
	}
	rawshake(t, l.Near(), "connect", "--min-version", "1.2", "--max-version", "1.0", at).want(t, 2).says(t, "--min-version 1.2 is more than --max-version 1.0")
	rawshake(t, l.Near(), "connect", "--min-version", "1.4", at).want(t, 2).says(t, "is not one of 1.0, 1.1, 1.2")
}

// Small Diffie-Hellman groups are refused with the bound and the flag that
// lowers it, and reported with what is odd about them.
func TestSmallGroupsAreRefusedUnderABound(t *testing.T) {
	l := newLab(t)
	f := newFiles(t, l.Far(), pki.RSA2048, "")
	prime, err := rand.Prime(rand.Reader, 1024) // hardly a safe one
	if err != nil {
		t.Fatal(err)
	}
	der, err := asn1.Marshal(struct{ P, G *big.Int }{prime, big.NewInt(2)}) // PKCS #3, DHParameter
	if err != nil {
		t.Fatal(err)
	}
	params := writeFile(t, "dh.pem", pem.EncodeToMemory(&pem.Block{Type: "DH PARAMETERS", Bytes: der}))
	startOldOpenSSL(t, l.Far(), f, "TLSv1.2", "-dhparam", params, "-cipher", "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0")
	at := hostPort(l.Far(), peerPort)
	rawshake(t, l.Near(), "connect", "-q", "--ca", f.ca, at).want(t, 6).
		says(t, "an unregistered 1024-bit group", "expected at least 2048", "insufficient_security", "--min-dh-bits")
	rawshake(t, l.Near(), "connect", "-q", "--ca", f.ca, "--legacy", at).want(t, 0)
	r := rawshake(t, l.Near(), "connect", "--json", "--ca", f.ca, "--min-dh-bits", "1000", at).want(t, 0)
	if !strings.Contains(r.stdout, "an unregistered 1024-bit group, whose prime is not a safe one") {
		t.Errorf("the group is not reported:\n%s", r.stdout)
	}
}

// A session of one run is resumed by the next, with fewer messages; a file that
// is broken is a warning.
func TestASessionFileResumesWithRealServers(t *testing.T) {
	for _, p := range tlsPeers {
		t.Run(p.name, func(t *testing.T) {
			l := newLab(t)
			f := newFiles(t, l.Far(), pki.RSA2048, "")
			p.start(t, l.Far(), f, false)
			path := filepath.Join(t.TempDir(), "sessions")
			if err := os.WriteFile(path, []byte("broken"), 0o644); err != nil {
				t.Fatal(err)
			}
			connect := func() run {
				return rawshake(t, l.Near(), "connect", "--json", "--get", "/", "--ca", f.ca, "--session-file", path, hostPort(l.Far(), peerPort)).want(t, 0)
			}
			first := connect().says(t, "warning: --session-file", "not a session file")
			if slices.Contains(messages(entries(t, jsonLines(first.stderr))), "in certificate") == false {
				t.Error("the first handshake is not a full one")
			}
			if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
				t.Errorf("session file: %v, %v", info.Mode(), err)
			}
			for range 2 {
				list := entries(t, connect().stderr)
				got := messages(list)
				got = slices.DeleteFunc(got, func(m string) bool { return m == "in new_session_ticket" })
				want := []string{"out client_hello", "in server_hello", "in change_cipher_spec", "in finished", "out change_cipher_spec", "out finished"}
				if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
					t.Errorf("messages\n%q\nwant first\n%q", got, want)
				}
				if res := list[len(list)-1]; !res.OK || !res.PeerVerified || res.Outcome != "data" {
					t.Errorf("result %+v", res)
				}
			}
		})
	}
}

// jsonLines leaves warnings out.
func jsonLines(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if strings.HasPrefix(line, "{") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// What has no meaning to a server is passed over by it, and an extension of the
// user's own goes out as it is.
func TestGREASEAndRawExtensionsAreOffered(t *testing.T) {
	for _, p := range tlsPeers {
		t.Run(p.name, func(t *testing.T) {
			l := newLab(t)
			f := newFiles(t, l.Far(), pki.ECDSAP256, "")
			p.start(t, l.Far(), f, false)
			at := hostPort(l.Far(), peerPort)
			r := rawshake(t, l.Near(), "connect", "--view", "fields", "--ca", f.ca, "--grease", "--extension", "4660:cafe", at).want(t, 0)
			if !strings.Contains(r.stdout, "GREASE (0x") || !strings.Contains(r.stdout, "cafe") && !strings.Contains(r.stdout, "ca fe") {
				t.Errorf("not offered:\n%s", r.stdout)
			}
			for _, bad := range []string{"1", "70000:00", "1:0", "x:00", "1:zz"} {
				rawshake(t, l.Near(), "connect", "--extension", bad, at).want(t, 2).says(t, "--extension")
			}
		})
	}
}

// What the options add to the ClientHello goes out, and real servers answer it
// as their RFCs say: records of the asked size, no extended master secret where
// it is left out, and a fallback that was not needed refused.
func TestOptionsOfTheClientHelloAreAnsweredByRealServers(t *testing.T) {
	l := newLab(t)
	f := newFiles(t, l.Far(), pki.RSA2048, "")
	startPeer(t, l.Far(), needProgram(t, "gnutls-serv"), "--http", "--port", fmt.Sprint(peerPort), "--x509certfile", f.cert, "--x509keyfile", f.key,
		"--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.1", "--disable-client-cert")
	at := hostPort(l.Far(), peerPort)
	r := rawshake(t, l.Near(), "connect", "--view", "fields", "--ca", f.ca, "--record-size-limit", "512", "--pad-to", "700",
		"--omit-extension", "extended_master_secret,22", at).want(t, 0)
	for _, want := range []string{"padding", "record_size_limit"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("no %s in\n%s", want, r.stdout)
		}
	}
	if strings.Contains(r.stdout, "extended_master_secret") || strings.Contains(r.stdout, "encrypt_then_mac") {
		t.Errorf("what was to be left out is in\n%s", r.stdout)
	}
	rawshake(t, l.Near(), "connect", "-q", "--ca", f.ca, "--min-version", "1.1", "--max-version", "1.1", "--fallback-scsv", at).want(t, 6).
		says(t, "inappropriate_fallback")
	rawshake(t, l.Near(), "connect", "--record-size-limit", "63", at).want(t, 2).says(t, "64 to 16384")
	rawshake(t, l.Near(), "connect", "--pad-to", "-1", at).want(t, 2).says(t, "--pad-to")
	rawshake(t, l.Near(), "connect", "--omit-extension", "nothing", at).want(t, 2).says(t, "--omit-extension")
}

// Any suite can be offered by number: one that cannot be finished here shows the
// certificate, and ends after ServerHelloDone with a clear word.
func TestASuiteOfferedByNumberEndsAfterServerHelloDone(t *testing.T) {
	l := newLab(t)
	f := newFiles(t, l.Far(), pki.RSA2048, "")
	startOldOpenSSL(t, l.Far(), f, "TLSv1.2")
	at := hostPort(l.Far(), peerPort)
	for _, number := range []string{"0xC09D", "0xC09E", "0xC0A0", "0x0041"} { // CCM, and Camellia
		r := rawshake(t, l.Near(), "connect", "--json", "--ca", f.ca, "--ciphers", number, at).want(t, 6).says(t, "was offered for its number alone: this side cannot finish it")
		got := messages(entries(t, r.stdout))
		if want := "in server_hello_done"; !slices.Contains(got, want) || !slices.Contains(got, "in certificate") || slices.Contains(got, "out client_key_exchange") {
			t.Errorf("%s: messages %q, expected to end after %s", number, got, want)
		}
	}
}
