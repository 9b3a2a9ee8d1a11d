// GnuTLS's gnutls-serv.

package compare

import "testing"

// gnutls starts it with a priority string, and more arguments.
func gnutls(kinds, priority string, args ...string) func(*testing.T, *site) {
	return func(t *testing.T, s *site) {
		all := append([]string{"--http", "--port", "443", "--priority", priority}, args...)
		for i := range all {
			all[i] = s.fill(all[i])
		}
		for _, p := range s.papers.of(kinds) {
			all = append(all, "--x509certfile", p.cert, "--x509keyfile", p.key)
		}
		s.start(t, program(t, "gnutls-serv"), all...)
	}
}

// everyPriority is all that GnuTLS has and that needs no password, but for what
// is anonymous or does not encrypt: with that it speaks no TLS 1.3.
const everyPriority = "NORMAL:+VERS-TLS1.0:+VERS-TLS1.1:+VERS-TLS1.2:+VERS-TLS1.3:+DHE-RSA:+RSA:+ARCFOUR-128:+3DES-CBC:" +
	"+CAMELLIA-128-CBC:+CAMELLIA-256-CBC:+CAMELLIA-128-GCM:+CAMELLIA-256-GCM:+AES-128-CCM-8:+AES-256-CCM-8:+MD5:+SHA1:+SHA256:+SHA384:" +
	"+GROUP-ALL:+SIGN-ALL:%SERVER_PRECEDENCE"

var gnutlsServers = []server{
	{"GnuTLS", "as it comes", true, gnutls("RSA", "NORMAL", "--disable-client-cert")},
	{"GnuTLS", "RSA and ECDSA, everything, its own order and DH group", true, gnutls("both", everyPriority, "--disable-client-cert", "--dhparams", "$DH")},
	{"GnuTLS", "ECDSA, two groups, AES-CCM", true, gnutls("ECDSA", "SECURE128:-GROUP-ALL:+GROUP-SECP384R1:+GROUP-X25519", "--disable-client-cert")},
	{"GnuTLS", "client certificates", true, gnutls("RSA", "NORMAL:-VERS-TLS-ALL:+VERS-TLS1.2", "--require-client-cert", "--x509cafile", "$ROOT")},
}
