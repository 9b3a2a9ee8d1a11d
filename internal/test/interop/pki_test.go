package interop

import (
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
)

// files are the lab's certificates on disk, for peers that read PEM files.
type files struct {
	ca, cert, key, clientCert, clientKey string
}

// newFiles makes certificates for the server's kind of key and one fault.
func newFiles(t *testing.T, n *lab.Node, key pki.KeyType, fault pki.Fault) files {
	t.Helper()
	p, err := pki.New(pki.Options{ServerKey: key, Fault: fault, Addresses: addresses(n)})
	if err != nil {
		t.Fatal(err)
	}
	return files{
		ca:         writeFile(t, "ca.pem", p.CA.CertPEM()),
		cert:       writeFile(t, "server.pem", p.Server.CertPEM()),
		key:        writeFile(t, "server-key.pem", p.Server.KeyPEM()),
		clientCert: writeFile(t, "client.pem", p.Client.CertPEM()),
		clientKey:  writeFile(t, "client-key.pem", p.Client.KeyPEM()),
	}
}
