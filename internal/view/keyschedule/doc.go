// Package keyschedule shows the way from a pre-master secret to keys, nonces and
// verify_data, step by step, with the values of a real connection (RFC 5246,
// sections 5, 6.3, 7.4.9 and 8.1; RFC 7627).
//
// The functions that compute are those that ran the connection, in
// tlsmsg/suite; what is computed here again is compared with what went over the
// wire.
package keyschedule
