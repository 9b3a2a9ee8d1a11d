// What is wrong with a certificate chain, on either side.

package goal

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// certificates gives each fault of the server's chain as a reason of its own,
// if the connection ended because of them.
func (d *diagnosis) certificates() {
	if d.verdict == nil || !d.captured && d.outcome != Unverified { // or --insecure accepted it
		return
	}
	var v *worker.Verdict
	if !errors.As(d.verdict, &v) {
		d.add(transcript.Reason{Code: "certificate_invalid", Layer: transcript.TLS, What: d.verdict.Error(), Frames: frames(d.chainAt),
			Remedy: "Accept it as it is with --insecure."})
		return
	}
	faults := v.Each()
	if d.captured {
		faults = d.chainFaults()
	}
	for _, each := range faults {
		d.certificate(each)
	}
}

// A Chain is how an observer judged the server's certificate chain.
type Chain struct {
	Verdict    error // a *worker.Verdict, as of the time of the capture; nil: it verifies
	Unnamed    bool  // the client sent no name, so it was judged against the address
	RootsGiven bool  // the roots are those that the user named
}

// Chain tells the story an observer's verdict.
func (s *Story) Chain(c Chain) { s.verdict, s.judged, s.chain = c.Verdict, true, c }

// certificate gives one fault of the chain as a reason.
func (d *diagnosis) certificate(v *worker.Verdict) {
	r := transcript.Reason{Code: "certificate_" + string(v.Reason), Layer: transcript.TLS, What: v.Text, Frames: frames(d.chainAt)}
	const asItIs = ", or accept it as it is with --insecure (curl --insecure)."
	switch v.Reason {
	case worker.WrongName:
		r.Remedy = "Ask for the name that it is for (--servername)" + asItIs
		if d.chain.Unnamed {
			r.Means, r.Sure = "the client asked for no name, so it may have meant the address", transcript.Guess
		}
	case worker.Expired:
		r.Means = "its time is over" + d.clock()
		r.Remedy = "Renew the certificate, check the client's clock" + asItIs
	case worker.NotYetValid:
		r.Means = "its time has not come" + d.clock()
		r.Remedy = "Check the client's clock and the certificate" + asItIs
	case worker.SelfSigned, worker.UnknownAuthority:
		r.Means = "the chain that the server sent leads to no root that is trusted here"
		if d.captured && !d.chain.RootsGiven {
			r.Means, r.Sure = r.Means+" (this system's: name others with --ca); the client may trust others", transcript.Guess
		}
		r.Remedy = "Name its CA with --ca FILE" + asItIs
	case worker.WeakKey:
		r.Remedy = "The server needs a chain with larger keys: take it with --legacy" + asItIs
	case worker.Revoked:
		r.Means, r.Remedy = "its CA has taken it back, as for a key that was stolen", "The server needs another certificate."
	default:
		r.Remedy = "The server needs another certificate, since no other root would help" + asItIs
	}
	d.add(r)
}

// clock says by which clock a certificate was judged.
func (d *diagnosis) clock() string {
	if d.captured {
		return ", as of the time of the capture"
	}
	return ", as of this machine's clock"
}

// chainFaults are the faults for which somebody else's client may have closed
// the connection: it sent an alert that fits, or closed without one as soon as
// it had the chain, or after the handshake.
func (s *Story) chainFaults() (faults []*worker.Verdict) {
	var v *worker.Verdict
	if !errors.As(s.verdict, &v) {
		return nil
	}
	if a := s.fatal(); a != nil && (a.dir != transcript.Out || !aboutChain(a.Description)) || a == nil && !s.clientLeft() {
		return nil
	}
	for _, each := range v.Each() {
		if s.fits(each.Reason) {
			faults = append(faults, each)
		}
	}
	return faults
}

// clientLeft reports whether the client closed first, after it had the server's
// chain and before it sent anything that the server should answer.
func (s *Story) clientLeft() bool {
	if !s.chainAt.set || s.data[transcript.Out].set {
		return false
	}
	ours, theirs := s.firstEnd(transcript.Out), s.firstEnd(transcript.In)
	return ours.set && (!theirs.set || ours.at <= theirs.at && ours.frame <= theirs.frame)
}

func aboutChain(a tlsmsg.AlertDescription) bool {
	switch a {
	case tlsmsg.AlertBadCertificate, tlsmsg.AlertUnsupportedCertificate, tlsmsg.AlertCertificateRevoked, tlsmsg.AlertCertificateExpired,
		tlsmsg.AlertCertificateUnknown, tlsmsg.AlertUnknownCA:
		return true
	}
	return false
}

// fits reports whether a fault agrees with the client's alert about the chain.
func (s *Story) fits(reason worker.Reason) bool {
	a := s.fatal()
	if a == nil {
		return s.chain.RootsGiven || reason == worker.WrongName || reason == worker.Expired || reason == worker.NotYetValid
	}
	switch a.Description {
	case tlsmsg.AlertCertificateExpired:
		return reason == worker.Expired || reason == worker.NotYetValid
	case tlsmsg.AlertUnknownCA:
		return reason == worker.UnknownAuthority || reason == worker.SelfSigned || reason == worker.NotCA
	case tlsmsg.AlertCertificateRevoked:
		return reason == worker.Revoked
	case tlsmsg.AlertUnsupportedCertificate:
		return reason != worker.Expired && reason != worker.NotYetValid && reason != worker.WrongName
	}
	return true
}

// chainRefused explains a client that rejects the server's chain.
func (d *diagnosis) chainRefused(a *alert, r *transcript.Reason) {
	if len(d.list) > 0 { // the faults have been found, and the alert confirms them
		first := &d.list[0]
		first.What = r.What + ": " + first.What
		for i := range d.list {
			d.list[i].Frames = append(d.list[i].Frames, frames(a.mark)...)
		}
		r.Code = ""
		return
	}
	r.Code, r.Sure, r.Frames = "chain_refused", transcript.Certain, frames(d.chainAt, a.mark)
	r.Means = "the client does not take the server's certificate: " + chainWords[a.Description]
	if d.judged && d.verdict == nil {
		r.Means += "; by the roots that are trusted here it is good, so it is the client that lacks a root, has a wrong clock or asks for another name"
	}
	r.Remedy = "Mend the server's chain, or the client's roots (curl --cacert, --ca)."
}

var chainWords = map[tlsmsg.AlertDescription]string{
	tlsmsg.AlertBadCertificate:         "it is damaged, does not verify, or is for another name",
	tlsmsg.AlertUnsupportedCertificate: "it is of a kind, or for a use, that the client does not take",
	tlsmsg.AlertCertificateRevoked:     "its CA has revoked it",
	tlsmsg.AlertCertificateExpired:     "it has expired, or is not valid yet",
	tlsmsg.AlertCertificateUnknown:     "it could not be accepted, for a reason that the alert does not tell",
	tlsmsg.AlertUnknownCA:              "no root that the client trusts signs for it, or the server left out an intermediate certificate",
}

// certificateWanted explains a server that asked for a client certificate, got
// none, and closed.
func (d *diagnosis) certificateWanted(r *transcript.Reason, certain bool) {
	r.Code, r.Sure = "client_certificate_required", transcript.Likely
	if certain {
		r.Sure = transcript.Certain
	}
	r.Frames = append(frames(d.requestAt, d.credAt), r.Frames...)
	r.Means = "the server wants a client certificate: it asked for one (CertificateRequest), and the client sent none"
	r.Remedy = "Give the client one that the server takes, with its key (--cert FILE --key FILE)"
	if who := d.authorities(); who != "" {
		r.Remedy += ": the server names as issuers " + who
	}
	r.Remedy += "."
}

// maxAuthorities bounds the issuers that a reason lists.
const maxAuthorities = 4

// authorities lists the issuers whose client certificates the server accepts.
func (d *diagnosis) authorities() string {
	if d.request == nil {
		return ""
	}
	var list []string
	for _, der := range d.request.Authorities {
		var name pkix.RDNSequence
		if _, err := asn1.Unmarshal(der, &name); err != nil {
			continue
		}
		if len(list) == maxAuthorities {
			list = append(list, fmt.Sprintf("and %d more", len(d.request.Authorities)-maxAuthorities))
			break
		}
		list = append(list, name.String())
	}
	return strings.Join(list, "; ")
}

// credentialRefused explains a server that rejects the client's certificate.
func (d *diagnosis) credentialRefused(a tlsmsg.AlertDescription, r *transcript.Reason) {
	r.Code = "client_certificate_refused"
	r.Frames = append(frames(d.requestAt, d.credAt), r.Frames...)
	r.Means = "the server does not take the client's certificate"
	switch a {
	case tlsmsg.AlertUnknownCA:
		r.Means += ": it does not trust its issuer, or an intermediate certificate is missing from the file"
	case tlsmsg.AlertCertificateExpired:
		r.Means += ": it has expired, or is not valid yet"
	case tlsmsg.AlertCertificateRevoked:
		r.Means += ": it is revoked"
	case tlsmsg.AlertDecryptError:
		r.Means += ", or not its signature (CertificateVerify): the key may not be the certificate's"
	case tlsmsg.AlertUnsupportedCertificate:
		r.Means += ": its kind of key or its use is not one that it takes"
	}
	r.Remedy = "Give another one (--cert FILE --key FILE), with the intermediate certificates in the file"
	if who := d.authorities(); who != "" {
		r.Remedy += "; the server names as issuers " + who
	}
	r.Remedy += "."
}
