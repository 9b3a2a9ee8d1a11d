// Package rawtcp is a TCP in user space that makes and reads its own segments.
//
// For a connection, give [Dial] an address: it finds the route, raises a guard
// against the kernel's RSTs, opens a link and returns a net.Conn. A [Dialer]
// says how: interface, source, link, guard, and a tap on every packet. Who opens
// many connections gives it a [Network].
//
// Underneath, in the order to read them:
//
//   - wire: headers as values
//   - tcb: one connection's state machine (RFC 9293), without I/O
//   - machine.go, endpoint.go: the [Endpoint], also without I/O, which moves
//     many machines: it finds a packet's connection, checks its checksums,
//     keeps the timers, and wraps segments into packets. Its parts for IP, of
//     both versions: ip.go, the package reassembly (packets that arrive in
//     parts) and paths.go (how large segments may be)
//   - stack.go: the [Stack] that drives an Endpoint over a link, with one
//     goroutine, a lock and the clock
//   - conn.go: [Conn], a connection on a Stack, as a net.Conn
//   - dial.go: all of it put together; network.go: for many connections at once
//
// The subpackages link and guard touch the operating system.
package rawtcp
