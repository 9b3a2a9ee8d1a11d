// stunnel, with a program behind it.

package compare

import "testing"

// stunnel starts it with options of its service.
func stunnel(kind, options string) func(*testing.T, *site) {
	return func(t *testing.T, s *site) {
		p := s.papers.of(kind)[0]
		s.start(t, program(t, "stunnel4"), s.write(t, "stunnel.conf", stunnelConfig, s.addr(), p.cert, p.key, s.fill(options)))
	}
}

const stunnelConfig = `foreground = yes
pid =
debug = err
[site]
accept = %s
cert = %s
key = %s
exec = /bin/cat
%s
`

var stunnelServers = []server{
	{"stunnel", "as it comes", true, stunnel("RSA", "")},
	{"stunnel", "ECDSA, TLS 1.0 on, two groups, its own order", true, stunnel("ECDSA",
		"sslVersionMin = TLSv1\nsecurityLevel = 0\nciphers = ALL:@SECLEVEL=0\ncurves = P-256:X448\noptions = CIPHER_SERVER_PREFERENCE")},
	{"stunnel", "client certificates, no TLS 1.3", true, stunnel("RSA", "sslVersionMax = TLSv1.2\nverifyChain = yes\nCAfile = $ROOT")},
}
