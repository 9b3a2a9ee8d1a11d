package lab_test

import (
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
)

// Who runs a server on this machine calls it localhost.
func TestAStandaloneServersCertificateIsForThisMachine(t *testing.T) {
	s, err := lab.Serve(t.Context(), lab.Service{Kind: lab.TLS}, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{"localhost", "127.0.0.1", "::1", lab.ServerName} {
		if err := s.PKI.Server.Cert.VerifyHostname(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
