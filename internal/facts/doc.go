// Package facts says what matters in a TLS message or a certificate: each [Fact]
// a field of its JSON object, and a few words for the ladder.
package facts
