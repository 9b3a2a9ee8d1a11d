package tcb_test

import (
	"fmt"
	"time"

	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

// Two connections talk over a link that is a loop. A driver for a real link
// does the same with packets, and calls Advance when Deadline says so.
func ExampleConn() {
	now := tcb.Instant(0)
	client := tcb.New(tcb.Config{LocalPort: 40000, RemotePort: 80, ISS: 1000})
	client.Open(now)
	client.Write([]byte("hello"))

	var syn, s wire.Segment
	client.Next(now, &syn)
	server := tcb.Accept(tcb.Config{LocalPort: 80, RemotePort: 40000, ISS: 5000}, now, &syn)

	for range 3 {
		now = now.Add(10 * time.Millisecond)
		for server.Next(now, &s) {
			client.Receive(now, &s)
		}
		for client.Next(now, &s) {
			fmt.Printf("%v %q\n", s.Flags, s.Payload)
			server.Receive(now, &s)
		}
	}
	fmt.Printf("%v, the server reads %q\n", client.State(), server.Peek())
	// Output:
	// ACK ""
	// PSH-ACK "hello"
	// ESTABLISHED, the server reads "hello"
}
