// Package tcb is one TCP connection's state machine (RFC 9293), without I/O.
//
// A driver hands a [Conn] arrived segments and the time, and takes segments
// and a next deadline from it. There is no goroutine, socket, clock, lock or
// randomness inside: the initial sequence number and the timestamp offset are
// inputs. The rule for a driver is short. After any call that is not a plain
// question, call [Conn.Next] until it answers false, and then ask
// [Conn.Deadline] when [Conn.Advance] is owed.
//
// A Conn is cut by concern. Read in this order:
//
//	config.go       what a caller may choose, and the defaults with their sources
//	conn.go         the transmission control block itself, and questions to it
//	stream.go       the user's calls: write, read, close, abort
//	open.go         SYN out, SYN-ACK in, what the two sides agree on
//	listen.go       a connection that the peer's SYN begins
//	recv.go         segment arrives (RFC 9293, section 3.10.7.4)
//	ack.go          what an acknowledgment does to the send side
//	reassembly.go   octets put in order
//	window.go       the window that we offer
//	send.go         which segment goes out next, and how it is built
//	retransmit.go   the retransmission timer and window probes
//	recovery.go     losses told by duplicate ACKs or SACK, and their repair
//	sack.go         selective acknowledgments, sent and taken
//	timestamps.go   round trips and old duplicates (RFC 7323)
//	challenge.go    what answers segments that may be forged (RFC 5961)
//	delack.go       acknowledgments that wait
//	pathmtu.go      smaller segments
//	urgent.go, keepalive.go
//	close.go        FIN, TIME-WAIT, and how a connection ends
//	reset.go        resets, also for segments that belong to no connection
//	icmp.go         what an ICMP error does
//	timers.go       deadlines
//
// A test that holds a requirement of RFC 9293, appendix B, names it in its
// comment, in a line "Requirements: MUST-13, SHLD-4".
//
// Plain parts that know nothing of the connection: buffer.go, spans.go,
// rtt.go (RFC 6298),
// reno.go (RFC 5681), loss.go (RFC 6675); and the values that cross the border:
// time.go, state.go, event.go, errors.go.
package tcb
