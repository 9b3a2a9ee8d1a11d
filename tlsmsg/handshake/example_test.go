package handshake_test

import (
	"crypto/rand"
	"fmt"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A server whose Finished is wrong, though its record's MAC is right.
func ExampleFault() {
	fault := handshake.Fault{At: handshake.Sending(tlsmsg.TypeFinished), Kind: handshake.Corrupt, Byte: -1}
	tamper, err := fault.Tamper() // one for each connection
	if err != nil {
		fmt.Println(err)
		return
	}
	server := handshake.NewServer(handshake.ServerConfig{Tamper: tamper})
	fmt.Printf("%v: %v; waits for a ClientHello: %v\n", fault.At, fault.Kind, server.Stage() == handshake.StageNew)
	// Output: our Finished: corrupt; waits for a ClientHello: true
}

// A machine moved by hand: what one side makes the other receives.
func ExampleNewClient() {
	var client, server [32]byte
	rand.Read(client[:])
	rand.Read(server[:])
	c := handshake.NewClient(handshake.Config{Random: client, ServerName: "www.example.com"})
	s := handshake.NewServer(handshake.ServerConfig{Random: server})
	c.Start()
	hello := c.Next()
	fmt.Println(c.Stage(), hello[0] == byte(tlsmsg.ContentHandshake))
	s.Receive(hello)
	fmt.Println(s.ServerName())
	c.Receive(s.Next()) // an alert: the server has no certificate
	fmt.Println(c.Err())
	// Output:
	// ClientHello sent true
	// www.example.com
	// the peer sent the alert fatal handshake_failure (40) after our ClientHello
}
