package lab_test

import (
	"slices"
	"testing"
)

// Programs of many kinds find the lab's CA in the variable that they read.
func TestCommandsInALabAreToldItsCA(t *testing.T) {
	l := newLab(t)
	environment, err := l.Environment()
	if err != nil {
		t.Fatal(err)
	}
	p, err := l.Papers()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO", "RAWSHAKE_LAB_CA"} {
		if !slices.Contains(environment, name+"="+p.CAFile()) {
			t.Errorf("%s is not set to the CA's file: %q", name, environment)
		}
	}
}
