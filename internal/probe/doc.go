// Package probe takes many targets from SYN to certificate, or further, in one
// pass and without a kernel socket.
//
// A loop is one goroutine with links of its own. A SYN costs it sixteen bytes:
// its sequence number is a keyed MAC of the two addresses and ports, so that a
// SYN-ACK which acknowledges it proves itself, and a connection begins with
// that: the same machine that `connect` drives. What is the same for all is held once,
// buffers come from one pool, and a target has a TLS client only while the two
// speak.
//
// A loop is made of structs, each with its own state, and names of the others only
// those that stand above it here (a test holds them to that):
//
//	clock        the loop's time
//	ports        the ports that its packets leave from
//	egress       the only way out, and its pace
//	results      the result of each target, on its way to the sink
//	begun        the targets that are begun and not done
//	syns         a target until it has answered its SYN rightly
//	connections  a target from there to its end
//	admission    which target is begun, and when
//	receiver     what arrives, and to whom it belongs
//	loop         a turn of all this; outages and the end
//
// The SYN side and connections do not name each other. What can stand alone is a
// package below this one: targets, supply, syn, neighbours, routes, pace, record,
// store.
package probe
