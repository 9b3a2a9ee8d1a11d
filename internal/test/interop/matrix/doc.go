// Package matrix holds the test that meets OpenSSL, GnuTLS, nginx and Go's
// crypto/tls, each as client and as server, with every suite that it shares with
// us, every kind of certificate, with and without client authentication, in full
// and resumed by ID and by ticket; and writes down how it went, in
// docs/interop.md.
//
//	go test ./internal/test/interop/matrix          # fails where the document says otherwise
//	go test ./internal/test/interop/matrix -update  # writes it
//
// Read matrix_test.go first (what is tried, and what a cell is), then
// identity_test.go (the certificates), ours_test.go (our client and server over
// a stream), a file for each peer, and document_test.go.
package matrix
