// Package compare holds the test that audits ten servers, each in several
// configurations, beside sslscan, nmap's scripts and testssl.sh, and fails where
// they disagree and nobody has found out why; and writes down what each of them
// took, in docs/audit-compared.md.
//
//	go test ./internal/test/audit/compare          # testssl.sh, which takes a minute for each, with a few servers
//	go test ./internal/test/audit/compare -full    # with all of them
//	go test ./internal/test/audit/compare -update  # writes the document, of one server after the other
//	go test ./internal/test/audit/compare -full -update -tools testssl.sh -timeout 1h  # its figures
//
// Begin with compare_test.go; explained_test.go has what they disagree about.
package compare
