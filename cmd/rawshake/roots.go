// The CA certificates to verify with: the system's, or else those in the
// program.

package main

import (
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// trustedRoots are the CA certificates to verify with if none are named: nil
// for the system's, or those in the program if the system has none, as in a
// container that holds nothing else. Their use is reported on notes.
func trustedRoots(system func() (*x509.CertPool, error), notes io.Writer) *x509.CertPool {
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if os.Getenv(name) != "" {
			return nil // the user has named their place, and is told if they are not there
		}
	}
	if pool, err := system(); err == nil && !pool.Equal(x509.NewCertPool()) {
		return nil
	}
	pool := bundledRoots()
	fmt.Fprintf(notes, "rawshake: this machine has no CA certificates: Mozilla's, which are in this program%s, are trusted; --ca FILE names others\n", bundleDate())
	return pool
}

// bundledRoots are the CA certificates that Mozilla trusts, with the
// constraints on what they may sign for.
func bundledRoots() *x509.CertPool {
	pool := x509.NewCertPool()
	for root := range bundle.Roots() {
		cert, err := x509.ParseCertificate(root.Certificate)
		switch {
		case err != nil: // what this Go release no longer reads
		case root.Constraint == nil:
			pool.AddCert(cert)
		default:
			pool.AddCertWithConstraint(cert, root.Constraint)
		}
	}
	return pool
}

// bundleDate is the date of the certificates, if the build knows it.
func bundleDate() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		// v0.0.0-20261030153154-30a33513ff6d
		if parts := strings.Split(m.Version, "-"); strings.HasSuffix(m.Path, "x509roots/fallback") && len(parts) == 3 && len(parts[1]) == 14 {
			return fmt.Sprintf(" (of %s-%s-%s)", parts[1][:4], parts[1][4:6], parts[1][6:8])
		}
	}
	return ""
}

// loadRoots reads the CA certificates of a PEM file.
func loadRoots(path string) (*x509.CertPool, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, usageError("--ca: %v", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, usageError("--ca: no certificate in %s: it must hold PEM blocks of type CERTIFICATE", path)
	}
	return pool, nil
}
