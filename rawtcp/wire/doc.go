// Package wire encodes and decodes the headers that the userspace TCP sends and
// receives: IPv4 (RFC 791), IPv6 with its extension headers (RFC 8200), ICMP
// for both (RFC 792, RFC 4443), ARP (RFC 826), neighbour discovery (RFC 4861),
// and TCP (RFC 9293) with its options. A [LinkHeader] reads what a capture has
// before the IP packet: Ethernet or another link's header, and the tunnels that
// the packet goes through.
//
// Each header is a small value. Decode reads it through a [field.Cursor], so
// that the same code runs a connection and labels bytes for a reader; AppendTo
// appends it to the caller's buffer. Neither allocates, except for the list of
// a frame's VLAN tags. Decoded byte slices alias the packet that they came
// from, and are valid as long as it is.
//
// A [Packet] is a whole IP packet of either version with its segment or ICMP
// message: it decodes, verifies and appends.
//
// Decoding judges structure only: lengths and bounds. The caller decides
// whether a checksum or a flag combination is acceptable, so that a bad packet
// can still be shown.
package wire
