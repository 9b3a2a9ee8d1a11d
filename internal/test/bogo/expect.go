// Checks what the runner expects after a handshake.

package main

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// expectations are what the runner expects after the handshake. Zero values
// expect nothing.
type expectations struct {
	version                        tlsmsg.Version
	serverName                     string
	noServerName                   bool
	alpn, advertisedALPN           string
	extendedMasterSecret           bool
	renegotiation, noRenegotiation bool
	group                          tlsmsg.NamedGroup
	suite                          tlsmsg.CipherSuite
	scheme                         tlsmsg.SignatureScheme
	verifyPrefs                    []tlsmsg.SignatureScheme
	ocsp, scts                     []byte
	certificateTypes               []byte
	clientCAs                      string
	peerCert                       string
	noPeerCert                     bool
	credential                     int
	renegotiations                 int

	earlyAccepted, earlyRefused                      bool
	noEarly, earlyTicket                             bool
	retry, noRetry                                   bool
	miss, noSession, renewal, sessionID, noSessionID bool
}

const anyCredential = -2

// check compares the expectations with what is known.
func (p *peer) check(resuming bool) error {
	e, st := &p.set.expect, &p.seen.first
	alpn := e.alpn
	if p.set.server {
		alpn = p.set.selectALPN
	}
	scheme := st.Scheme
	if p.set.server {
		scheme = p.seen.proof
	}
	now13 := st.Version >= tlsmsg.VersionTLS13 // it always has what needs an extension in TLS 1.2
	switch {
	case e.version != 0 && e.version != st.Version:
		return fmt.Errorf("version %v, not %v", st.Version, e.version)
	case alpn != st.ALPN:
		return fmt.Errorf("ALPN %q, not %q", st.ALPN, alpn)
	case e.retry && !p.seen.retried, e.noRetry && p.seen.retried:
		return fmt.Errorf("HelloRetryRequest %v", p.seen.retried)
	case e.extendedMasterSecret && !now13 && !st.ExtendedMasterSecret:
		return fmt.Errorf("no extended master secret")
	case e.renegotiation && !now13 && !st.SecureRenegotiation, e.noRenegotiation && st.SecureRenegotiation:
		return fmt.Errorf("secure renegotiation %v", st.SecureRenegotiation)
	case e.group != 0 && e.group != st.Group && !st.Resumed: // a session does not keep its group
		return fmt.Errorf("group %v, not %v", st.Group, e.group)
	case e.suite != 0 && e.suite != st.CipherSuite:
		return fmt.Errorf("suite %v, not %v", st.CipherSuite, e.suite)
	case e.scheme != 0 && e.scheme != scheme && !st.Resumed:
		return fmt.Errorf("signature scheme %v, not %v", scheme, e.scheme)
	case e.ocsp != nil && !bytes.Equal(e.ocsp, st.OCSPResponse) && !st.Resumed:
		return fmt.Errorf("OCSP response %x, not %x", st.OCSPResponse, e.ocsp)
	case e.scts != nil && !st.Resumed && !bytes.Equal(e.scts, (&tlsmsg.SignedCertificateTimestamps{List: st.SCTs}).AppendData(nil, tlsmsg.TypeServerHello)):
		return fmt.Errorf("timestamps %x, not %x", st.SCTs, e.scts)
	case e.noPeerCert && len(st.Chain) > 0:
		return fmt.Errorf("a certificate of the peer's")
	case e.credential != anyCredential && e.credential != p.credential():
		return fmt.Errorf("credential %d, not %d", p.credential(), e.credential)
	}
	if err := p.checkSession(resuming); err != nil {
		return err
	}
	if err := p.checkECH(); err != nil {
		return err
	}
	if err := p.checkRequest(); err != nil {
		return err
	}
	if server, ok := p.machine.(*handshake.Server); ok {
		if err := p.checkOffer(server); err != nil {
			return err
		}
	}
	if e.peerCert != "" {
		chain, err := readPEM(e.peerCert)
		if err != nil {
			return err
		}
		if !slices.EqualFunc(chain, st.Chain, bytes.Equal) {
			return fmt.Errorf("another chain of the peer's than %s", e.peerCert)
		}
	}
	return nil
}

// checkSession is about resumption. A client must have a new session after a
// full handshake, and after an abbreviated one only if its ticket is renewed.
func (p *peer) checkSession(resuming bool) error {
	e, st := &p.set.expect, &p.seen.first
	if want := resuming && !e.miss; st.Resumed != want {
		return fmt.Errorf("resumed %v, not %v", st.Resumed, want)
	}
	if p.set.server {
		return nil
	}
	if st.Version >= tlsmsg.VersionTLS13 { // tickets come after the handshake
		return nil
	}
	fresh := st.Session != nil && (!st.Resumed || st.TicketReceived)
	switch want := !e.noSession && (!st.Resumed || e.renewal); {
	case fresh != want:
		return fmt.Errorf("a new session %v, not %v", fresh, want)
	case !resuming && e.sessionID && !fresh, !resuming && e.noSessionID && fresh:
		return fmt.Errorf("a new session %v", fresh)
	}
	return nil
}

// checkEarly is about early data.
func (p *peer) checkEarly() error {
	e, early := &p.set.expect, p.seen.first.EarlyData
	switch {
	case e.earlyAccepted && early != handshake.EarlyDataAccepted, e.earlyRefused && !p.set.server && early != handshake.EarlyDataRefused,
		e.earlyRefused && early == handshake.EarlyDataAccepted, e.noEarly && early != handshake.EarlyDataNone:
		return fmt.Errorf("early data %v", early)
	}
	return nil
}

// checkTicket is about a client's session of TLS 1.3, at the end.
func (p *peer) checkTicket() error {
	st := p.State()
	if p.set.server || st.Version < tlsmsg.VersionTLS13 {
		return nil
	}
	if p.set.shutsDown { // what has arrived by then depends on timing
		return nil
	}
	want := !p.set.expect.noSession
	if want != p.seen.fresh {
		return fmt.Errorf("expectation: a new session %v, not %v", !want, want)
	}
	if early := want && st.Session.MaxEarly > 0; want && early != p.set.expect.earlyTicket {
		return fmt.Errorf("expectation: a ticket for early data %v, not %v", early, !early)
	}
	return nil
}

// credential returns the number of the credential that was used: a certificate's or a
// PSK's. The default one is the runner's number -1, and so is none.
func (p *peer) credential() int {
	st := &p.seen.first
	if st.Credential >= 0 {
		return p.set.numbers[st.Credential]
	}
	for i, f := range p.set.credentials {
		if f.isPSK && len(st.PSKIdentity) > 2 && bytes.HasPrefix(st.PSKIdentity[2:], f.identity) { // as imported
			return i - 1
		}
	}
	return -1
}

// checkOffer is about ClientHello.
func (p *peer) checkOffer(s *handshake.Server) error {
	e := &p.set.expect
	var name tlsmsg.ServerName // also where the extension is not answered
	if _, err := s.Offer().DecodeExtension(&name); err != nil {
		return err
	}
	if host := name.HostName(); e.serverName != "" && host != e.serverName || e.noServerName && host != "" {
		return fmt.Errorf("server name %q, not %q", host, e.serverName)
	}
	var alpn tlsmsg.ALPN
	if _, err := s.Offer().DecodeExtension(&alpn); err != nil {
		return err
	}
	if e.advertisedALPN != "" && !slices.Equal(alpn.Protocols, protocols(e.advertisedALPN)) {
		return fmt.Errorf("ALPN offer %q, not %q", alpn.Protocols, e.advertisedALPN)
	}
	var schemes tlsmsg.SignatureAlgorithms
	if _, err := s.Offer().DecodeExtension(&schemes); err != nil {
		return err
	}
	if len(e.verifyPrefs) > 0 && !slices.Equal(schemes.Schemes, e.verifyPrefs) {
		return fmt.Errorf("signature schemes %v, not %v", schemes.Schemes, e.verifyPrefs)
	}
	return nil
}

// checkRequest is about CertificateRequest.
func (p *peer) checkRequest() error {
	e, st, r := &p.set.expect, &p.seen.first, p.seen.request
	if e.clientCAs != "" {
		want, err := names(e.clientCAs)
		if err != nil {
			return err
		}
		if r != nil && st.Version >= tlsmsg.VersionTLS13 {
			var v tlsmsg.CertificateAuthorities
			if _, err := r.DecodeExtension(&v); err != nil {
				return err
			}
			r.Authorities = v.Authorities
		}
		if r == nil || !slices.EqualFunc(want, r.Authorities, bytes.Equal) {
			return fmt.Errorf("authorities %x, not %x", r, want)
		}
	}
	if e.certificateTypes == nil {
		return nil
	}
	if r == nil {
		return fmt.Errorf("no CertificateRequest")
	}
	var types []byte
	for _, t := range r.CertificateTypes {
		types = append(types, byte(t))
	}
	if !bytes.Equal(types, e.certificateTypes) {
		return fmt.Errorf("certificate types %x, not %x", types, e.certificateTypes)
	}
	return nil
}
