package tlsconn_test

import (
	"context"
	"crypto"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/tlsconn"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

func ExampleClient() {
	p := good(new(testing.T)) // a certificate
	ln, _ := tls.Listen("tcp", "127.0.0.1:0", p.theirs())
	defer ln.Close()
	go func() {
		peer, _ := ln.Accept()
		fmt.Fprint(peer, "hello")
		peer.Close()
	}()

	stream, _ := net.Dial("tcp", ln.Addr().String()) // or rawtcp.Dial
	c := tlsconn.Client(stream, handshake.Config{ServerName: name}, &worker.Worker{Roots: p.pool})
	defer c.Close()
	if err := c.Handshake(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	said, err := io.ReadAll(c)
	fmt.Printf("%v: %q %v\n", c.ConnectionState().Version, said, err)
	// Output: TLS 1.2: "hello" <nil>
}

func ExampleServer() {
	p := good(new(testing.T)) // a certificate and its key
	ln, _ := net.Listen("tcp", "127.0.0.1:0")
	defer ln.Close()
	go func() {
		peer, err := tls.Dial("tcp", ln.Addr().String(), p.theirs())
		if err == nil {
			fmt.Fprint(peer, "hello")
			peer.Close()
		}
	}()

	credential, err := worker.NewServerCredential([][]byte{p.der}, p.key)
	if err != nil {
		fmt.Println(err)
		return
	}
	stream, _ := ln.Accept()
	c := tlsconn.Server(stream, handshake.ServerConfig{Credentials: []handshake.ServerCredential{credential}},
		&worker.Worker{Signers: []crypto.Signer{p.key}})
	defer c.Close()
	said, err := io.ReadAll(c)
	fmt.Printf("%q %v\n", said, err)
	// Output: "hello" <nil>
}
