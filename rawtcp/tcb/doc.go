// Package tcb is one TCP connection's state machine (RFC 9293), without I/O.
//
// A driver hands a [Conn] arrived segments and the time, and takes segments and
// a next deadline from it. There is no goroutine, socket, clock, lock or
// randomness inside: the initial sequence number and the timestamp offset are
// inputs. After any call that changes something, a driver calls [Conn.Next]
// until it returns false, and then asks [Conn.Deadline] when [Conn.Advance] is
// owed.
//
// A test of a requirement of RFC 9293, appendix B, names it in its comment, in
// a line "Requirements: MUST-13, SHLD-4".
package tcb
