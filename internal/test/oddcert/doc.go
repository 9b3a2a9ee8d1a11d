// Package oddcert makes certificates such as people have complained of: each
// departs from RFC 5280 in one way, and says in which ([Kinds]). Their
// signatures verify nothing.
package oddcert
