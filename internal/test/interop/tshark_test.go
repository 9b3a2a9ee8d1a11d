package interop

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab/pki"
)

// TestTsharkReadsAndDecryptsOurCapture holds our pcapng and key log against
// Wireshark's decoders.
func TestTsharkReadsAndDecryptsOurCapture(t *testing.T) {
	tshark := needProgram(t, "tshark")
	l := newLab(t)
	f := newFiles(t, l.Far(), pki.ECDSAP256, "")
	startNginx(t, l.Far(), f, true)
	for _, suite := range []string{"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"} {
		t.Run(suite, func(t *testing.T) {
			dir := t.TempDir()
			pcap, keys := filepath.Join(dir, "out.pcapng"), filepath.Join(dir, "keys.txt")
			rawshake(t, l.Near(), "connect", "-q", "--get", "/", "--ca", f.ca, "--cert", f.clientCert, "--key", f.clientKey,
				"--ciphers", suite, "--pcap", pcap, "--keylog", keys, hostPort(l.Far(), peerPort)).want(t, 0)
			read := func(args ...string) string {
				t.Helper()
				args = append([]string{"-n", "-r", pcap, "-o", "tls.keylog_file:" + keys,
					"-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"}, args...)
				out, err := l.Near().Command(tshark, args...).Output()
				if err != nil {
					t.Fatalf("tshark %q: %v\n%s", args, err, out)
				}
				return string(out)
			}
			if bad := read("-Y", "_ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0"); bad != "" {
				t.Errorf("malformed, or with a bad checksum:\n%s", bad)
			}
			if good := read("-Y", "tcp.checksum.status == 1 && ip.checksum.status == 1"); strings.Count(good, "\n") < 8 {
				t.Errorf("tshark verified too few checksums to show anything:\n%s", good)
			}
			if page := read("-Y", "http.response.code == 200"); page == "" {
				t.Errorf("tshark does not find the decrypted reply:\n%s", read())
			}
			if get := read("-Y", `http.request.method == "GET"`); get == "" {
				t.Errorf("tshark does not find the decrypted request:\n%s", read())
			}
			finished := read("-Y", "tls.handshake.type == 20", "-T", "fields", "-e", "tls.handshake.type")
			if strings.Count(finished, "20") != 2 {
				t.Errorf("tshark decrypts %q of the two Finished messages", finished)
			}
		})
	}
}
