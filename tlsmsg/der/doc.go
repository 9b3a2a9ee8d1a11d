// Package der reads X.509 certificates, and the other DER that TLS messages
// carry, for a reader: through the cursor of package field, with the names of
// RFC 5280, down to the last octet.
//
// It judges structure alone, and nothing is decided by it: whether a chain is
// good is for crypto/x509. Each function returns the tree of its input, never
// nil and covering every byte; what it cannot read becomes a leaf that says why.
//
// Read element.go first (tag, length, contents), then value.go (the primitive
// types), certificate.go, name.go, extension.go with its files, and oid.go.
package der
