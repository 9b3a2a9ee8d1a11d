// Package servers starts Debian's servers that have STARTTLS, for tests: as they are
// packaged, configured as their documentation says, in a lab. They need not be
// installed: scripts/servers.sh unpacks them, and [Main] puts them where they expect to
// be. Only tests use it.
package servers

import (
	"net/netip"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
)

// A Server is one server program, which may speak several protocols.
type Server struct {
	Name  string
	Ports []Port
	start func(s *site)
}

// A Port is where a server speaks a protocol.
type Port struct {
	Protocol string // as --starttls and openssl s_client name it
	Number   uint16
}

// All are the servers that there are, each by another hand, and those of a protocol
// side by side.
var All = []Server{
	{"postfix", []Port{{"smtp", 25}}, startPostfix},
	{"exim", []Port{{"smtp", 25}}, startExim},
	{"dovecot", []Port{{"imap", 143}, {"pop3", 110}, {"lmtp", 24}, {"sieve", 4190}}, startDovecot},
	{"courier", []Port{{"imap", 143}, {"pop3", 110}}, startCourier},
	{"vsftpd", []Port{{"ftp", 21}}, startVsftpd},
	{"prosody", []Port{{"xmpp", 5222}, {"xmpp-server", 5269}}, startProsody},
	{"slapd", []Port{{"ldap", 389}}, startSlapd},
	{"postgres", []Port{{"postgres", 5432}}, startPostgres},
	{"mariadb", []Port{{"mysql", 3306}}, startMariaDB},
	{"inn", []Port{{"nntp", 119}}, startINN},
	{"inspircd", []Port{{"irc", 6667}}, startInspIRCd}, // ngIRCd has TLS, but no STARTTLS
	{"xrdp", []Port{{"rdp", 3389}}, startXrdp},
}

// Options are how a server is configured.
type Options struct {
	WithoutTLS bool // it speaks its protocol, and has no STARTTLS
	NoKey      bool // its certificate and key are not where they should be: some offer TLS all the same
}

// A Running is a server that has started.
type Running struct {
	Server
	Name string   // for which its certificate is, and by which it calls itself
	CA   string   // the file of the CA that signed it
	PKI  *pki.PKI // the certificate, and the CA's
	node *lab.Node
}

// Address is where the server speaks a protocol.
func (r *Running) Address(p Port) netip.AddrPort { return netip.AddrPortFrom(r.node.Addr(), p.Number) }

// Start starts the server on a node, on all addresses and on its own ports, until the
// test ends. A node has room for one. It returns when the server accepts.
func (d Server) Start(t testing.TB, n *lab.Node, o Options) *Running {
	t.Helper()
	s := newSite(t, n, d.Name, o)
	d.start(s)
	for _, p := range d.Ports {
		s.await(p.Number)
	}
	return &Running{Server: d, Name: pki.ServerName, CA: s.ca, PKI: s.pki, node: n}
}
