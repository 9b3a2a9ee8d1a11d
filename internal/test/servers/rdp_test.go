package servers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
)

// rdpRequest is an X.224 Connection Request in a TPKT that asks for TLS (MS-RDPBCGR, 2.2.1.1).
var rdpRequest = []byte{3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 1, 0, 0, 0}

// remoteDesktop does for RDP what OpenSSL's client does for the others.
func remoteDesktop(ctx context.Context, l *lab.Lab, s *Running, p Port) error {
	c, err := l.Near().Dial(ctx, "tcp", s.Address(p).String())
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write(rdpRequest); err != nil {
		return err
	}
	confirm := make([]byte, len(rdpRequest))
	if n, err := io.ReadFull(c, confirm); err != nil {
		return fmt.Errorf("%w after % x", err, confirm[:n])
	}
	const negotiationResponse, protocolTLS = 2, 1
	if confirm[5] != 0xd0 || confirm[11] != negotiationResponse || confirm[15] != protocolTLS {
		return fmt.Errorf("the server answers % x", confirm)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.PKI.CA.Cert)
	return tls.Client(c, &tls.Config{RootCAs: roots, ServerName: s.Name}).HandshakeContext(ctx)
}
