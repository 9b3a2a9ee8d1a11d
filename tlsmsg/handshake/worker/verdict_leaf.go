// What is judged of the leaf alone, for each connection: its name, what its key
// may do, and its time.

package worker

import (
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/rawshake/rawshake/tlsmsg/der"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// namesShown bounds the names of a certificate that a verdict lists.
const namesShown = 8

// wrongName judges the name alone. Without a name nothing can be verified.
func wrongName(leaf *x509.Certificate, name string) *Fault {
	if name == "" {
		return &Fault{Reason: WrongName, Text: "there is no server name to check the certificate against"}
	}
	host := strings.TrimSuffix(name, ".")
	if err := leaf.VerifyHostname(host); err != nil {
		return &Fault{Reason: WrongName, Text: fmt.Sprintf("the certificate is not for %s but for %s", printable(name), names(leaf)), Err: err}
	}
	return nil
}

// unusableKey says what kind of key a certificate has that no signature can be
// checked with here.
func unusableKey(cert []byte, key any) *Fault {
	if suite.KnownKey(key) {
		return nil
	}
	k := &der.Describe(cert).Key
	if k.Kind == "" {
		return nil
	}
	says := k.Kind
	switch {
	case k.Curve != "" && k.Curve != k.Kind:
		says += " with the curve " + printable(k.Curve)
	case k.Bits > 0:
		says += fmt.Sprintf(", %d bits", k.Bits)
	}
	return &Fault{Reason: UnusableKey, Text: "the certificate's key is of a kind that is not taken here: " + says}
}

// wrongKeyUsage judges what the key may be used for, if the certificate says so
// (RFC 5246, sections 7.4.2 and 7.4.6; RFC 5280, section 4.2.1.3).
func wrongKeyUsage(leaf *x509.Certificate, work handshake.VerifyChainWork) *Fault {
	switch {
	case leaf.KeyUsage == 0:
	case work.Decrypts && leaf.KeyUsage&x509.KeyUsageKeyEncipherment == 0:
		return &Fault{Reason: WrongKeyUsage, Text: "the certificate's keyUsage does not have keyEncipherment, which RSA key exchange needs"}
	case !work.Decrypts && !work.Resumed && leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return &Fault{Reason: WrongKeyUsage, Text: "the certificate's keyUsage does not have digitalSignature, which its signature needs"}
	}
	return nil
}

// names lists what a leaf is for.
func names(leaf *x509.Certificate) string {
	var list []string
	for _, n := range leaf.DNSNames {
		list = append(list, printable(n))
	}
	for _, ip := range leaf.IPAddresses {
		list = append(list, net.IP(ip).String())
	}
	switch {
	case len(list) == 0 && leaf.Subject.CommonName != "":
		return "no name in subjectAltName (its common name, " + printable(leaf.Subject.CommonName) + ", does not count)"
	case len(list) == 0:
		return "no name at all"
	case len(list) > namesShown:
		return fmt.Sprintf("%s and %d more", strings.Join(list[:namesShown], ", "), len(list)-namesShown)
	}
	return strings.Join(list, ", ")
}

// outOfTime judges the leaf's own time.
func outOfTime(cert *x509.Certificate, now time.Time) *Fault {
	f := outside(cert.NotBefore, cert.NotAfter, now)
	if f != nil {
		f.Err = x509.CertificateInvalidError{Cert: cert, Reason: x509.Expired}
	}
	return f
}

// outside says which end of a validity the time is beyond. Zero ends are not
// known.
func outside(from, to, now time.Time) *Fault {
	switch {
	case !to.IsZero() && now.After(to):
		return &Fault{Reason: Expired, Text: "the certificate expired on " + when(to)}
	case !from.IsZero() && now.Before(from):
		return &Fault{Reason: NotYetValid, Text: "the certificate is not valid before " + when(from)}
	}
	return nil
}

func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") }
