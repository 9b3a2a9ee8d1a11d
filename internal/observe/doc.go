// Package observe follows a connection that others made, from its packets
// alone: it puts both directions of TCP together, splits them into TLS records
// and messages with the decoders that run our own connections, decrypts them
// where somebody has the secrets, and makes a transcript.
//
// The package does no I/O and reads no clock. Whatever the packets are, memory
// is bounded.
package observe
