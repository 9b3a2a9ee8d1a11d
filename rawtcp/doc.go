// Package rawtcp is a TCP in user space that makes and reads its own segments.
//
// For a connection, give [Dial] an address: it finds the route, raises a guard
// against the kernel's RSTs, opens a link and returns a net.Conn. A [Dialer]
// says how: interface, source, link, guard, and a tap on every packet. To open
// many connections, give it a [Network].
//
// Underneath, each a package that stands alone:
//
//   - wire: headers as values
//   - tcb: one connection's state machine (RFC 9293), without I/O
//   - endpoint: a host of many connections, also without I/O: it finds a packet's
//     connection, checks its checksums, keeps the timers, and wraps segments
//     into packets
//   - reassembly: IP packets put together from fragments
//   - link and guard: what touches the operating system
//
// A [Stack] drives an endpoint over a link with one goroutine, a lock and the
// clock; a [Conn] is a connection on a Stack, as a net.Conn.
package rawtcp
