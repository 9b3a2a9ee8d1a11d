// Go's crypto/tls.

package compare

import (
	"crypto/tls"
	"net"
	"testing"
	"time"
)

// goServer serves with certificates of these kinds, and what configure changes.
func goServer(kinds string, configure func(*site, *tls.Config)) func(*testing.T, *site) {
	return func(t *testing.T, s *site) {
		cfg := &tls.Config{}
		for _, p := range s.papers.of(kinds) {
			cfg.Certificates = append(cfg.Certificates, p.tls)
		}
		configure(s, cfg)
		var l net.Listener
		s.host.Do(t, func() (err error) {
			l, err = net.Listen("tcp4", s.addr())
			return err
		})
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go greet(tls.Server(conn, cfg))
			}
		}()
	}
}

// greet answers whatever it is told.
func greet(conn *tls.Conn) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	b := make([]byte, 4096)
	if _, err := conn.Read(b); err == nil {
		conn.Write([]byte("HTTP/1.0 200 OK\r\n\r\nhello\n"))
	}
}

// everyGo is what crypto/tls has before TLS 1.3.
func everyGo() (ids []uint16) {
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		ids = append(ids, s.ID)
	}
	return ids
}

var goServers = []server{
	{"Go", "as it comes", true, goServer("RSA", func(*site, *tls.Config) {})},
	{"Go", "RSA and ECDSA, everything", true, goServer("both", func(_ *site, c *tls.Config) { c.MinVersion, c.CipherSuites = tls.VersionTLS10, everyGo() })},
	{"Go", "client certificates, two groups, ALPN", true, goServer("ECDSA", func(s *site, c *tls.Config) {
		c.ClientAuth, c.ClientCAs, c.NextProtos = tls.RequireAndVerifyClientCert, s.papers.pool, []string{"h2", "http/1.1"}
		c.CurvePreferences = []tls.CurveID{tls.CurveP384, tls.X25519}
	})},
}
