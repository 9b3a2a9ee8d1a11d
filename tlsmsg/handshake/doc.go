// Package handshake holds the TLS state machines. A machine does no I/O and
// keeps no clock, goroutine or randomness: bytes go in, bytes and events come
// out, and slow or outside work (make a key and agree on a secret, check a
// signature, judge a chain, sign) is yielded to the driver and its result handed
// back.
//
// Read client.go and conn.go first (the machine's shape and how a driver moves
// it; conn is what both sides are made of), then config.go, work.go, event.go,
// state.go and errors.go (what goes in and comes out); table.go (how messages
// find their step), records_in.go and records_out.go (the record layer),
// cipherspec.go, alerts.go and data.go. client_hello.go with extensions.go,
// extensions_rows.go and grease.go makes the ClientHello, of whichever versions it
// offers, and server_hello.go finds the one that the server chooses.
//
// What TLS 1.2 is for a client stands in client12_*.go: client12_table.go is the
// table of state and message; client12_hello.go, client12_certificate.go, client12_keyexchange.go, client12_credential.go and
// client12_finish.go are its steps in their order; session.go and
// client12_resume.go the short way through, client12_renegotiate.go another
// handshake inside the connection. TLS 1.0 and 1.1 go the same way.
//
// TLS 1.3 is another table and another set of such files: client13_table.go,
// client13_hello.go, client13_auth.go, client13_finish.go and client13_psk.go;
// tls13.go is what such a connection keeps, records13.go how its records are
// opened, psk.go the keys that come from outside TLS, client13_early.go and
// server13_early.go data that comes before the handshake is done, after13.go what
// both sides do after it, and after13_auth.go a certificate that is asked for then.
//
// What a peer can cost stands in bounds.go.
//
// The server's side is server.go, server_config.go, server_work.go and
// server_session.go (what goes in and comes out), and server12_*.go:
// server12_table.go, server12_hello.go with server_extensions.go,
// server12_choose.go, server12_resume.go, server12_flight.go (our flight),
// server12_client.go (the client's) and server12_finish.go. server_offer.go takes
// the ClientHello of every version; where that leads to TLS 1.3 it goes on in
// server13_table.go, server13_offer.go, server13_hello.go, server13_psk.go,
// server13_auth.go and server13_finish.go. tamper.go makes a server do wrong on purpose, fault.go in the usual ways: one [Fault] (stop, leave out,
// repeat, swap, corrupt, send an alert) at one [Place] of the conversation.
//
// The package worker beneath does the yielded work with the standard library;
// tlsconn moves a machine over a stream, as a net.Conn.
package handshake
