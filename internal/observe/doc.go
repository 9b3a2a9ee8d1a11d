// Package observe follows a connection that others made, from its packets
// alone: it reassembles both directions of TCP, splits them into TLS records
// and messages with the decoders that run our own connections, decrypts them if
// the secrets are known, and makes a transcript.
//
// The package does no I/O and reads no clock. Memory is bounded, whatever the
// packets are.
package observe
