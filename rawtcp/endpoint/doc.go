// Package endpoint is a TCP host without I/O: packets and the time go in,
// packets and a next deadline come out.
//
// An [Endpoint] holds connections, each a [Machine]. It reads the IP headers of
// both versions, puts fragments together, finds a packet's connection, checks
// its checksums, answers what belongs to none (RFC 9293, section 3.5.2),
// listens, with SYN cookies when its queue is full, keeps the timers, and
// remembers how large a path's packets may be. rawtcp.Stack drives one over a
// link, internal/test/simnet over a simulated network.
package endpoint
