// Whether a chain leads to a trusted root.

package worker

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rawshake/rawshake/tlsmsg/der"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// crypto/x509 decides; but it gives one reason, and sometimes one that follows
// from another. So if it refuses, the path is searched with the rules relaxed
// (verdict_path.go), and each certificate on it is checked against the rules
// here.

// trust is untrusted, unless it is known already.
func (w *Worker) trust(leaf *x509.Certificate, work handshake.VerifyChainWork, now time.Time) []*Fault {
	if w.Verdicts == nil {
		found, _ := w.untrusted(leaf, work, now)
		return found
	}
	key := keyOfChain(&work, w.Roots)
	if found, ok := w.Verdicts.find(key, now); ok {
		return found
	}
	found, involved := w.untrusted(leaf, work, now)
	w.Verdicts.keep(key, found, now, nextChange(now, involved))
	return found
}

// A chain is what one verdict is about.
type chain struct {
	leaf    *x509.Certificate
	sent    []*x509.Certificate // after the leaf, those that parse
	unread  error               // of the first that does not
	roots   *x509.CertPool      // nil: the system's
	now     time.Time
	client  bool
	minBits int // of RSA keys
}

// untrusted judges the chain to a root as of now, but for the leaf's own time,
// which is judged already. It returns the certificates on whose times the
// verdict depends, too.
func (w *Worker) untrusted(leaf *x509.Certificate, work handshake.VerifyChainWork, now time.Time) (found []*Fault, involved []*x509.Certificate) {
	c := &chain{leaf: leaf, roots: w.Roots, now: now, client: work.Client, minBits: work.MinRSABits}
	if c.minBits == 0 {
		c.minBits = minRSABits
	}
	for _, der := range work.Chain[1:] {
		cert, err := w.Parsed.parse(der)
		if err == nil {
			c.sent = append(c.sent, cert)
		} else if c.unread == nil {
			c.unread = err
		}
	}
	involved = append([]*x509.Certificate{leaf}, c.sent...)
	chains, err := c.verify(c.sent, inTime(leaf, now), now)
	for _, path := range chains {
		path[0] = leaf
		involved = append(involved, path[len(path)-1])
	}
	if err == nil {
		return c.weakest(chains), involved
	}
	found, path := c.explain(err)
	involved = append(involved, path...)
	if c.unread != nil {
		f := found[len(found)-1]
		f.Text += "; a certificate of the chain does not parse: " + plain(c.unread)
	}
	return found, involved
}

// inTime returns a copy of the certificate whose validity includes a moment,
// for verification only.
func inTime(cert *x509.Certificate, at time.Time) *x509.Certificate {
	if !at.Before(cert.NotBefore) && !at.After(cert.NotAfter) {
		return cert
	}
	c := *cert
	c.NotBefore, c.NotAfter = at, at
	return &c
}

// verify asks crypto/x509.
func (c *chain) verify(sent []*x509.Certificate, leaf *x509.Certificate, at time.Time) ([][]*x509.Certificate, error) {
	opts := x509.VerifyOptions{Roots: c.roots, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{c.usage()}}
	if len(sent) > 0 {
		opts.Intermediates = x509.NewCertPool()
	}
	for _, cert := range sent {
		opts.Intermediates.AddCert(cert)
	}
	return leaf.Verify(opts)
}

func (c *chain) usage() x509.ExtKeyUsage {
	if c.client {
		return x509.ExtKeyUsageClientAuth
	}
	return x509.ExtKeyUsageServerAuth
}

// weakest returns the weak keys of a path, or none if one of the paths has
// strong keys only.
func (c *chain) weakest(chains [][]*x509.Certificate) (found []*Fault) {
	for _, path := range chains {
		weak := c.weakKeys(path)
		if len(weak) == 0 {
			return nil
		}
		found = weak
	}
	return found
}

// weakKeys are those of a path that are weaker than a leaf's may be. The leaf of
// a server is not among them: the handshake refuses its key by itself.
func (c *chain) weakKeys(path []*x509.Certificate) (found []*Fault) {
	for i, cert := range path {
		if i == 0 && !c.client {
			continue
		}
		if why := weakness(keyOf(cert), c.minBits); why != "" {
			found = append(found, c.fault(WeakKey, cert, "has "+why, nil))
		}
	}
	return found
}

// fault says something of a certificate, and names it where it is not the leaf.
func (c *chain) fault(r Reason, cert *x509.Certificate, says string, err error) *Fault {
	if cert == c.leaf {
		return &Fault{Reason: r, Text: "the certificate " + says, Err: err}
	}
	subject := printable(cert.Subject.String())
	return &Fault{Reason: r, Text: "the chain's certificate of " + subject + " " + says, Subject: subject, Err: err}
}

// held checks each certificate of a path against the rules of RFC 5280, section
// 6.1, that crypto/x509 applies.
func (c *chain) held(path []*x509.Certificate) (found []*Fault) {
	for i, cert := range path {
		if i > 0 {
			found = append(found, c.heldIssuer(cert, i)...)
		}
		if len(cert.UnhandledCriticalExtensions) > 0 {
			found = append(found, c.fault(UnknownCritical, cert, "has "+critical(cert), x509.UnhandledCriticalExtension{}))
		}
		if !serves(cert, c.usage()) {
			found = append(found, c.fault(WrongUse, cert, "is not meant for a TLS "+c.role()+" (extendedKeyUsage: "+usages(cert)+")",
				x509.CertificateInvalidError{Cert: cert, Reason: x509.IncompatibleUsage}))
		}
	}
	return append(found, c.weakKeys(path)...)
}

// heldIssuer is for a certificate that signs one: number i of the path, from 0.
func (c *chain) heldIssuer(cert *x509.Certificate, i int) (found []*Fault) {
	if f := outOfTime(cert, c.now); f != nil {
		says := strings.TrimPrefix(f.Text, "the certificate ")
		found = append(found, c.fault(f.Reason, cert, says, f.Err))
	}
	notAuthorized := x509.CertificateInvalidError{Cert: cert, Reason: x509.NotAuthorizedToSign}
	switch {
	case cert.Version == 3 && (!cert.BasicConstraintsValid || !cert.IsCA):
		found = append(found, c.fault(NotCA, cert, "is none of a CA (basicConstraints), and signs another", notAuthorized))
	case cert.KeyUsage != 0 && cert.KeyUsage&x509.KeyUsageCertSign == 0:
		found = append(found, c.fault(WrongKeyUsage, cert, "may not sign others: its keyUsage does not have keyCertSign", notAuthorized))
	}
	if cert.BasicConstraintsValid && cert.MaxPathLen >= 0 && i-1 > cert.MaxPathLen {
		found = append(found, c.fault(PathTooLong, cert, fmt.Sprintf("allows %d intermediate certificates below it (pathLenConstraint), and there are %d", cert.MaxPathLen, i-1),
			x509.CertificateInvalidError{Cert: cert, Reason: x509.TooManyIntermediates}))
	}
	return found
}

func (c *chain) role() string {
	if c.client {
		return "client"
	}
	return "server"
}

// critical names the critical extensions that are not understood.
func critical(cert *x509.Certificate) string {
	names := make([]string, 0, len(cert.UnhandledCriticalExtensions))
	for _, id := range cert.UnhandledCriticalExtensions {
		name := id.String()
		if known := der.OIDName(name); known != "" {
			name = known + " (" + name + ")"
		}
		if len(names) == namesShown {
			names = append(names, "and more")
			break
		}
		names = append(names, name)
	}
	return "a critical extension that is not understood here: " + strings.Join(names, ", ")
}

// serves reports whether extendedKeyUsage, if there is one, permits a use.
func serves(cert *x509.Certificate, use x509.ExtKeyUsage) bool {
	for _, u := range cert.ExtKeyUsage {
		if u == use || u == x509.ExtKeyUsageAny {
			return true
		}
	}
	return len(cert.ExtKeyUsage)+len(cert.UnknownExtKeyUsage) == 0
}

// usages lists what extendedKeyUsage is for.
func usages(cert *x509.Certificate) string {
	var names []string
	for _, u := range cert.ExtKeyUsage {
		names = append(names, usageName(u.OID().String()))
	}
	for _, id := range cert.UnknownExtKeyUsage {
		names = append(names, usageName(id.String()))
	}
	if len(names) > namesShown {
		names = append(names[:namesShown], "and more")
	}
	return strings.Join(names, ", ")
}

func usageName(id string) string {
	if name := der.OIDName(id); name != "" {
		return name
	}
	return id
}

// explain finds all that is wrong with a chain that crypto/x509 refused.
func (c *chain) explain(refusal error) (found []*Fault, path []*x509.Certificate) {
	var roots x509.SystemRootsError
	if errors.As(refusal, &roots) {
		return []*Fault{{Reason: UnknownAuthority, Text: "this system's root certificates cannot be read: name some with --ca", Err: refusal}}, nil
	}
	path, err := c.relaxed()
	switch {
	case err == nil:
		found = append(c.held(path), c.constrained(path)...)
	default:
		path = c.ended(c.walk(), err)
		found = append(c.held(path), c.weakSignatures(path)...)
		if !c.trusts(path[len(path)-1]) {
			found = append(found, c.breach(path, err)...)
		}
	}
	if len(found) == 0 {
		found = []*Fault{{Reason: Invalid, Text: "the certificate does not verify: " + plain(refusal), Err: refusal}}
	}
	return found, path
}
