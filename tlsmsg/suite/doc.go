// Package suite is the cryptography of TLS 1.2, apart from its messages: what
// a cipher suite stands for, the secrets that follow from a key exchange, and
// the protection of records.
//
// Read suite.go first (the table of suites), then prf.go and secrets.go (RFC
// 5246, sections 5, 6.3, 7.4.9 and 8.1, and RFC 7627), transcript.go (the
// running handshake hash), state.go (one direction's connection state, RFC
// 5246, section 6.1) and aead.go (the ciphers beneath it). The rest is for
// drivers that do a machine's slow work: agree.go agrees on keys, scheme.go
// and signature.go make and check signatures.
//
// Nothing here keeps a clock, reads randomness of its own or does I/O, with
// one exception for drivers: [Agree] and [Sign] draw on a reader that the
// caller hands in.
package suite
