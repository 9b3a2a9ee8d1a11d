// Package handshake holds the TLS state machines. A machine does no I/O and
// keeps no clock, goroutine or randomness: bytes go in, bytes and events come
// out, and slow or outside work (make a key and agree on a secret, check a
// signature, judge a chain, sign) is yielded to the driver, which returns the
// result.
//
// A [Client] or a [Server] is moved by a driver: Receive takes what the stream
// brought, Next returns what is to be sent, Work and Resume pass work out and its
// result back. [State] is what is known of the connection, and an [Event] tells
// what was done and why.
//
// Each side has a table for TLS 1.0 to 1.2 and one for TLS 1.3: which message is
// taken in which phase, and what is waited for then. The files client12_*.go,
// client13_*.go, server12_*.go and server13_*.go hold the steps.
//
// What a peer can cost is in bounds.go. A [Tamper] makes a server break the
// protocol on purpose; a [Fault] is one at one [Place] of the handshake.
//
// Package worker does the yielded work with the standard library; package tlsconn
// moves a machine over a stream, as a net.Conn.
package handshake
