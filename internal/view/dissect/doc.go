// Package dissect says which field each byte of each packet belongs to, through
// all layers: IP, TCP, the TLS records in its payload, the messages in those,
// the certificates in those.
//
// The trees come from the decoders that ran the connection. This package adds
// where one layer's bytes are in the next: a message in records, a record in a
// byte stream, a stream in segments. Each may begin and end in the middle of
// what it carries.
//
// In a capture it begins with the frame's first byte, in the link-layer header.
// Our own connections, and the captures written of them, begin with IP.
package dissect
