// Go's client: net and crypto/tls.

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
)

// theirs is Go's net and crypto/tls, as a program would use them.
type theirs struct {
	server  string
	dialer  net.Dialer
	config  *tls.Config
	atATime int
}

func newTheirs(t *task) (client, error) {
	config, err := theirConfig(t)
	return &theirs{server: t.Server.String(), config: config, atATime: t.AtATime}, err
}

// theirConfig offers one suite and one curve. Without a session cache there is
// no resumption.
func theirConfig(t *task) (*tls.Config, error) {
	roots, err := t.roots()
	return &tls.Config{
		RootCAs:          roots,
		ServerName:       t.ServerName,
		MinVersion:       t.version(),
		MaxVersion:       t.version(),
		CipherSuites:     []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		CurvePreferences: []tls.CurveID{tls.CurveP256},
	}, err
}

// version is the one that is measured. Of 1.3 crypto/tls chooses the suite by itself, and
// here the same.
func (t *task) version() uint16 {
	if t.TLS13 {
		return tls.VersionTLS13
	}
	return tls.VersionTLS12
}

func (c *theirs) run(n int, done func(time.Duration, string)) error {
	return blocking(c.handshake).run(n, c.atATime, done)
}

func (c *theirs) handshake(ctx context.Context, reached func()) (string, error) {
	tcp, err := c.dialer.DialContext(ctx, "tcp4", c.server)
	if err != nil {
		return "", err
	}
	defer tcp.Close()
	conn := tls.Client(tcp, c.config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return "", err
	}
	reached()
	return negotiated(conn.ConnectionState()), conn.Close()
}

func negotiated(s tls.ConnectionState) string {
	return fmt.Sprintf("%s in group %v", tls.CipherSuiteName(s.CipherSuite), tlsmsg.NamedGroup(s.CurveID))
}

func (c *theirs) close() {}
