// Package der decodes X.509 certificates, and the other DER that TLS messages
// carry, through the cursor of package field, with the names of RFC 5280, down
// to the last octet. The same code makes the tree that is shown ([Certificate])
// and says what a certificate is about ([Describe]).
//
// It is for certificates as they are: what RFC 5280 forbids is read all the
// same where its meaning is plain, BER included, and named as an [Anomaly]. A
// part that cannot be read does not hide the others. No decision depends on it:
// crypto/x509 verifies chains.
//
// Each function that returns a tree returns that of its whole input, never nil
// and covering every byte; what it cannot read becomes a leaf that says why.
package der
