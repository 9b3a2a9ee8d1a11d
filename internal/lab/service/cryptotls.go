// Go's crypto/tls on a server's connection.

package service

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/rawshake/rawshake/tlsmsg"
)

var tlsClientAuth = map[ClientAuth]tls.ClientAuthType{
	RequestClient: tls.VerifyClientCertIfGiven,
	RequireClient: tls.RequireAndVerifyClientCert,
	NoClientAuth:  tls.NoClientCert,
}

// newTLSServer makes a server of crypto/tls without a listener.
func newTLSServer(o Options) (*TLSServer, error) {
	if o.SessionIDs || o.Wrong != (ServerFault{}) || o.EarlyData || o.KeyUpdate || o.ClientAuth == LaterClient {
		return nil, errors.New("lab: crypto/tls keeps no sessions by ID, takes no early data, asks for nothing once the handshake is done, and does nothing wrong")
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(o.PKI.CA.Cert)
	c := &tls.Config{
		Certificates: []tls.Certificate{o.PKI.Server.TLS()},
		ClientAuth:   tlsClientAuth[o.ClientAuth],
		ClientCAs:    pool,
		MinVersion:   uint16(o.MinVersion),
		MaxVersion:   uint16(o.MaxVersion),
		NextProtos:   o.ALPN,
		KeyLogWriter: o.KeyLog,
	}
	for _, suite := range o.CipherSuites {
		c.CipherSuites = append(c.CipherSuites, uint16(suite))
	}
	for _, group := range o.Groups {
		c.CurvePreferences = append(c.CurvePreferences, tls.CurveID(group))
	}
	if e := o.PKI.ECH; e != nil {
		key, err := e.Key.Bytes()
		if err != nil {
			return nil, fmt.Errorf("lab: %w", err)
		}
		c.EncryptedClientHelloKeys = []tls.EncryptedClientHelloKey{{Config: e.Config.Append(nil), PrivateKey: key, SendAsRetry: true}}
	}
	return newServer(o, func(tcp *net.TCPConn) speaker[tls.ConnectionState] {
		return &tlsSpeaker{Conn: tls.Server(tcp, c)}
	})
}

// A tlsSpeaker is crypto/tls on one connection.
type tlsSpeaker struct {
	*tls.Conn
	ended bool // the client has said close_notify
}

func (c *tlsSpeaker) handshake() error           { return c.Conn.Handshake() }
func (c *tlsSpeaker) closeWrite() error          { return c.Conn.CloseWrite() }
func (c *tlsSpeaker) closed() bool               { return c.ended }
func (c *tlsSpeaker) state() tls.ConnectionState { return c.ConnectionState() }
func (c *tlsSpeaker) reset() bool                { return false }

func (c *tlsSpeaker) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.ended = c.ended || errors.Is(err, io.EOF)
	return n, err
}

// alert finds the client's alert in an error of crypto/tls, which keeps the
// number to itself and shares the text.
func (c *tlsSpeaker) alert(err error) tlsmsg.AlertDescription {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return 0
	}
	for n := byte(255); n > 0; n-- {
		if tls.AlertError(n).Error() == op.Err.Error() {
			return tlsmsg.AlertDescription(n)
		}
	}
	return 0
}
