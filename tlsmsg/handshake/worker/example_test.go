package worker_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// A whole handshake in one loop: what a side makes the other receives, and what
// a side cannot do by itself a worker does.
func Example() {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"server.test"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, _ := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	cert, _ := x509.ParseCertificate(der)
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	credential, err := worker.NewServerCredential([][]byte{der}, key)
	if err != nil {
		fmt.Println(err)
		return
	}

	var random [2][32]byte
	rand.Read(random[0][:])
	rand.Read(random[1][:])
	client := handshake.NewClient(handshake.Config{Random: random[0], ServerName: "server.test"})
	server := handshake.NewServer(handshake.ServerConfig{Random: random[1], Credentials: []handshake.ServerCredential{credential}})
	judge, signer := worker.Worker{Roots: roots}, worker.Worker{Signers: []crypto.Signer{key}}
	client.Start()
	for client.Err() == nil && server.Err() == nil && !(client.CanWrite() && server.CanWrite()) {
		judge.Finish(client)
		server.Receive(client.Next())
		signer.Finish(server)
		client.Receive(server.Next())
	}
	fmt.Println(client.CanWrite(), client.Err(), server.CanWrite(), server.Err())
	// Output: true <nil> true <nil>
}
