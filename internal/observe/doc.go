// Package observe follows a connection that others made, from its packets
// alone: it puts both directions of TCP together, splits them into TLS records
// and messages with the decoders that run our own connections, decrypts them
// where somebody has the secrets, and makes a transcript.
//
// Read connection.go first, then stream.go and damage.go (TCP), opening.go and
// dialect.go (where TLS begins), tds.go (inside of what), roles.go (who is the
// client), tls.go (records), message.go (what messages
// say), keys.go (decryption) and end.go (how it ended). flow.go, table.go and
// network.go tell many connections apart, hello.go finds their names.
//
// The package does no I/O and reads no clock. Whatever the packets are, memory
// is bounded.
package observe
