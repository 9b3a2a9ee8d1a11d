// Certificates that were parsed already, kept for the next connection.

package worker

import (
	"crypto/x509"
	"sync"
)

// Parsed keeps certificates that were parsed already, for workers that meet the
// same ones again: common intermediates, or one server at a thousand addresses.
// Parsing one costs some fifty allocations. Only the parsing is saved: each
// chain is judged anew, for its own name and time, with every signature in it.
//
// What it holds is bounded, whatever peers send: at most [MaxParsed]
// certificates and MaxParsedBytes of their DER, twice, since it discards by
// generations, so that what is in use stays. It is safe for concurrent use, and
// the zero Parsed is ready to use.
type Parsed struct {
	mu          sync.Mutex
	young, aged map[string]*x509.Certificate // by their DER, compared whole
	bytes       int                          // of the DER of the young
}

// The bounds on one generation of what a Parsed keeps. A certificate longer
// than a sixteenth of the bytes is not kept.
const (
	MaxParsed      = 1024
	MaxParsedBytes = 2 << 20
)

// parse returns the certificate, which is shared and must not be written to. A
// nil Parsed keeps nothing.
func (p *Parsed) parse(der []byte) (*x509.Certificate, error) {
	if p == nil {
		return parse(der)
	}
	if known := p.find(der); known != nil {
		return known, nil
	}
	cert, err := parse(der)
	if err == nil && len(der) <= MaxParsedBytes/16 {
		p.keep(cert)
	}
	return cert, err
}

func (p *Parsed) find(der []byte) *x509.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.young[string(der)]; ok {
		return known
	}
	known, ok := p.aged[string(der)]
	if ok {
		p.add(known)
	}
	return known
}

func (p *Parsed) keep(cert *x509.Certificate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.add(cert)
}

// add adds a certificate to the young generation; when that is full it becomes
// the aged one.
func (p *Parsed) add(cert *x509.Certificate) {
	der := string(cert.Raw)
	if _, there := p.young[der]; there { // another worker was faster
		return
	}
	if p.young == nil || len(p.young) >= MaxParsed || p.bytes+len(der) > MaxParsedBytes {
		p.aged, p.young, p.bytes = p.young, make(map[string]*x509.Certificate), 0
	}
	p.young[der] = cert
	p.bytes += len(der)
}
