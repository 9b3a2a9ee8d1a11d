// Certificates and keys as files, for who reads nothing else.

package pki

// Papers are a server's certificates, and those of its clients, as files
// without names: a path is valid in this process and in those it starts, until
// Close.
type Papers struct {
	PKI *PKI

	ca, clientCert, clientKey, cert, key *memfile
}

// NewPapers makes files of these certificates.
func NewPapers(p *PKI) (*Papers, error) {
	s := &Papers{PKI: p}
	for _, f := range []struct {
		to   **memfile
		name string
		pem  []byte
	}{
		{&s.ca, "ca.pem", p.CA.CertPEM()},
		{&s.cert, "server.pem", p.Server.CertPEM()},
		{&s.key, "server-key.pem", p.Server.KeyPEM()},
		{&s.clientCert, "client.pem", p.Client.CertPEM()},
		{&s.clientKey, "client-key.pem", p.Client.KeyPEM()},
	} {
		var err error
		if *f.to, err = newMemfile(f.name, f.pem); err != nil {
			_ = s.Close()
			return nil, err
		}
	}
	return s, nil
}

// CAFile is the path of the CA's certificate, for --ca.
func (s *Papers) CAFile() string { return s.ca.path }

// ClientCertFile is the path of the client's certificate, for --cert.
func (s *Papers) ClientCertFile() string { return s.clientCert.path }

// ClientKeyFile is the path of the client's key, for --key.
func (s *Papers) ClientKeyFile() string { return s.clientKey.path }

// CertFile is the path of the server's certificate, for other servers.
func (s *Papers) CertFile() string { return s.cert.path }

// KeyFile is the path of the server's key, for other servers.
func (s *Papers) KeyFile() string { return s.key.path }

// Close lets the files go.
func (s *Papers) Close() error {
	for _, f := range []*memfile{s.ca, s.cert, s.key, s.clientCert, s.clientKey} {
		if f != nil {
			_ = f.Close()
		}
	}
	return nil
}
