// Apache's mod_ssl.

package compare

import (
	"fmt"
	"strings"
	"testing"
)

// apache starts it with certificates, and directives.
func apache(kinds, directives string) func(*testing.T, *site) {
	return func(t *testing.T, s *site) {
		var certificates strings.Builder
		for _, p := range s.papers.of(kinds) {
			fmt.Fprintf(&certificates, "SSLCertificateFile %s\nSSLCertificateKeyFile %s\n", p.cert, p.key)
		}
		path := s.write(t, "httpd.conf", apacheConfig, s.dir, "/usr/lib/apache2/modules", s.addr(), &certificates, s.fill(directives))
		s.start(t, program(t, "apache2"), "-d", s.dir, "-f", path, "-X", "-E", "/dev/stderr") // one process, which ends with the test
	}
}

const apacheConfig = `PidFile %[1]s/pid
Mutex file:%[1]s
User nobody
Group nogroup
ServerName peer.example
ErrorLog error.log
LoadModule mpm_event_module %[2]s/mod_mpm_event.so
LoadModule authz_core_module %[2]s/mod_authz_core.so
LoadModule socache_shmcb_module %[2]s/mod_socache_shmcb.so
LoadModule ssl_module %[2]s/mod_ssl.so
Listen %[3]s
DocumentRoot %[1]s
SSLEngine on
%[4]s
%[5]s
`

var apacheServers = []server{
	{"Apache", "as it comes", true, apache("RSA", "")},
	{"Apache", "RSA and ECDSA, TLS 1.0 on, its own order, session cache", true, apache("both",
		"SSLProtocol all +TLSv1 +TLSv1.1\nSSLCipherSuite DEFAULT@SECLEVEL=0\nSSLHonorCipherOrder on\nSSLSessionCache shmcb:cache(512000)")},
	{"Apache", "client certificates, two groups", true, apache("ECDSA",
		"SSLVerifyClient require\nSSLCACertificateFile $ROOT\nSSLOpenSSLConfCmd Curves P-521:P-256\nSSLSessionTickets off")},
}
