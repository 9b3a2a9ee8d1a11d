// Package wire encodes and decodes the headers that the userspace TCP puts on
// the wire and takes from it: IPv4 (RFC 791), IPv6 with its extension headers
// (RFC 8200), ICMP for both (RFC 792, RFC 4443), ARP (RFC 826), neighbour
// discovery (RFC 4861), and TCP (RFC 9293) with its options. It also reads what
// a capture has before the IP packet: Ethernet and what may be in it, what
// stands in its place, and the tunnels that the packet goes through.
//
// Each header is a small value. Decode reads it through a [field.Cursor], so
// that the same code runs a connection and labels bytes for a reader; AppendTo
// writes it to a buffer of the caller's. Neither allocates, but for the list of a
// frame's VLAN tags. Decoded byte slices
// alias the packet they came from, and are valid as long as it is.
//
// A [Packet] is all of it for a TCP host: it decodes, verifies and appends a whole
// IP packet of either version with its segment or ICMP message.
//
// Decoding judges structure only: lengths and bounds. Whether a checksum or a
// flag combination is acceptable is the caller's business, so that a bad packet
// can still be shown.
package wire
