// Package matrix holds the test that meets OpenSSL, GnuTLS, nginx and Go's
// crypto/tls, each as client and as server, with every suite that it shares with
// us, every kind of certificate, with and without client authentication, in full
// and resumed by ID and by ticket; and writes down how it went, in
// docs/interop.md.
//
//	go test ./internal/test/interop/matrix          # fails where the document says otherwise
//	go test ./internal/test/interop/matrix -update  # writes it
package matrix
