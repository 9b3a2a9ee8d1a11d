// Package suite is the cryptography of TLS 1.0 to 1.3, apart from its messages:
// what a cipher suite stands for, the secrets that follow from a key exchange,
// and the protection of records.
//
// Read suite.go and table.go first (the suites, and what a version makes of
// them), then hash.go, prf.go and secrets.go (RFC 5246, sections 5, 6.3, 7.4.9
// and 8.1, and RFC 7627), transcript.go (the running handshake hash), state.go
// (one direction's connection state, RFC 5246, section 6.1) and the ciphers
// beneath it: aead.go, cbc.go with mac.go (constant time), stream.go. The rest
// is for drivers that do a machine's slow work: agree.go and dh.go agree on
// keys, premaster.go is RSA key exchange, scheme.go, signature.go and pss.go
// make and check signatures.
//
// TLS 1.3 has table13.go, schedule13.go and record13.go (RFC 9846, sections 5 and
// 7), and share.go for its keys.
//
// Nothing here keeps a clock, reads randomness of its own or does I/O, with
// one exception for drivers: what makes keys, secrets and signatures draws on a
// reader that the caller hands in.
package suite
