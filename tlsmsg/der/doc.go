// Package der decodes X.509 certificates, and the other DER that TLS messages
// carry, to be shown: through the cursor of package field, with the names of
// RFC 5280, down to the last octet.
//
// It checks structure only, and no decision depends on it: crypto/x509 verifies
// chains. Each function returns the tree of its input, never nil and covering
// every byte; what it cannot read becomes a leaf that says why.
package der
