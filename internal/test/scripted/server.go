// Package scripted is a TLS server that agrees to what a test says, from SSL
// 2.0 to TLS 1.3, as old servers did that nobody packages any more. It answers a
// ClientHello with its first flight and knows no key: what it signs is signed in
// form alone, and no handshake with it comes to its end.
package scripted

import (
	"net"
	"sync"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
)

// A Server is what a server agrees to. Lists are in its order of preference.
type Server struct {
	Suites      map[tlsmsg.Version][]tlsmsg.CipherSuite // of each version that it speaks
	CiphersV2   []uint32                                // those of SSL 2.0; nil: it does not speak that
	ClientOrder bool                                    // the client's order of suites decides
	Groups      []tlsmsg.NamedGroup                     // for ECDHE, and in TLS 1.3; nil: X25519 and P-256
	Schemes     []tlsmsg.SignatureScheme                // that it signs with in TLS 1.2; nil: those of SHA-256
	Chains      []Chain                                 // the first one that fits the suite is sent
	Default     []Chain                                 // in their place where no server_name came; nil: Chains
	Extensions  []tlsmsg.ExtensionType                  // that it answers where the client offers them
	Silent      map[tlsmsg.Version]bool                 // versions in which it answers none
	Deflate     bool                                    // it compresses where the client offers that
	SCSV        bool                                    // it knows TLS_FALLBACK_SCSV (RFC 7507)
	DH          Group                                   // of DHE and anonymous Diffie-Hellman
	ExportDH    Group                                   // of their suites for export
	SameKey     bool                                    // its ephemeral keys are the same in all connections
	Refuses     func(net.Conn)                          // what it does where nothing fits; nil: it says so by an alert
	Faults      []Fault                                 // what it cannot bear; the first that fits counts
	PerSecond   int                                     // connections that it bears in a second; more are reset. 0: any number

	mu     sync.Mutex
	second time.Time
	count  int
}

// A Chain is a certificate, and what its key can do.
type Chain struct {
	Chain [][]byte
	ECDSA bool // else RSA
}

// A Group is one of Diffie-Hellman's.
type Group struct{ P, G []byte }

// Sound is a server that nothing can be said against: TLS 1.2 and 1.3 with
// forward secrecy and AEAD alone.
func Sound(chain Chain) *Server {
	return &Server{
		Suites: map[tlsmsg.Version][]tlsmsg.CipherSuite{
			tlsmsg.VersionTLS13: {tlsmsg.TLS_AES_128_GCM_SHA256, tlsmsg.TLS_AES_256_GCM_SHA384},
			tlsmsg.VersionTLS12: {tlsmsg.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tlsmsg.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
		},
		Chains:     []Chain{chain},
		Extensions: []tlsmsg.ExtensionType{tlsmsg.ExtensionRenegotiationInfo, tlsmsg.ExtensionExtendedMasterSecret, tlsmsg.ExtensionEncryptThenMAC},
		SCSV:       true,
	}
}

// Serve answers one connection. It ends where the conversation does.
func (s *Server) Serve(conn net.Conn) {
	if s.tired() {
		reset(conn)
		return
	}
	in := &reader{conn: conn}
	for first := true; ; first = false {
		hello, err := in.hello(first)
		switch {
		case err != nil:
			return
		case hello.v2:
			if !s.answerV2(conn) {
				return
			}
		case !s.answer(conn, hello):
			return
		}
	}
}

// tired reports whether this connection is one too many.
func (s *Server) tired() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.PerSecond == 0 {
		return false
	}
	if now := time.Now(); now.Sub(s.second) >= time.Second {
		s.second, s.count = now, 0
	}
	s.count++
	return s.count > s.PerSecond
}

// answer answers one ClientHello. It reports whether more may come.
func (s *Server) answer(conn net.Conn, hello *Hello) bool {
	for _, f := range s.Faults {
		if f.When(hello) {
			f.How(conn)
			return false
		}
	}
	c, alert := s.choose(hello)
	if c == nil {
		if s.Refuses != nil {
			s.Refuses(conn)
			return false
		}
		Alert(alert)(conn)
		return false
	}
	if c.version >= tlsmsg.VersionTLS13 {
		return s.send(conn, c, s.hello13(c)) && c.retry
	}
	return s.send(conn, c, s.flight(c)...)
}

// send writes messages, as many to a record as fit.
func (s *Server) send(conn net.Conn, c *chosen, messages ...tlsmsg.Message) bool {
	var b, out []byte
	for _, m := range messages {
		b = tlsmsg.Append(b, m, c.context())
	}
	for len(b) > 0 {
		n := min(len(b), tlsmsg.MaxPlaintext)
		out = tlsmsg.AppendRecord(out, tlsmsg.Record{Type: tlsmsg.ContentHandshake, Version: min(c.version, tlsmsg.VersionTLS12), Fragment: b[:n]})
		b = b[n:]
	}
	_, err := conn.Write(out)
	return err == nil
}
