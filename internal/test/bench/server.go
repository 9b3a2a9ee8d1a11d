// The server of every client: crypto/tls over the kernel's TCP.

package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

const roleServer = "server"

// patience bounds each handshake, on either side.
const patience = 20 * time.Second

// serve is the peer of every client: crypto/tls over the kernel's TCP. It says
// where it listens and runs until its standard input ends.
func serve(t *task, stop io.Reader) error {
	config, err := serverConfig(t)
	if err != nil {
		return err
	}
	// On every address: the scanner's targets are the server too.
	ln, err := net.Listen("tcp4", fmt.Sprintf("0.0.0.0:%d", t.Server.Port()))
	if err != nil {
		return err
	}
	go func() {
		io.Copy(io.Discard, stop)
		ln.Close()
	}()
	if err := json.NewEncoder(os.Stdout).Encode(t.Server); err != nil {
		return err
	}
	for {
		c, err := ln.Accept()
		if err != nil {
			return nil
		}
		go attend(c.(*net.TCPConn), config)
	}
}

func serverConfig(t *task) (*tls.Config, error) {
	key, err := x509.ParsePKCS8PrivateKey(t.Key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{t.Cert}, PrivateKey: key}},
		MaxVersion:   t.version(),
	}, nil
}

// attend does a handshake, waits for the client to close, and closes.
func attend(tcp *net.TCPConn, config *tls.Config) {
	defer tcp.Close()
	tcp.SetDeadline(time.Now().Add(patience))
	c := tls.Server(tcp, config)
	if c.Handshake() == nil {
		io.Copy(io.Discard, c)
		c.Close()
		return
	}
	// The client may have closed in the middle. Answer its FIN with one, not
	// with the RST that unread bytes would cause.
	tcp.CloseWrite()
	io.Copy(io.Discard, tcp)
}
