// Package fingerprint names TLS stacks by how their hellos are made: JA3 and
// JA3S (MD5 over the hello's numbers in their order), and JA4 (the same in an
// order that does not change with a client that shuffles its extensions). Of
// the JA4 family only JA4 itself is here, which is under the BSD license.
//
// A fingerprint tells apart who makes the same hello; it proves nothing about
// who made this one, since anybody can copy a hello.
package fingerprint
