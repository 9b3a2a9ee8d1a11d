// The path that a chain was meant to take, for a verdict about each certificate
// on it.

package worker

import (
	"bytes"
	"crypto/x509"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rawshake/rawshake/tlsmsg/der"
)

// relax removes from a certificate everything that could make it invalid,
// except its name, its key and its signature.
func relax(cert *x509.Certificate, keepNames bool) *x509.Certificate {
	c := *cert
	c.NotBefore, c.NotAfter = time.Time{}, time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	c.UnhandledCriticalExtensions = nil
	c.BasicConstraintsValid, c.IsCA, c.MaxPathLen, c.MaxPathLenZero = true, true, -1, false
	c.KeyUsage, c.ExtKeyUsage, c.UnknownExtKeyUsage = 0, nil, nil
	if !keepNames {
		c.PermittedDNSDomains, c.ExcludedDNSDomains = nil, nil
		c.PermittedIPRanges, c.ExcludedIPRanges = nil, nil
		c.PermittedEmailAddresses, c.ExcludedEmailAddresses = nil, nil
		c.PermittedURIDomains, c.ExcludedURIDomains = nil, nil
	}
	return &c
}

// relaxed looks for a path to a trusted root by names and signatures alone. A
// root's validity cannot be relaxed, so other moments are tried too, at which
// the root was valid if it ever signed this.
func (c *chain) relaxed() (path []*x509.Certificate, err error) {
	moments := []time.Time{c.now, c.leaf.NotBefore, c.leaf.NotAfter}
	if n := len(c.sent); n > 0 {
		moments = append(moments, c.sent[n-1].NotBefore)
	}
	for _, at := range moments {
		path, bad := c.relaxedAt(at, false)
		if bad == nil {
			return path, nil
		}
		if err == nil {
			err = bad
		}
	}
	return nil, err
}

func (c *chain) relaxedAt(at time.Time, keepNames bool) ([]*x509.Certificate, error) {
	origin := make(map[*x509.Certificate]*x509.Certificate)
	loosen := func(cert *x509.Certificate) *x509.Certificate {
		loose := relax(cert, keepNames)
		origin[loose] = cert
		return loose
	}
	sent := make([]*x509.Certificate, len(c.sent))
	for i, cert := range c.sent {
		sent[i] = loosen(cert)
	}
	chains, err := c.verify(sent, loosen(c.leaf), at)
	if err != nil {
		return nil, err
	}
	path := slices.Clone(chains[0])
	for i, cert := range path {
		if as := origin[cert]; as != nil {
			path[i] = as
		}
	}
	return path, nil
}

// constrained says which names a path's CA does not permit, if that is so.
func (c *chain) constrained(path []*x509.Certificate) []*Fault {
	root := path[len(path)-1]
	_, err := c.relaxedAt(momentOf(root, c.now), true)
	var invalid x509.CertificateInvalidError
	if !errors.As(err, &invalid) || invalid.Reason != x509.CANotAuthorizedForThisName {
		return nil
	}
	who := "its CA"
	for _, cert := range path[1:] {
		if constrains(cert) {
			who = printable(cert.Subject.String())
			break
		}
	}
	return []*Fault{{Reason: NameNotPermitted, Subject: who, Err: err,
		Text: "the names of the certificate are not those that " + who + " may sign for (nameConstraints): " + printable(invalid.Detail)}}
}

// momentOf is a moment at which a certificate is valid: the given one, or one of
// its own.
func momentOf(cert *x509.Certificate, at time.Time) time.Time {
	if at.Before(cert.NotBefore) || at.After(cert.NotAfter) {
		return cert.NotBefore
	}
	return at
}

func constrains(c *x509.Certificate) bool {
	return len(c.PermittedDNSDomains)+len(c.ExcludedDNSDomains)+len(c.PermittedIPRanges)+len(c.ExcludedIPRanges)+
		len(c.PermittedEmailAddresses)+len(c.ExcludedEmailAddresses)+len(c.PermittedURIDomains)+len(c.ExcludedURIDomains) > 0
}

// Bounds on the walk: a chain may hold thousands of certificates.
const (
	maxWalk       = 16
	maxCandidates = 16
)

// walk goes from the leaf as far as the certificates that were sent sign for
// each other, also by what is too weak to count.
func (c *chain) walk() []*x509.Certificate {
	path := []*x509.Certificate{c.leaf}
	for len(path) < maxWalk {
		last := path[len(path)-1]
		i := slices.IndexFunc(c.candidates(last, path), func(p *x509.Certificate) bool { return signs(p, last) })
		if i < 0 {
			break
		}
		path = append(path, c.candidates(last, path)[i])
	}
	return path
}

// candidates are those that were sent, have the name of an issuer, and are not
// in the path yet.
func (c *chain) candidates(cert *x509.Certificate, path []*x509.Certificate) (list []*x509.Certificate) {
	for _, p := range c.sent {
		if bytes.Equal(p.RawSubject, cert.RawIssuer) && !slices.ContainsFunc(path, func(q *x509.Certificate) bool { return bytes.Equal(p.Raw, q.Raw) }) {
			if list = append(list, p); len(list) == maxCandidates {
				break
			}
		}
	}
	return list
}

// ended adds to a path the root of ours that signs for it and that crypto/x509
// named when it refused it.
func (c *chain) ended(path []*x509.Certificate, refusal error) []*x509.Certificate {
	var invalid x509.CertificateInvalidError
	last := path[len(path)-1]
	if errors.As(refusal, &invalid) && invalid.Cert != nil && bytes.Equal(invalid.Cert.RawSubject, last.RawIssuer) &&
		c.trusts(invalid.Cert) && !c.trusts(last) {
		return append(path, invalid.Cert)
	}
	return path
}

// trusts reports whether a certificate is one of our roots.
func (c *chain) trusts(cert *x509.Certificate) bool {
	path, err := relax(cert, false).Verify(x509.VerifyOptions{Roots: c.roots, CurrentTime: c.now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err == nil && len(path[0]) == 1
}

// weakSignatures returns the signatures of a path that are too weak to count.
func (c *chain) weakSignatures(path []*x509.Certificate) (found []*Fault) {
	for _, cert := range path {
		if c.selfSigned(cert) || c.trusts(cert) {
			break // its own signature proves nothing, and need not
		}
		if algorithm, weak := weakAlgorithms[cert.SignatureAlgorithm]; weak {
			found = append(found, c.fault(WeakSignature, cert, "is signed with "+algorithm+", which is too weak to be taken",
				x509.InsecureAlgorithmError(cert.SignatureAlgorithm)))
		}
	}
	return found
}

// breach says what is wrong at the end of the path. If that is weakly signed,
// it does not matter whether a trusted root signed it.
func (c *chain) breach(path []*x509.Certificate, refusal error) []*Fault {
	if f := c.breachOf(path, refusal); f != nil {
		return []*Fault{f}
	}
	return nil
}

func (c *chain) breachOf(path []*x509.Certificate, refusal error) *Fault {
	last := path[len(path)-1]
	issuer := printable(last.Issuer.String())
	candidates := c.candidates(last, path)
	rooted := c.rooted(last)
	_, lastWeak := weakAlgorithms[last.SignatureAlgorithm]
	switch {
	case c.selfSigned(last) && last == c.leaf:
		return c.fault(SelfSigned, last, "is self-signed and not among the trusted roots"+c.rootless(), refusal)
	case c.selfSigned(last):
		return c.fault(UnknownAuthority, last, "ends it, signs itself, and is not among the trusted roots"+c.rootless(), refusal)
	case lastWeak && (rooted || len(candidates) > 0):
		return nil
	case !known(last.SignatureAlgorithm):
		return c.fault(UnknownSignature, last, "is signed with an algorithm that is not taken here: "+algorithmOf(last), refusal)
	case len(candidates) > 0 && slices.ContainsFunc(candidates, func(p *x509.Certificate) bool { return p.PublicKey == nil }):
		return c.fault(UnknownSignature, last, "cannot be checked: the key of "+issuer+" is of a kind that is not taken here", refusal)
	case len(candidates) > 0:
		return c.fault(BadSignature, last, "has a signature that does not verify with the key of "+issuer+", whose certificate was sent with it", refusal)
	case rooted:
		return c.refusedByRoot(last, refusal)
	}
	says := "no trusted root signs for its issuer, " + issuer
	if last != c.leaf {
		says = "no trusted root signs for " + issuer + ", the issuer of " + printable(last.Subject.String())
	}
	return &Fault{Reason: UnknownAuthority, Text: says + c.rootless(), Err: refusal}
}

// refusedByRoot says why a trusted root with the issuer's name did not sign a
// certificate. crypto/x509 does not return the root, and its reason only as
// text: "possibly because of …", quoted.
func (c *chain) refusedByRoot(cert *x509.Certificate, refusal error) *Fault {
	said := func(err error) bool { return strings.Contains(refusal.Error(), strconv.Quote(err.Error())) }
	issuer := "the trusted root " + printable(cert.Issuer.String())
	var detailed x509.CertificateInvalidError
	switch {
	case errors.As(refusal, &detailed) && detailed.Reason == x509.IncompatibleUsage:
		return &Fault{WrongUse, issuer + " is not trusted for a TLS " + c.role() + " (extendedKeyUsage)", issuer, refusal}
	case errors.As(refusal, &detailed) && detailed.Reason == x509.CANotAuthorizedForThisName:
		return &Fault{NameNotPermitted, issuer + " may not sign for the names of the certificate: " + printable(detailed.Detail), issuer, refusal}
	case errors.As(refusal, &x509.UnhandledCriticalExtension{}):
		return &Fault{UnknownCritical, issuer + " has a critical extension that is not understood here", issuer, refusal}
	case said(x509.ConstraintViolationError{}):
		return &Fault{NotCA, issuer + " may not sign certificates (basicConstraints, keyUsage)", issuer, refusal}
	case said(x509.ErrUnsupportedAlgorithm):
		return c.fault(UnknownSignature, cert, "cannot be checked: the key of "+issuer+" is of a kind that is not taken here", refusal)
	}
	return c.fault(BadSignature, cert, "has a signature that does not verify with the key of "+issuer, refusal)
}

// selfSigned reports whether a certificate signs itself.
func (c *chain) selfSigned(cert *x509.Certificate) bool {
	return bytes.Equal(cert.RawIssuer, cert.RawSubject) && signs(cert, cert)
}

// rooted reports whether a trusted root has the name of an issuer.
func (c *chain) rooted(cert *x509.Certificate) bool {
	return slices.ContainsFunc(c.subjects(), func(s []byte) bool { return bytes.Equal(s, cert.RawIssuer) })
}

// rootless says that there are no roots, where that is the reason.
func (c *chain) rootless() string {
	if len(c.subjects()) > 0 {
		return ""
	}
	return " (there are none here)"
}

func (c *chain) subjects() [][]byte {
	if c.roots == nil {
		return systemSubjects()
	}
	//lint:ignore SA1019 a pool of a caller's own, or what systemSubjects says
	return c.roots.Subjects()
}

// systemSubjects are the names of the system's roots. On Linux, and on others
// whose roots are files, the pool knows them.
var systemSubjects = sync.OnceValue(func() [][]byte {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil
	}
	//lint:ignore SA1019 true of them where the pool was read from files
	return pool.Subjects()
})

func algorithmOf(cert *x509.Certificate) string {
	if cert.SignatureAlgorithm != x509.UnknownSignatureAlgorithm {
		return cert.SignatureAlgorithm.String()
	}
	if says := der.Describe(cert.Raw); says.Signature.Type != "" {
		return says.Signature.Name()
	}
	return "unknown"
}
