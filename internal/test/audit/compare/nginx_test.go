// nginx: OpenSSL's library under another program's hands.

package compare

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// nginx starts it with certificates, and directives.
func nginx(kinds string, directives string) func(*testing.T, *site) {
	return func(t *testing.T, s *site) {
		var certificates strings.Builder
		for _, p := range s.papers.of(kinds) {
			fmt.Fprintf(&certificates, "ssl_certificate %s; ssl_certificate_key %s;\n", p.cert, p.key)
		}
		s.start(t, program(t, "nginx"), "-e", "stderr", "-p", s.dir, "-c", s.write(t, "nginx.conf", nginxConfig, s.dir, s.addr(), &certificates, s.fill(directives)))
	}
}

// write makes a file in the server's directory.
func (s *site) write(t *testing.T, name, format string, values ...any) string {
	path := filepath.Join(s.dir, name)
	must(t, os.WriteFile(path, fmt.Appendf(nil, format, values...), 0o600))
	return path
}

// fill puts in what nobody knows beforehand, and what is long.
func (s *site) fill(text string) string {
	return strings.NewReplacer("$ROOT", s.papers.root, "$DH", s.papers.dh, "$EVERY", everySuite).Replace(text)
}

const nginxConfig = `daemon off;
master_process off;
pid %s/pid;
error_log stderr warn;
events {}
http {
	access_log off;
	server {
		listen %s ssl backlog=1024;
		%s
		%s
		location / { return 200 "hello\n"; }
	}
}
`

var nginxServers = []server{
	{"nginx", "as it comes", false, nginx("RSA", "")},
	{"nginx", "RSA and ECDSA, everything, its own order and DH group", true, nginx("both",
		"ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers $EVERY; ssl_prefer_server_ciphers on; ssl_dhparam $DH;")},
	{"nginx", "one group, ChaCha20 by the client's wish, session cache", true, nginx("ECDSA",
		"ssl_prefer_server_ciphers on; ssl_conf_command Options PrioritizeChaCha; ssl_ecdh_curve secp384r1; ssl_session_cache shared:a:1m; ssl_session_tickets off;")},
	{"nginx", "client certificates", true, nginx("RSA", "ssl_verify_client on; ssl_client_certificate $ROOT;")},
}
