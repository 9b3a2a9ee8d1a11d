// Certificates and keys as files, for who reads nothing else.

package pki

// Papers are a server's certificates, and those of its clients, as files
// without names: a path is valid in this process and in those it starts, until
// Close.
type Papers struct {
	PKI *PKI

	ca, clientCert, clientKey, cert, key *memfile
	ech, oldECH                          *memfile // empty without ECH
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
		{&s.ech, "ech.pem", echPEM(p, (*ECH).ConfigPEM)},
		{&s.oldECH, "old-ech.pem", echPEM(p, (*ECH).OldPEM)},
	} {
		var err error
		if *f.to, err = newMemfile(f.name, f.pem); err != nil {
			_ = s.Close()
			return nil, err
		}
	}
	return s, nil
}

func echPEM(p *PKI, which func(*ECH) []byte) []byte {
	if p.ECH == nil {
		return nil
	}
	return which(p.ECH)
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

// ECHConfigFile is the path of what the server publishes for encrypted ClientHellos, for
// --ech-config. It is empty where it publishes nothing.
func (s *Papers) ECHConfigFile() string { return s.ech.path }

// OldECHConfigFile is the path of what it published for a key that it has no more.
func (s *Papers) OldECHConfigFile() string { return s.oldECH.path }

// Close lets the files go.
func (s *Papers) Close() error {
	for _, f := range []*memfile{s.ca, s.cert, s.key, s.clientCert, s.clientKey, s.ech, s.oldECH} {
		if f != nil {
			_ = f.Close()
		}
	}
	return nil
}
