package service_test

import (
	"testing"

	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
)

// Who runs a server on this machine calls it localhost.
func TestAStandaloneServersCertificateIsForThisMachine(t *testing.T) {
	s, err := service.Serve(t.Context(), service.Service{Kind: service.TLS}, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{"localhost", "127.0.0.1", "::1", pki.ServerName} {
		if err := s.PKI.Server.Cert.VerifyHostname(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
