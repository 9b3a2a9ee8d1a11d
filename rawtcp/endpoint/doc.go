// Package endpoint is a TCP host without I/O: packets and the time go in,
// packets and a next deadline come out.
//
// An [Endpoint] holds connections, each a [Machine]. It reads the IP headers of
// both versions (ip.go), puts fragments together, finds a packet's connection,
// checks its checksums, answers what belongs to none (RFC 9293, section 3.5.2),
// listens (listening.go, with SYN cookies where its queue is full: syncookie.go),
// keeps the timers (timers.go), and remembers how large a path's packets may be
// (paths.go). rawtcp.Stack drives one over a link, internal/test/simnet over a
// simulated network.
package endpoint
