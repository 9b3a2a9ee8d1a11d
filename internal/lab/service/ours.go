// This project's own TLS on a server's connection, which may do wrong.

package service

import (
	"context"
	"crypto"
	"crypto/hpke"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/tlsconn"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

var ourClientAuth = map[ClientAuth]handshake.ClientAuth{
	RequestClient: handshake.ClientAuthRequest,
	RequireClient: handshake.ClientAuthRequire,
	NoClientAuth:  handshake.ClientAuthNone,
	LaterClient:   handshake.ClientAuthNone,
}

// newOurServer makes a server of our own TLS without a listener.
func newOurServer(o Options) (*OurServer, error) {
	if o.KeyLog != nil {
		return nil, errors.New("lab: our own server writes no key log")
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	if _, err := (&faulty{ServerFault: o.Wrong}).tamper(); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	credential, err := worker.NewServerCredential([][]byte{o.PKI.Server.Cert.Raw}, o.PKI.Server.Key)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	config := handshake.ServerConfig{
		MinVersion: o.MinVersion, MaxVersion: o.MaxVersion,
		CipherSuites: o.CipherSuites, Groups: o.Groups, ALPN: o.ALPN,
		Credentials: []handshake.ServerCredential{credential},
		Tickets:     o.Tickets,
		ClientAuth:  ourClientAuth[o.ClientAuth],

		CompressCertificates: o.CompressCertificate,
	}
	if o.EarlyData {
		config.EarlyData = maxEarlyData
	}
	if o.ClientAuth != NoClientAuth {
		config.Authorities = [][]byte{o.PKI.CA.Cert.RawSubject}
	}
	roots := x509.NewCertPool()
	roots.AddCert(o.PKI.CA.Cert)
	w := &worker.Worker{Roots: roots, Signers: []crypto.Signer{o.PKI.Server.Key}}
	if o.Tickets || o.SessionIDs {
		w.Sessions = &worker.Sessions{Key: random(32)}
	}
	if e := o.PKI.ECH; e != nil {
		config.ECHKeys = []handshake.ECHKey{{Config: e.Config, Retry: true}}
		w.ECHKeys = []hpke.PrivateKey{e.Key}
	}
	return newServer(o, func(tcp *net.TCPConn) speaker[handshake.State] {
		return newOurSpeaker(tcp, config, o, w)
	})
}

const maxEarlyData = 16 << 10 // bytes

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// An ourSpeaker is our own TLS on one connection, which may do wrong.
type ourSpeaker struct {
	*tlsconn.Conn
	server *handshake.Server
	faulty *faulty
	before []func() error // what is done before the first reply
	none   bool           // the client, asked later, has no certificate
}

func newOurSpeaker(tcp *net.TCPConn, config handshake.ServerConfig, o Options, w *worker.Worker) *ourSpeaker {
	c := &ourSpeaker{faulty: &faulty{ServerFault: o.Wrong}}
	config.Random = [32]byte(random(32))
	if o.SessionIDs {
		config.SessionID = random(32)
	}
	config.Tamper, _ = c.faulty.tamper() // newOurServer has tried it
	if o.ClientAuth == LaterClient {
		config.Events = c.noteAnswer
		c.before = append(c.before, c.askForCertificate)
	}
	if o.KeyUpdate {
		c.before = append(c.before, c.updateKeys)
	}
	c.server = handshake.NewServer(config)
	c.Conn = tlsconn.New(tcp, c.server, w)
	return c
}

// errAsTold ends a connection that the server was told to end so.
var errAsTold = errors.New("the server ended the connection as it was told to")

func (c *ourSpeaker) handshake() error {
	return c.judged(c.Until(context.Background(), func() bool {
		return c.over() || c.server.Stage() == handshake.StageFinished
	}))
}

// over reports whether the server was told to end it, and has got so far.
func (c *ourSpeaker) over() bool { return c.faulty.over > silent }

// judged is an error, or that the server was told to end it.
func (c *ourSpeaker) judged(err error) error {
	if c.over() {
		return errAsTold
	}
	return err
}

// Read reads application data; io.EOF is the client's close_notify.
func (c *ourSpeaker) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, c.judged(err)
}

// Write sends application data.
func (c *ourSpeaker) Write(p []byte) (int, error) {
	for len(c.before) > 0 {
		step := c.before[0]
		c.before = c.before[1:]
		if err := step(); err != nil {
			return 0, c.judged(err)
		}
	}
	n, err := c.Conn.Write(p)
	return n, c.judged(err)
}

// noteAnswer sees whether the client sends a certificate.
func (c *ourSpeaker) noteAnswer(e handshake.Event) {
	if d, ok := e.(handshake.DecisionEvent); ok && d.Name == "client_certificate_none" {
		c.none = true
	}
}

// askForCertificate asks the client for a certificate after the handshake, and
// waits for a good one.
func (c *ourSpeaker) askForCertificate() error {
	asked := false
	err := c.Do(func(tlsconn.Machine) { asked = c.server.RequestCertificate(random(32)) })
	if err == nil && !asked {
		return errNotAsked
	}
	err = errors.Join(err, c.Until(context.Background(), func() bool { return c.none || c.server.State().Judged }))
	if err == nil && c.none {
		err = errNoCertificate
	}
	return err
}

var (
	errNotAsked      = errors.New("the client lets nobody ask for its certificate after the handshake (post_handshake_auth)")
	errNoCertificate = errors.New("the client, asked after the handshake, has no certificate")
)

func (c *ourSpeaker) updateKeys() error {
	return c.Do(func(tlsconn.Machine) { c.server.UpdateKeys(true) })
}

func (c *ourSpeaker) closeWrite() error      { return c.judged(c.Conn.CloseWrite()) }
func (c *ourSpeaker) closed() bool           { return c.server.EOF() }
func (c *ourSpeaker) state() handshake.State { return c.ConnectionState() }
func (c *ourSpeaker) reset() bool            { return c.faulty.over == withRST }

func (c *ourSpeaker) alert(err error) tlsmsg.AlertDescription {
	var alert *handshake.AlertError
	if errors.As(err, &alert) {
		return alert.Alert.Description
	}
	return 0
}
