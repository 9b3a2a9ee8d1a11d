package explain

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// in13 are captures of TLS 1.3 with their secrets, and how many connections each
// holds.
var in13 = map[string]int{
	"tls13.pcapng": 1, "tls13-hello-retry.pcapng": 1, "tls13-resumed.pcapng": 2, "tls13-early-data.pcapng": 3,
	"tls13-key-update.pcapng": 1, "tls13-gnutls.pcap": 1, "tls13-hybrid.pcapng": 1, "rawshake13.pcapng": 1,
}

// Every record of TLS 1.3 is decrypted where the secrets are at hand, each Finished
// is what the messages before it make it, and the handshake's end is said once.
func TestEveryRecordOfTLS13IsDecrypted(t *testing.T) {
	for file, connections := range in13 {
		for _, stream := range []bool{false, true} {
			for conn := 1; conn <= connections; conn++ {
				o := Options{Filter: Filter{Conn: conn}}
				if log := filepath.Join(captures, file+".keys"); strings.HasSuffix(file, ".pcap") {
					o.KeyLog = log
				}
				out, _ := explained(t, file, "ladder", o, stream)
				if strings.Contains(out, "not decrypted") || strings.Contains(out, "does not") {
					t.Errorf("%s, connection %d, stream %v: not decrypted:\n%s", file, conn, stream, out)
				}
				if n := strings.Count(out, "both Finished messages agree"); n != 1 || strings.Count(out, "verify_data") != 2 {
					t.Errorf("%s, connection %d, stream %v: %d times both Finished:\n%s", file, conn, stream, n, out)
				}
			}
		}
	}
}

// Early data is shown where its secret is at hand, whether or not the server took
// it, and its lack hides nothing else.
func TestEarlyDataIsDecryptedByItsOwnSecret(t *testing.T) {
	const file, early = "tls13-early-data.pcapng", "said before the server has answered"
	var rest []string
	for _, line := range secretsOf(t, file) {
		if !strings.HasPrefix(line, "CLIENT_EARLY") && !strings.HasPrefix(line, "EARLY_") {
			rest = append(rest, line)
		}
	}
	log := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(log, []byte(strings.Join(rest, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	public := stripped(t, file)
	for conn := 2; conn <= 3; conn++ {
		taken := conn == 2
		out, _ := explained(t, file, "ladder", Options{Filter: Filter{Conn: conn}}, false)
		if !strings.Contains(out, early) || strings.Contains(out, "EndOfEarlyData") != taken {
			t.Errorf("connection %d:\n%s", conn, out)
		}
		out, _ = explained(t, public, "ladder", Options{Filter: Filter{Conn: conn}, KeyLog: log}, false)
		flat := strings.Join(strings.Fields(out), " ")
		if strings.Contains(out, early) || strings.Count(out, "not decrypted") > 2 || !strings.Contains(flat, "this is early data of TLS 1.3, and no CLIENT_EARLY_TRAFFIC_SECRET") ||
			!strings.Contains(out, "hello") || !strings.Contains(out, "✔ data") {
			t.Errorf("connection %d without the secret of early data:\n%s", conn, out)
		}
	}
}

// Where a secret is missing, what the others open is shown all the same.
func TestEachSecretOfTLS13OpensItsOwn(t *testing.T) {
	const file = "tls13.pcapng"
	for label, hidden := range map[string][]string{
		"SERVER_HANDSHAKE_TRAFFIC_SECRET": {"CN=server.lab.test"},
		"CLIENT_HANDSHAKE_TRAFFIC_SECRET": {},
		"SERVER_TRAFFIC_SECRET_0":         {"NewSessionTicket", "HTTP/1.0 200 ok"},
		"CLIENT_TRAFFIC_SECRET_0":         {"GET / HTTP/1.0"},
	} {
		var rest []string
		for _, line := range secretsOf(t, file) {
			if !strings.HasPrefix(line, label) {
				rest = append(rest, line)
			}
		}
		log := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(log, []byte(strings.Join(rest, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		out, _ := explained(t, stripped(t, file), "ladder", Options{KeyLog: log}, false)
		for _, what := range []string{"CN=server.lab.test", "NewSessionTicket", "HTTP/1.0 200 ok", "GET / HTTP/1.0"} {
			want := true
			for _, h := range hidden {
				want = want && h != what
			}
			if strings.Contains(out, what) != want {
				t.Errorf("without %s, %q is shown: %v, want %v\n%s", label, what, !want, want, out)
			}
		}
		if strings.Contains(out, "does not decrypt") {
			t.Errorf("without %s:\n%s", label, out)
		}
	}
}

// A compressed certificate is read as it is, and judged; what Chromium adds without
// meaning (GREASE, also of an encrypted ClientHello) misleads nobody.
func TestACompressedCertificateOfChromiumsIsRead(t *testing.T) {
	for _, stream := range []bool{false, true} {
		out, _ := explained(t, "tls13-compressed.pcapng", "ladder", Options{Filter: Filter{Conn: 3}}, stream)
		for _, want := range []string{"CompressedCertificate", "CN=server.lab.test", "both Finished messages agree", "GET / HTTP/1.1", "another inside (ECH"} {
			if !strings.Contains(out, want) {
				t.Errorf("no %q in\n%s", want, out)
			}
		}
		if strings.Contains(out, "not decrypted") || strings.Contains(out, "not known here") {
			t.Errorf("dark:\n%s", out)
		}
	}
}
