package handshake_test

import (
	"fmt"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A server whose Finished is wrong, though its record's MAC is right.
func ExampleFault() {
	fault := handshake.Fault{At: handshake.Sending(tlsmsg.TypeFinished), Does: handshake.Corrupt, Byte: -1}
	tamper, err := fault.Tamper() // one for each connection
	if err != nil {
		fmt.Println(err)
		return
	}
	server := handshake.NewServer(handshake.ServerConfig{Tamper: tamper})
	fmt.Printf("%v: %v; waits for a ClientHello: %v\n", fault.At, fault.Does, server.Stage() == handshake.StageNew)
	// Output: our Finished: corrupt; waits for a ClientHello: true
}
