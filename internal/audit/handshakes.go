// Handshakes to their end: what a server says only once it has a client, and
// what it makes of one that comes again.

package audit

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

func (a *Audit) handshakes() {
	if a.over {
		return
	}
	a.begin(a.tolerance) // what the questions before have left
	if a.found.versions[tlsmsg.VersionTLS13].speaks() {
		a.begin(a.sessions13)
	}
	if a.found.best(tlsmsg.VersionTLS12) != nil {
		a.begin(a.sessionsOld)
	}
}

// config13 is a handshake of TLS 1.3 alone, without a key in the first
// ClientHello.
func (a *Audit) config13(suites []tlsmsg.CipherSuite, groups []tlsmsg.NamedGroup) *handshake.Config {
	c := defaultConfig(a.o.ServerName)
	c.MinVersion, c.MaxVersion = tlsmsg.VersionTLS13, tlsmsg.VersionTLS13
	c.CipherSuites, c.Groups, c.KeyShares = suites, groups, []tlsmsg.NamedGroup{}
	return &c
}

// known13 is one with what the server is known to take.
func (a *Audit) known13() *handshake.Config {
	v := a.found.version(tlsmsg.VersionTLS13)
	c := a.config13(slices.DeleteFunc(v.ids(), func(id tlsmsg.CipherSuite) bool { return suite.Lookup13(id) == nil }),
		slices.DeleteFunc(a.found.groupsOf(tlsmsg.VersionTLS13), func(g tlsmsg.NamedGroup) bool { return !suite.Shares(g) }))
	c.KeyShares = nil
	return c
}

// sessions13 makes a handshake of TLS 1.3, and resumes it twice by the same
// ticket.
func (a *Audit) sessions13(ask ask) {
	cfg := a.known13()
	if len(cfg.CipherSuites) == 0 || len(cfg.Groups) == 0 {
		a.found.gap("sessions of TLS 1.3", "no suite or group of the server's can be finished here")
		return
	}
	cfg.ALPN, cfg.GREASEECH = alpnProtocols, true
	first := a.found.full13
	if first == nil {
		first = ask(&Question{About: "a handshake of TLS 1.3", Config: cfg, Tickets: true})
	}
	if first.Outcome == Refused && first.Alert.Description == tlsmsg.AlertNoApplicationProtocol {
		cfg.ALPN = nil
		first = ask(&Question{About: "a handshake of TLS 1.3", Config: cfg, Tickets: true})
	}
	a.found.complete(first, a.o.ServerName != "")
	if !first.Finished {
		a.found.gap("sessions of TLS 1.3", "the handshake did not come to its end: "+reason(first))
		return
	}
	a.found.encrypted(first)
	a.kinds13(ask, first)
	a.protocols13(ask, cfg)
	t := &Tickets{Offered: len(first.Sessions) > 0, Count: len(first.More.Tickets), Lifetime: first.Lifetime}
	a.found.features.Tickets13 = t
	early := uint32(0)
	if len(first.Sessions) == 0 {
		a.found.features.EarlyData = &early
		return
	}
	session := first.Sessions[0]
	early = session.MaxEarly
	a.found.features.EarlyData = &early
	resume := func(about string, known *Answer, tickets bool) *Answer {
		if known != nil {
			return known
		}
		cfg := a.known13()
		cfg.Session, cfg.CipherSuites = session, []tlsmsg.CipherSuite{session.CipherSuite} // its hash must be the session's
		return ask(&Question{About: about, Config: cfg, Tickets: tickets})
	}
	second := resume("resumption in TLS 1.3", a.found.second13, true)
	if !second.Finished {
		return
	}
	is(&t.Resumes, second.State.Resumed)
	if !second.State.Resumed {
		return
	}
	is(&t.Renewed, len(second.Sessions) > 0)
	if session.MaxEarly > 0 {
		a.earlyData(ask, second)
	}
	if third := resume("the same ticket of TLS 1.3 once more", a.found.third13, false); third.Finished {
		is(&t.Reuse, third.State.Resumed)
	}
}

// earlyData offers 0-RTT data, of which there is none, so that there is nothing that
// could be replayed: does the server take it?
func (a *Audit) earlyData(ask ask, second *Answer) {
	if len(second.Sessions) == 0 {
		return
	}
	cfg := a.known13()
	cfg.Session, cfg.EarlyData = second.Sessions[0], []byte{}
	cfg.CipherSuites = []tlsmsg.CipherSuite{cfg.Session.CipherSuite}
	if cfg.Session.ALPN != "" {
		cfg.ALPN = []string{cfg.Session.ALPN}
	}
	if answer := ask(&Question{About: "0-RTT data", Config: cfg}); answer.Finished {
		is(&a.found.features.EarlyTaken, answer.State.EarlyData == handshake.EarlyDataAccepted)
	}
}

// kinds13 finds the certificates of a server of TLS 1.3 by the schemes that it
// may sign with: nothing shows them before the handshake is encrypted.
func (a *Audit) kinds13(ask ask, first *Answer) {
	left := a.found.walk13.schemes
	for answer := first; answer.Finished && answer.State.Scheme != 0; {
		a.found.complete(answer, a.o.ServerName != "")
		a.found.scheme(answer.State.Scheme, tlsmsg.VersionTLS13)
		if left = without(left, answer.State.Scheme); len(left) == 0 {
			return
		}
		cfg := a.known13()
		cfg.SignatureSchemes = left
		answer = ask(&Question{About: "certificates and signature schemes of TLS 1.3", Config: cfg})
	}
}

// maxProtocols bounds the protocols of ALPN that are asked for one by one.
const maxProtocols = 4

// protocols13 finds the protocols of a server that speaks nothing but TLS 1.3.
func (a *Audit) protocols13(ask ask, cfg *handshake.Config) {
	if a.found.best(tlsmsg.VersionTLS12) != nil {
		return
	}
	left := alpnProtocols
	for range maxProtocols {
		n := len(a.found.features.ALPN)
		if n == 0 {
			return
		}
		left = without(left, a.found.features.ALPN[n-1])
		again := *cfg
		again.ALPN = left
		answer := ask(&Question{About: "ALPN", Config: &again})
		if !answer.Finished || answer.State.ALPN == "" {
			return
		}
		a.found.alpn(answer.State.ALPN)
	}
}

// complete takes what any finished handshake shows.
func (f *found) complete(answer *Answer, named bool) {
	if answer.State == nil {
		return
	}
	if c := f.chain(answer.State.Chain, named); c != nil && answer.State.Judged && !c.judged {
		c.judged, c.verdict = true, answer.State.Verdict
	}
	if s := answer.State.Status; s != "" && f.features.OCSPStatus == "" {
		f.features.OCSPStatus = string(s)
	}
}

// encrypted takes what a server of TLS 1.3 says in encrypted messages.
func (f *found) encrypted(answer *Answer) {
	s, t := answer.State, &f.features
	f.alpn(s.ALPN)
	once(&t.OCSPStapling, len(s.OCSPResponse) > 0)
	if t.SCTs == nil || len(s.SCTs) > *t.SCTs {
		n := len(s.SCTs)
		t.SCTs = &n
	}
	once(&t.ClientAuth, s.CertificateRequested)
	if answer.Request13 != nil {
		f.request13(answer.Request13)
	}
	if s.RecordSizeLimit != 0 {
		t.RecordLimit = &s.RecordSizeLimit
	}
	if answer.More == nil {
		return
	}
	ech := tlsmsg.FindExtension(answer.More.Encrypted, tlsmsg.ExtensionEncryptedClientHello) >= 0
	is(&t.ECH, ech)
}

func (f *found) request13(m *tlsmsg.CertificateRequest) {
	for _, e := range m.Extensions {
		if e.Type == tlsmsg.ExtensionCertAuthorities {
			var list tlsmsg.CertificateAuthorities
			if e.Decode(&list, tlsmsg.TypeCertificateRequest) == nil {
				f.authorities(list.Authorities)
			}
		}
	}
}

// sessionsOld makes a handshake of TLS 1.2 or before, asks for another one
// inside it, and resumes it by ticket and by ID.
func (a *Audit) sessionsOld(ask ask) {
	v := a.found.best(tlsmsg.VersionTLS12)
	about := "a handshake of " + v.id.String()
	cfg := a.knownOld(v)
	if len(cfg.CipherSuites) == 0 {
		a.found.gap("sessions of "+v.id.String(), "no suite of the server's can be finished here")
		return
	}
	first := a.found.full12
	if first == nil {
		first = ask(&Question{About: about, Config: cfg, Renegotiate: true})
	}
	a.found.complete(first, a.o.ServerName != "")
	if !first.Finished {
		a.found.gap("sessions of "+v.id.String(), "the handshake did not come to its end: "+reason(first))
		return
	}
	a.found.features.ClientRenegotiation = first.Renegotiated
	t := a.found.tickets12()
	session := first.State.Session
	if first.State.TicketReceived && session != nil {
		t.Lifetime, t.Count = session.LifetimeHint, 1
		a.resumeOld(ask, v, session, "resumption by ticket", func(again *Answer) {
			is(&t.Resumes, again.State.Resumed)
			if again.State.Resumed {
				is(&t.Renewed, again.State.TicketReceived)
			}
		})
	}
	a.resumeByID(ask, v)
}

// resumeByID makes a session without a ticket, and resumes it by its ID.
func (a *Audit) resumeByID(ask ask, v *versionFound) {
	if ids := a.found.features.SessionIDs; ids != nil && !*ids {
		is(&a.found.features.ResumesID, false)
		return
	}
	cfg := a.knownOld(v)
	cfg.SessionTicket = false
	first := a.found.fullID
	if first == nil {
		first = ask(&Question{About: "a session with an ID", Config: cfg})
	}
	if !first.Finished {
		return
	}
	is(&a.found.features.SessionIDs, len(first.State.SessionID) > 0)
	if first.State.Session == nil || len(first.State.SessionID) == 0 {
		is(&a.found.features.ResumesID, false)
		return
	}
	a.resumeOld(ask, v, first.State.Session, "resumption by session ID", func(again *Answer) {
		is(&a.found.features.ResumesID, again.State.Resumed)
	})
}

func (a *Audit) resumeOld(ask ask, v *versionFound, session *handshake.Session, about string, then func(*Answer)) {
	cfg := a.knownOld(v)
	cfg.Session = session
	cfg.SessionTicket = len(session.Ticket) > 0
	if again := ask(&Question{About: about, Config: cfg}); again.Finished {
		then(again)
	}
}

// configOld is a handshake of one version before TLS 1.3.
func (a *Audit) configOld(v *versionFound, suites []tlsmsg.CipherSuite) *handshake.Config {
	c := defaultConfig(a.o.ServerName)
	c.MinVersion, c.MaxVersion, c.CipherSuites, c.Renegotiation = v.id, v.id, suites, true
	return &c
}

// knownOld is one with what the server is known to take.
func (a *Audit) knownOld(v *versionFound) *handshake.Config {
	ids := slices.DeleteFunc(v.ids(), func(id tlsmsg.CipherSuite) bool { return suite.Of(v.id, id) == nil || kindOf(id).anon })
	// Those of the finite field may take seconds each.
	if quick := slices.DeleteFunc(slices.Clone(ids), func(id tlsmsg.CipherSuite) bool { return kindOf(id).dh }); len(quick) > 0 {
		ids = quick
	}
	c := a.configOld(v, ids)
	c.Groups = slices.DeleteFunc(a.found.groupsOf(v.id), func(g tlsmsg.NamedGroup) bool { return !slices.Contains(suite.Groups(), g) })
	return c
}

// reason says why a handshake did not come to its end.
func reason(answer *Answer) string {
	switch {
	case answer.Outcome == Refused:
		return "alert " + answer.Alert.Description.String()
	case answer.Err != nil:
		return answer.Err.Error()
	}
	return answer.Outcome.String()
}
