// HAProxy, which answers by itself.

package compare

import (
	"os"
	"path/filepath"
	"testing"
)

// haproxy starts it with options of its bind line.
func haproxy(kinds, options string) func(*testing.T, *site) {
	return func(t *testing.T, s *site) {
		// It finds the other kind beside the first, by the end of the name.
		for _, p := range s.papers.of(kinds) {
			b, err := os.ReadFile(p.both)
			must(t, err)
			must(t, os.WriteFile(filepath.Join(s.dir, "site.pem."+filepath.Base(p.cert[:len(p.cert)-len(".pem")])), b, 0o600))
		}
		path := s.write(t, "haproxy.cfg", haproxyConfig, s.addr(), filepath.Join(s.dir, "site.pem"), s.fill(options))
		s.start(t, program(t, "haproxy"), "-db", "-f", path)
	}
}

const haproxyConfig = `
defaults
	mode http
	timeout client 60s
frontend site
	bind %s ssl crt %s %s
	http-request return status 200
`

var haproxyServers = []server{
	{"HAProxy", "as it comes", true, haproxy("RSA", "")},
	{"HAProxy", "RSA and ECDSA, TLS 1.0 on, the client's order", true, haproxy("both", "ssl-min-ver TLSv1.0 ciphers DEFAULT@SECLEVEL=0 prefer-client-ciphers")},
	{"HAProxy", "client certificates, two groups, no tickets, ALPN", true, haproxy("ECDSA", "verify required ca-file $ROOT curves P-384:P-256 no-tls-tickets alpn h2,http/1.1")},
}
