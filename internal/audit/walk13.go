// TLS 1.3: the ClientHello offers no key, so that the server answers with a
// HelloRetryRequest, which names a suite and a group at once and costs it
// nothing.

package audit

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// hello13 offers TLS 1.3 alone.
func (a *Audit) hello13(suites []tlsmsg.CipherSuite, groups []tlsmsg.NamedGroup) *Hello {
	return &Hello{Version: tlsmsg.VersionTLS12, Versions: only13, Suites: suites, Groups: groups, Schemes: allSchemes, ServerName: a.o.ServerName}
}

// helloOld offers a version before TLS 1.3.
func (a *Audit) helloOld(v tlsmsg.Version, suites []tlsmsg.CipherSuite) *Hello {
	h := &Hello{Version: v, Suites: suites, ServerName: a.o.ServerName, Deflate: true}
	if v == tlsmsg.VersionSSL30 {
		h.Plain = true
		return h
	}
	h.Groups = curves()
	if v == tlsmsg.VersionTLS12 {
		h.Schemes = allSchemes
	}
	return h
}

// curves are the groups offered before TLS 1.3. Those of RFC 7919 are not among
// them: who offers one may be given no other Diffie-Hellman group, and is to see
// the server's own.
func curves() []tlsmsg.NamedGroup {
	return slices.DeleteFunc(slices.Clone(allGroups()), func(g tlsmsg.NamedGroup) bool { return g >= tlsmsg.GroupFFDHE2048 })
}

// reach asks whether there is a TLS server at all: by the first question of TLS
// 1.3, or if that has no answer by the first of TLS 1.2.
func (a *Audit) reach(ask ask) {
	w := &step13{audit: a, ask: ask, schemes: schemes13()}
	a.found.walk13 = w
	w.first = ask(w.question(suitesOf(tlsmsg.VersionTLS13), allGroups()))
	switch _, _, ok := taken13(w.first); {
	case ok, w.first.Outcome == Refused:
		return
	case w.first.Outcome == Unreachable:
		a.over = true
		return
	}
	a.found.first12 = ask(&Question{About: "TLS 1.2", Hello: a.helloOld(tlsmsg.VersionTLS12, suitesOf(tlsmsg.VersionTLS12))})
	if o := a.found.first12.Outcome; o == Unreachable || o == Silent || o == Strange {
		a.over = true // another form of ClientHello changes nothing
	}
}

// walk13 finds suites and groups of TLS 1.3: at first both at once, and once all
// suites are found that servers usually have, the rest of the groups, and of the
// suites. The first steps are handshakes to the end, which show more by the same
// connection.
func (a *Audit) walk13(ask ask) {
	suites, groups := suitesOf(tlsmsg.VersionTLS13), allGroups()
	w := a.found.walk13
	w.ask = ask
	for w.usual(suites) && w.step(suites, groups) {
		suites, groups = without(suites, w.suites[len(w.suites)-1]), without(groups, w.groups[len(w.groups)-1])
	}
	if len(w.suites) > 0 {
		pinned := w.suites[:1:1]
		for len(groups) > 0 && w.step(pinned, groups) {
			groups = without(groups, w.groups[len(w.groups)-1])
		}
		for len(suites) > 0 && w.step(suites, w.groups[:1:1]) {
			suites = without(suites, w.suites[len(w.suites)-1])
		}
	}
	v := a.found.version(tlsmsg.VersionTLS13)
	v.judge(len(w.suites) > 0, w.last)
	for _, s := range w.suites {
		v.add(s, nil)
	}
	for _, g := range w.groups {
		a.found.group(g, tlsmsg.VersionTLS13)
	}
	a.order13(ask, v, w.suites, suitesOf(tlsmsg.VersionTLS13), w.groups, allGroups())
}

// step13 is the walk of TLS 1.3 under way.
type step13 struct {
	audit   *Audit
	ask     ask
	first   *Answer // to the first question; nil: it was taken
	last    *Answer
	suites  []tlsmsg.CipherSuite // found
	groups  []tlsmsg.NamedGroup
	schemes []tlsmsg.SignatureScheme // not seen yet
	plain   bool                     // a handshake has failed: only hellos from here on
	more    bool                     // there are more groups than usual suites
}

// usual reports whether a suite is left that most servers have.
func (w *step13) usual(left []tlsmsg.CipherSuite) bool {
	return slices.ContainsFunc(left, func(id tlsmsg.CipherSuite) bool {
		return id >= tlsmsg.TLS_AES_128_GCM_SHA256 && id <= tlsmsg.TLS_CHACHA20_POLY1305_SHA256
	})
}

// step asks once, and keeps the suite and the group that the server takes.
func (w *step13) step(s []tlsmsg.CipherSuite, g []tlsmsg.NamedGroup) bool {
	answer := w.answer(s, g)
	suite, group, ok := taken13(answer)
	if !ok || !slices.Contains(s, suite) || !slices.Contains(g, group) {
		w.last = answer
		return false
	}
	if !slices.Contains(w.suites, suite) {
		w.suites = append(w.suites, suite)
	}
	if !slices.Contains(w.groups, group) {
		w.groups = append(w.groups, group)
	}
	return true
}

// answer is that to a handshake to the end, as long as there is something that only
// such a one shows, and else to a hello alone.
func (w *step13) answer(s []tlsmsg.CipherSuite, g []tlsmsg.NamedGroup) *Answer {
	answer, take := w.first, w.take
	w.first = nil
	if answer == nil {
		var q *Question
		if q, take = w.finish(s, g); q != nil {
			answer = w.ask(q)
		}
	}
	if answer != nil {
		if _, _, ok := taken13(answer); ok {
			take(answer)
			return answer
		}
	}
	plain := w.ask(&Question{About: about13, Hello: w.audit.hello13(s, g)})
	if _, _, ok := taken13(plain); ok {
		w.more = true
		if answer != nil { // so that it was not the offer that was refused
			w.failed(answer)
		}
	}
	return plain
}

const about13 = "cipher suites and groups of TLS 1.3"

// finish is the next handshake to the end that has something to show: another
// signature scheme, or what becomes of the first one's session; and what takes the
// answer.
func (w *step13) finish(s []tlsmsg.CipherSuite, g []tlsmsg.NamedGroup) (*Question, func(*Answer)) {
	f := &w.audit.found
	switch {
	case w.plain || len(s) == 1 && !w.more || !slices.ContainsFunc(s, func(id tlsmsg.CipherSuite) bool { return suite.Lookup13(id) != nil }):
	case len(w.schemes) > 0:
		return w.question(s, g), w.take
	case f.full13 == nil || len(f.full13.Sessions) == 0 || !slices.Contains(s, f.full13.Sessions[0].CipherSuite):
	case f.second13 == nil:
		return w.again("resumption in TLS 1.3", g, true), func(answer *Answer) { keep(&f.second13, answer) }
	case f.third13 == nil && f.second13.State.Resumed:
		return w.again("the same ticket of TLS 1.3 once more", g, false), func(answer *Answer) { keep(&f.third13, answer) }
	}
	return nil, nil
}

// keep keeps a handshake that came to its end.
func keep(to **Answer, answer *Answer) {
	if answer.Finished {
		*to = answer
	}
}

// question is a handshake to the end with what is left.
func (w *step13) question(s []tlsmsg.CipherSuite, g []tlsmsg.NamedGroup) *Question {
	cfg := w.audit.config13(s, g)
	cfg.SignatureSchemes = w.schemes
	first := w.audit.found.full13 == nil
	if first {
		cfg.ALPN, cfg.GREASEECH, cfg.RecordSizeLimit = alpnProtocols, true, tlsmsg.MaxPlaintext
	}
	return &Question{About: about13 + ", to the end of a handshake", Config: cfg, Tickets: first}
}

// again resumes the session of the first handshake.
func (w *step13) again(about string, g []tlsmsg.NamedGroup, tickets bool) *Question {
	session := w.audit.found.full13.Sessions[0]
	cfg := w.audit.config13([]tlsmsg.CipherSuite{session.CipherSuite}, g)
	cfg.Session = session
	return &Question{About: about, Config: cfg, Tickets: tickets}
}

// take keeps what a handshake shows besides.
func (w *step13) take(answer *Answer) {
	f := &w.audit.found
	if !answer.Finished {
		if _, group, _ := taken13(answer); suite.Shares(group) { // or no key could be made here
			w.plain = true
		}
		return
	}
	if f.full13 == nil {
		f.full13 = answer
	}
	f.complete(answer, w.audit.o.ServerName != "")
	f.scheme(answer.State.Scheme, tlsmsg.VersionTLS13)
	w.schemes = without(w.schemes, answer.State.Scheme)
}

// failed takes a handshake that was refused where its offer of suites and groups is
// good.
func (w *step13) failed(answer *Answer) {
	if w.audit.found.full13 != nil && len(w.schemes) > 0 && answer.Outcome == Refused {
		w.schemes = nil // there are no more of them
		return
	}
	w.plain = true
}

// schemes13 are the signature schemes of TLS 1.3 that are verified here.
func schemes13() []tlsmsg.SignatureScheme {
	return slices.DeleteFunc(slices.Clone(allSchemes), func(s tlsmsg.SignatureScheme) bool { return !suite.Signs13(s) })
}

// order13 finds out whose order decides. The same questions offer a key in a
// group that the server takes, but likes less than another: does it use the key,
// or ask for one of the other?
func (a *Audit) order13(ask ask, v *versionFound, suites, offered []tlsmsg.CipherSuite, groups, offeredGroups []tlsmsg.NamedGroup) {
	hello := func(s []tlsmsg.CipherSuite) *Hello {
		h := a.hello13(s, groups)
		h.Shares = lastShare(groups)
		return h
	}
	v.Preference = preference(suites, offered, isChaCha, func(s []tlsmsg.CipherSuite) (tlsmsg.CipherSuite, bool) {
		answer := ask(&Question{About: "preference among the suites of TLS 1.3", Hello: hello(s)})
		a.found.retryHabit(answer)
		got, _, ok := taken13(answer)
		return got, ok
	})
	a.found.groupOrder = preference(groups, offeredGroups, func(tlsmsg.NamedGroup) bool { return false }, func(g []tlsmsg.NamedGroup) (tlsmsg.NamedGroup, bool) {
		_, got, ok := taken13(ask(&Question{About: "preference among the groups", Hello: a.hello13(suites, g)}))
		return got, ok
	})
	a.found.retryHabit(a.chacha(ask, v, suites, hello))
}

// lastShare is the group that the server likes least of those that a key is at
// hand for, if there is one that it likes more.
func lastShare(groups []tlsmsg.NamedGroup) []tlsmsg.NamedGroup {
	for i := len(groups) - 1; i > 0; i-- {
		if publicKeys[groups[i]] != nil {
			return groups[i : i+1]
		}
	}
	return nil
}

// retryHabit takes the answer to a hello with such a key.
func (f *found) retryHabit(answer *Answer) {
	switch {
	case answer == nil || !answer.agreed() || answer.Hello == nil || answer.Version() != tlsmsg.VersionTLS13:
	case answer.Hello.IsHelloRetryRequest():
		f.features.HelloRetry = "for the group it prefers, although it could use the key that came"
	default:
		f.features.HelloRetry = "only if it can use no key that came"
	}
}

// taken13 is what an answer of TLS 1.3 shows.
func taken13(answer *Answer) (s tlsmsg.CipherSuite, g tlsmsg.NamedGroup, ok bool) {
	switch {
	case answer.Retry != nil:
		return answer.Retry.CipherSuite, groupOf(answer.Retry), true
	case !answer.agreed() || answer.Hello == nil || answer.Version() != tlsmsg.VersionTLS13:
		return 0, 0, false
	}
	return answer.Hello.CipherSuite, groupOf(answer.Hello), true
}

// groupOf is the group of a ServerHello's or HelloRetryRequest's key_share.
func groupOf(m *tlsmsg.ServerHello) tlsmsg.NamedGroup { return shareOf(m).Group }

func shareOf(m *tlsmsg.ServerHello) tlsmsg.KeyShareEntry {
	var share tlsmsg.KeyShare
	if found, err := m.DecodeExtension(&share); !found || err != nil || len(share.Shares) == 0 {
		return tlsmsg.KeyShareEntry{}
	}
	return share.Shares[0]
}
