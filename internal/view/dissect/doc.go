// Package dissect says of every byte of every packet which field it belongs to,
// through all layers: IP, TCP, the TLS records in its payload, the messages in
// those, the certificates in those.
//
// The trees come from the decoders that ran the connection. What is added here
// is where one layer's bytes lie in the next one's: a message in records, a
// record in a byte stream, a stream in segments, each of which may begin and
// end in the middle of what it carries.
//
// Of a capture it begins with the frame's first byte, in the link's header; our
// own connections, and the captures that are written of them, begin with IP.
package dissect
