// Package keyschedule shows how keys, nonces and verify_data follow from a
// pre-master secret, step by step, with the values of a real connection (RFC
// 5246, sections 5, 6.3, 7.4.9 and 8.1; RFC 7627), and in TLS 1.3 how they follow
// from what was agreed on (RFC 9846, section 7).
//
// The computations are those that ran the connection, in tlsmsg/suite. Their
// results are compared with what went over the wire.
package keyschedule
