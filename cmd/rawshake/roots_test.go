package main

import (
	"bytes"
	"crypto/x509"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// The system's CA certificates are trusted if it has any, and otherwise those
// in the program, which is reported.
func TestTheProgramsOwnRootsAreForWhereThereAreNone(t *testing.T) {
	t.Setenv("SSL_CERT_FILE", "")
	t.Setenv("SSL_CERT_DIR", "")
	some := x509.NewCertPool()
	some.AddCert(anyCertificate(t))
	for name, tc := range map[string]struct {
		pool *x509.CertPool
		err  error
		own  bool
	}{
		"some":        {some, nil, false},
		"none":        {x509.NewCertPool(), nil, true},
		"no such set": {nil, errors.New("open: no such file"), true},
	} {
		var notes bytes.Buffer
		got := trustedRoots(func() (*x509.CertPool, error) { return tc.pool, tc.err }, &notes)
		if (got != nil) != tc.own || tc.own != strings.Contains(notes.String(), "--ca") {
			t.Errorf("%s: the program's own: %v, told %q", name, got != nil, &notes)
		}
		if tc.own && got.Equal(x509.NewCertPool()) {
			t.Errorf("%s: the program's own are none", name)
		}
	}
	t.Setenv("SSL_CERT_FILE", "/nowhere")
	if trustedRoots(func() (*x509.CertPool, error) { return nil, errors.New("none") }, new(bytes.Buffer)) != nil {
		t.Error("SSL_CERT_FILE names the certificates, and others were taken")
	}
}

func anyCertificate(t *testing.T) *x509.Certificate {
	t.Helper()
	for root := range bundle.Roots() {
		c, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	t.Fatal("the bundle is empty")
	return nil
}
