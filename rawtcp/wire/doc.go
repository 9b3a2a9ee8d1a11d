// Package wire encodes and decodes the headers that the userspace TCP puts on
// the wire and takes from it: IPv4 (RFC 791), ICMP (RFC 792) and TCP (RFC 9293)
// with its options.
//
// Each header is a small value. Decode reads it through a [field.Cursor], so
// that the same code runs a connection and labels bytes for a reader; AppendTo
// writes it to a buffer of the caller's. Neither allocates. Decoded byte slices
// alias the packet they came from, and are valid as long as it is.
//
// Decoding judges structure only: lengths and bounds. Whether a checksum or a
// flag combination is acceptable is the caller's business, so that a bad packet
// can still be shown.
//
// Read seq.go, tcp.go and options.go first, then ipv4.go, icmp.go and checksum.go.
package wire
