// OpenSSL's s_server.

package compare

import "testing"

// everySuite is all that OpenSSL was built with, weak or not.
const everySuite = "ALL:COMPLEMENTOFALL:eNULL:@SECLEVEL=0"

// sServer starts it with a certificate, and more arguments. It says what
// comes on its standard input, which is nothing: with -www and -rev it sleeps for a
// second where a client asks for another handshake.
func sServer(kinds string, args ...string) func(*testing.T, *site) {
	return func(t *testing.T, s *site) {
		all := append([]string{"s_server", "-accept", s.addr(), "-quiet"}, args...)
		for i, p := range s.papers.of(kinds) {
			d := []string{"", "d"}[i]
			all = append(all, "-"+d+"cert", p.cert, "-"+d+"key", p.key)
		}
		s.start(t, program(t, "openssl"), all...)
	}
}

var opensslServers = []server{
	{"OpenSSL", "as it comes", true, sServer("RSA")},
	{"OpenSSL", "RSA and ECDSA, TLS 1.0 on", true, sServer("both", "-cipher", "DEFAULT@SECLEVEL=0")},
	{"OpenSSL", "everything it has, its own order and DH group", true, func(t *testing.T, s *site) {
		sServer("both", "-cipher", everySuite, "-ciphersuites", everySuite13, "-serverpref", "-dhparam", s.papers.dh)(t, s)
	}},
	{"OpenSSL", "ECDSA, two groups, ChaCha20 by the client's wish", true, sServer("ECDSA", "-serverpref", "-prioritize_chacha", "-groups", "P-384:X25519")},
	{"OpenSSL", "client certificates", true, func(t *testing.T, s *site) {
		sServer("RSA", "-Verify", "1", "-verify_return_error", "-CAfile", s.papers.root, "-serverpref")(t, s)
	}},
	{"TLS 1.2 only", "OpenSSL, RSA and ECDSA, its own order", false, sServer("both", "-tls1_2", "-serverpref")},
	{"TLS 1.3 only", "OpenSSL, Ed25519, CCM too", false, sServer("Ed25519", "-tls1_3", "-ciphersuites", everySuite13)},
}

// everySuite13 is all that OpenSSL has of TLS 1.3.
const everySuite13 = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256"
