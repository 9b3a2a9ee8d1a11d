// What can be chosen of a TLS server.

package service

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// Options choose a TLS server, whoever's TLS it is. The zero value is what the
// demo wants: TLS 1.2 and 1.3, ECDSA P-256, a client certificate asked for, a short page
// for every GET.
type Options struct {
	Key        pki.KeyType
	ClientKey  pki.KeyType
	Fault      pki.Fault
	ClientAuth ClientAuth

	// 0: from TLS 1.2 to 1.3, or as far as what is asked for below exists.
	MinVersion, MaxVersion tlsmsg.Version
	// CipherSuites, Groups and ALPN narrow what the server would choose from.
	CipherSuites []tlsmsg.CipherSuite
	Groups       []tlsmsg.NamedGroup
	ALPN         []string
	Tickets      bool // sessions are kept in tickets: by crypto/tls always
	// ECH is the public name of encrypted ClientHellos, which the server then reads (RFC
	// 9849). Empty: it reads none.
	ECH string

	// Of OurServer alone.
	SessionIDs bool        // sessions are kept by ID
	Wrong      ServerFault // done once in each connection
	EarlyData  bool        // with Tickets, early data of TLS 1.3 is taken, up to 16 KiB
	// CompressCertificate is how the certificate may be compressed, preferred first.
	CompressCertificate []tlsmsg.CertificateCompressionAlgorithm
	KeyUpdate           bool // before a reply over TLS 1.3, both sides change their keys

	// KeyLog, if set, receives the server's own NSS key log. Of TLSServer alone.
	KeyLog io.Writer

	// Body is the reply to a GET; nil means a short greeting.
	Body []byte
	// ReceiveBuffer bounds what the kernel keeps for the server, in bytes, and
	// with it the window; 0 is the kernel's own choice. It takes effect where the
	// listener is made: see ListenConfig.
	ReceiveBuffer int
	// ReadPause is how long the server waits, once the handshake is done, before
	// it reads on.
	ReadPause time.Duration
	// Linger is how long the server keeps its half of the connection after the
	// client has ended the other.
	Linger time.Duration

	// Listen is where the server listens: "host:port", literal. Empty means port
	// 443 of the node that it is started on.
	Listen string
	// PKI, if set, is used instead of fresh certificates.
	PKI *pki.PKI
}

// ClientAuth says whether the server sends a CertificateRequest.
type ClientAuth string

// The zero ClientAuth means RequestClient.
const (
	RequestClient ClientAuth = "request" // asks, and checks a certificate if one comes
	RequireClient ClientAuth = "require" // asks, and refuses a client without
	NoClientAuth  ClientAuth = "none"
	LaterClient   ClientAuth = "later" // in TLS 1.3, once there is a request: no reply without a certificate. Of OurServer alone
)

var clientAuths = []ClientAuth{NoClientAuth, RequestClient, RequireClient, LaterClient}

// with are the options with the certificates that a server shows at its
// listener's address and at these, unless they were given.
func (o Options) with(ln net.Listener, addresses []netip.Addr) (Options, error) {
	if o.PKI != nil {
		return o, nil
	}
	var err error
	o.PKI, err = pki.New(pki.Options{
		ServerKey: o.Key, ClientKey: o.ClientKey, Fault: o.Fault, ECH: o.ECH,
		Addresses: append(slices.Clone(addresses), addrPort(ln.Addr()).Addr()),
	})
	return o, err
}

// check completes the options, or says what is wrong with them.
func (o *Options) check() error {
	if o.ClientAuth == "" {
		o.ClientAuth = RequestClient
	}
	if !slices.Contains(clientAuths, o.ClientAuth) {
		return fmt.Errorf("lab: no client authentication %q", string(o.ClientAuth))
	}
	if o.MaxVersion == 0 {
		o.MaxVersion = max(o.MinVersion, o.highest())
	}
	if o.MinVersion == 0 {
		o.MinVersion = min(o.MaxVersion, tlsmsg.VersionTLS12)
	}
	return nil
}

// highest is the highest version in which everything that is asked for exists.
func (o *Options) highest() tlsmsg.Version {
	of13 := func(id tlsmsg.CipherSuite) bool { return suite.Lookup13(id) != nil }
	if o.Wrong.only13() {
		return tlsmsg.VersionTLS13
	}
	if o.SessionIDs || o.Wrong != (ServerFault{}) || len(o.CipherSuites) > 0 && !slices.ContainsFunc(o.CipherSuites, of13) {
		return tlsmsg.VersionTLS12
	}
	return tlsmsg.VersionTLS13
}
