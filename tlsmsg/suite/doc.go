// Package suite is the cryptography of TLS 1.0 to 1.3, apart from its messages:
// what a cipher suite stands for, the secrets that follow from a key exchange,
// and the protection of records.
//
// A [Suite] says what a cipher suite's number stands for in one version. It
// derives secrets and keys (RFC 5246, sections 6.3, 7.4.9 and 8.1; RFC 7627),
// and makes a [State] of them, which protects the records of one direction. A
// [Schedule13] is the key schedule of TLS 1.3 (RFC 9846, section 7), and a
// [Transcript] the running hash of the handshake. A [Key] agrees on a secret;
// [Sign] and [Verify] make and check signatures: drivers do that work for the
// machines.
//
// Nothing here keeps a clock, reads randomness of its own or does I/O, except
// that what makes keys, secrets and signatures for drivers reads randomness
// from a reader that the caller passes.
package suite
