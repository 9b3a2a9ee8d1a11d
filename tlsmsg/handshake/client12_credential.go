// The client's certificate: which one fits a server's CertificateRequest.

package handshake

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// certificateRequest takes the server's request, which is answered in our
// flight (RFC 5246, section 7.4.4).
func (c *Client) certificateRequest(raw []byte) error {
	m := new(tlsmsg.CertificateRequest)
	if err := c.decode(m, raw); err != nil {
		return err
	}
	c.exchange.request = m
	c.state.CertificateRequested = true
	return nil
}

// sendCertificate answers CertificateRequest: with the first credential that
// fits, or an empty list where none does or the server has not shown to be who
// it should be (RFC 5246, section 7.4.6).
func (c *Client) sendCertificate() error {
	c.chooseCredential()
	var m tlsmsg.Certificate
	if c.state.Credential >= 0 {
		m.Chain = c.cfg.Credentials[c.state.Credential].Chain
	} else {
		c.transcript.Drop()
	}
	return c.send(&m)
}

func (c *Client) chooseCredential() {
	switch {
	case len(c.cfg.Credentials) == 0:
		c.decide("credential_none", "no client certificate sent: none is configured")
		return
	case c.ECH() == ECHRejected: // RFC 9849, section 6.1.7
		c.decide("credential_withheld", "no client certificate sent: the server speaks for %q alone", c.name)
		return
	case !c.trusted():
		c.decide("credential_withheld", "no client certificate sent: %s", c.mistrust())
		return
	}
	misfits := c.chooseFitting(c.exchange.request, "the first that fits CertificateRequest")
	if misfits != "" && c.cfg.AnyAuthority { // a server may name too few, and whoever gave the credential knows better
		request := *c.exchange.request
		request.Authorities = nil
		misfits = c.chooseFitting(&request, "its issuers are not among certificate_authorities, and it was asked for all the same")
	}
	if misfits != "" {
		c.decide("credential_unfit", "no client certificate sent: none fits CertificateRequest%s", misfits)
	}
}

// chooseFitting chooses the first credential that fits a request, or returns why
// none does.
func (c *Client) chooseFitting(request *tlsmsg.CertificateRequest, why string) (misfits string) {
	for i := range c.cfg.Credentials {
		scheme, misfit := c.fit(&c.cfg.Credentials[i], request)
		if misfit == "" {
			c.state.Credential, c.exchange.scheme = i, scheme
			c.decide("credential_sent", "client certificate %d of %d sent, signing with %v: %s", i+1, len(c.cfg.Credentials), scheme, why)
			return ""
		}
		misfits += fmt.Sprintf("; number %d: %s", i+1, misfit)
	}
	return misfits
}

// trusted reports whether the server may be given what is only for it.
func (c *Client) trusted() bool {
	return c.state.Verified() || c.cfg.AllowUnverified || c.state.PSKIdentity != nil
}

// mistrust says why the peer is not trusted.
func (c *Client) mistrust() string {
	return "the server's certificate did not verify: " + reason(c.state.Verdict)
}

// fit returns the scheme with which a credential answers a request, or why it
// does not.
func (c *Client) fit(cred *Credential, request *tlsmsg.CertificateRequest) (tlsmsg.SignatureScheme, string) {
	if len(cred.Chain) == 0 {
		return 0, "it has no certificate"
	}
	if !issued(cred, request.Authorities) {
		return 0, "none of its issuers is among certificate_authorities"
	}
	ours, named := c.schemesOf(cred)
	i := slices.IndexFunc(ours, func(s tlsmsg.SignatureScheme) bool {
		return (!named || slices.Contains(request.Schemes, s)) && slices.Contains(request.CertificateTypes, certificateType(s)) &&
			(!c.is13() || onCurve(s, cred))
	})
	if i >= 0 {
		return ours[i], ""
	}
	if !named {
		return 0, fmt.Sprintf("%v takes certificates of type %v, and its key signs with %v", c.state.Version, request.CertificateTypes, cred.Schemes)
	}
	return 0, fmt.Sprintf("its key signs with %v, the server takes %v from certificates of type %v",
		ours, request.Schemes, request.CertificateTypes)
}

// onCurve reports whether a scheme, where it is one of ECDSA in TLS 1.3, names the
// curve of a credential's key.
func onCurve(s tlsmsg.SignatureScheme, cred *Credential) bool {
	curve := suite.SchemeCurve(s)
	return curve == 0 || cred.Curve == 0 || curve == cred.Curve
}

// schemesOf returns what a credential signs with in the negotiated version, and
// whether the version names schemes: before TLS 1.2 the kind of key implies it.
// SHA-1 comes last, and with Config.Legacy.
func (c *Client) schemesOf(cred *Credential) (list []tlsmsg.SignatureScheme, named bool) {
	implied := impliedScheme(cred.Schemes)
	if c.state.Version < tlsmsg.VersionTLS12 {
		if implied == 0 {
			return nil, false
		}
		return []tlsmsg.SignatureScheme{implied}, false
	}
	if !c.cfg.Legacy || implied == 0 || c.is13() {
		return cred.Schemes, true
	}
	if implied == suite.SchemeRSAPKCS1MD5SHA1 {
		implied = tlsmsg.SchemeRSAPKCS1SHA1
	}
	return append(slices.Clip(cred.Schemes), implied), true
}

// impliedScheme is [suite.ImpliedScheme] by the schemes of the key in TLS 1.2.
func impliedScheme(schemes []tlsmsg.SignatureScheme) tlsmsg.SignatureScheme {
	for _, s := range schemes {
		switch s {
		case tlsmsg.SchemeRSAPKCS1SHA256, tlsmsg.SchemeRSAPKCS1SHA384, tlsmsg.SchemeRSAPKCS1SHA512:
			return suite.SchemeRSAPKCS1MD5SHA1
		case tlsmsg.SchemeECDSASecp256r1SHA256, tlsmsg.SchemeECDSASecp384r1SHA384, tlsmsg.SchemeECDSASecp521r1SHA512:
			return tlsmsg.SchemeECDSASHA1
		}
	}
	return 0
}

// issued reports whether an issuer is among the authorities; an empty list of
// authorities takes any (RFC 5246, section 7.4.4).
func issued(cred *Credential, authorities [][]byte) bool {
	return len(authorities) == 0 || slices.ContainsFunc(cred.Issuers, func(issuer []byte) bool {
		return slices.ContainsFunc(authorities, func(a []byte) bool { return bytes.Equal(a, issuer) })
	})
}

// certificateType is the type of certificate that holds a scheme's key. That
// of EdDSA goes by ecdsa_sign (RFC 8422, section 5.5).
func certificateType(s tlsmsg.SignatureScheme) tlsmsg.ClientCertificateType {
	switch s {
	case tlsmsg.SchemeECDSASecp256r1SHA256, tlsmsg.SchemeECDSASecp384r1SHA384, tlsmsg.SchemeECDSASecp521r1SHA512,
		tlsmsg.SchemeECDSASHA1, tlsmsg.SchemeEd25519, tlsmsg.SchemeEd448:
		return tlsmsg.CertificateTypeECDSASign
	}
	return tlsmsg.CertificateTypeRSASign
}
