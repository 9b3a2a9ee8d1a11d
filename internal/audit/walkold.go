// SSL 2.0 to TLS 1.2: each answer names a suite, which is then left out.

package audit

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// walk finds the suites of a version, and what else the same answers show.
func (a *Audit) walk(ask ask, v tlsmsg.Version) {
	left := suitesOf(v)
	offered := slices.Clone(left)
	step := stepOld{audit: a, ask: ask, version: a.found.version(v), about: "cipher suites of " + v.String()}
	chosen, left := takeAway(left, step.try)
	first := len(chosen)
	if first > 0 && !slices.ContainsFunc(chosen, func(id tlsmsg.CipherSuite) bool { return !kindOf(id).ecdsa }) {
		// HAProxy shows only its ECDSA certificate to who offers any suite for
		// one, though it agrees to none of those that are left.
		others, _ := takeAway(slices.DeleteFunc(left, func(id tlsmsg.CipherSuite) bool { return kindOf(id).ecdsa }), step.try)
		chosen = append(chosen, others...)
	}
	step.version.judge(len(chosen) > 0, step.last)
	if first < 2 {
		first = len(chosen)
	}
	if step.exact > 0 {
		first = min(first, step.exact)
	}
	order := a.ordering(step.version, chosen[:first], offered)
	if v == tlsmsg.VersionTLS12 {
		order(ask)
		return
	}
	a.found.later = append(a.found.later, order)
}

// stepOld is the walk of one version under way.
type stepOld struct {
	audit   *Audit
	ask     ask
	version *versionFound
	about   string
	n       int
	last    *Answer
	plain   bool // a handshake to the end has failed: only hellos from here on

	narrows narrowing
	family  family // of the schemes that were taken; 0: none was
	exact   int    // how many suites came in the order in which all would have come; 0: all of them
}

// try asks once. Two of the steps of TLS 1.2 are handshakes to their end, which
// sessions are resumed from later; one leaves out session_ticket.
func (w *stepOld) try(left []tlsmsg.CipherSuite) (tlsmsg.CipherSuite, bool) {
	a, v := w.audit, w.version.id
	w.n++
	if v == tlsmsg.VersionTLS12 && !w.plain && (w.n == 2 || w.n == 3) {
		if id, ok := w.finish(left); ok {
			return id, true
		}
		w.plain = true
	}
	hello := a.helloOld(v, left)
	hello.NoTicket = v == tlsmsg.VersionTLS12 && w.n == 4
	w.last = w.narrowed(hello)
	if !w.last.agreed() || w.last.Hello == nil || w.last.Version() != v || !slices.Contains(left, w.last.Hello.CipherSuite) {
		return 0, false
	}
	a.found.old(w.version, hello, w.last)
	return w.last.Hello.CipherSuite, true
}

// narrowed asks with the schemes alone that are not known yet, so that the answer
// shows another of them, and once they are known does the same with the groups. When
// there are no more, the server refuses, or turns to a suite that needs none: it is
// asked again with all of them. Where the client's order seems to decide, there is no
// order of the server's to keep exact, and the other suite is as good.
func (w *stepOld) narrowed(hello *Hello) *Answer {
	if w.version.id != tlsmsg.VersionTLS12 || len(w.version.suites) < telling || w.narrows == narrowNothing {
		return w.hello(hello)
	}
	narrow := hello.clone()
	f := &w.audit.found
	if w.narrows == narrowSchemes {
		narrow.Schemes = f.left12
	} else if narrow.Groups = f.leftCurves(); len(narrow.Groups) == 0 {
		w.narrows = narrowNothing
		return w.hello(hello)
	}
	answer := w.hello(narrow)
	if w.shows(answer) {
		return answer
	}
	if answer.agreed() && w.yields() {
		if w.exact == 0 {
			w.exact = len(w.version.suites)
		}
		return answer
	}
	again := w.hello(hello)
	w.exhausted(again)
	return again
}

// What a hello of the walk offers less of, to see more.
type narrowing uint8

const (
	narrowSchemes narrowing = iota
	narrowGroups
	narrowNothing
)

// shows reports whether an answer shows another scheme, of the one kind of key, or
// another group.
func (w *stepOld) shows(answer *Answer) bool {
	if w.narrows == narrowGroups {
		return answer.agreed() && answer.KeyExchange != nil && answer.KeyExchange.Group != 0
	}
	scheme := schemeOf(answer)
	if scheme == 0 || w.family != 0 && w.family != familyOf(scheme) {
		return false
	}
	w.family = familyOf(scheme)
	return true
}

// telling is how many suites show whose order decides, well enough to go on.
const telling = 4

// yields reports whether the server has followed the client's order so far, for long
// enough to tell.
func (w *stepOld) yields() bool {
	ids := w.version.ids()
	if w.exact > 0 {
		ids = ids[:w.exact]
	}
	return ascending(ids, suitesOf(w.version.id))
}

// exhausted says what follows from an answer to a hello with everything, where one
// with less was refused.
func (w *stepOld) exhausted(again *Answer) {
	f := &w.audit.found
	narrows := w.narrows
	w.narrows = narrowNothing
	switch {
	case narrows == narrowSchemes && schemeOf(again) != 0 && (w.family == 0 || w.family == familyOf(schemeOf(again))):
		family := familyOf(schemeOf(again))
		f.left12 = slices.DeleteFunc(slices.Clone(f.left12), func(s tlsmsg.SignatureScheme) bool { return familyOf(s) == family })
		if w.yields() {
			w.narrows = narrowGroups
		}
	case narrows == narrowGroups && again.agreed() && again.KeyExchange != nil && again.KeyExchange.Group != 0 && !kindOf(again.Hello.CipherSuite).ecdsa:
		f.curvesKnown = true // with ECDSA it may have been for want of its certificate's
	}
}

// schemeOf is the scheme that an answer is signed with, or 0.
func schemeOf(answer *Answer) tlsmsg.SignatureScheme {
	if !answer.agreed() || answer.KeyExchange == nil {
		return 0
	}
	return answer.KeyExchange.Scheme
}

// A family is the kind of key that a scheme is of.
type family uint8

const (
	familyRSA family = iota + 1
	familyCurve
)

func familyOf(s tlsmsg.SignatureScheme) family {
	if signsWithCurve(s) {
		return familyCurve
	}
	return familyRSA
}

// finish makes a handshake to the end: the first with a ticket, the second
// without.
func (w *stepOld) finish(left []tlsmsg.CipherSuite) (tlsmsg.CipherSuite, bool) {
	a := w.audit
	cfg := a.configOld(w.version, left)
	cfg.SessionTicket, cfg.Groups, cfg.SignatureSchemes = w.n == 2, curves(), allSchemes
	answer := w.ask(&Question{About: w.about + ", to the end of a handshake", Config: cfg, Renegotiate: w.n == 2})
	if answer.State == nil || answer.State.Version != w.version.id || answer.State.NoSuite || !slices.Contains(left, answer.State.CipherSuite) {
		return 0, false
	}
	a.found.finishedOld(w.version, answer)
	a.found.complete(answer, a.o.ServerName != "")
	switch {
	case !answer.Finished:
		w.plain = true
	case w.n == 2:
		a.found.full12 = answer
	default:
		a.found.fullID = answer
	}
	return answer.State.CipherSuite, true
}

// hello asks by a ClientHello alone. What else a server must bear is asked along,
// from the second answer on.
func (w *stepOld) hello(hello *Hello) *Answer {
	f := &w.audit.found
	switch first := f.first12; {
	case w.n == 1 && hello.Version == tlsmsg.VersionTLS12 && first != nil:
		f.first12 = nil
		return first
	case w.n > 1 && hello.Version == tlsmsg.VersionTLS12:
		return w.audit.askVaried(w.ask, w.about, hello)
	}
	return w.ask(&Question{About: w.about, Hello: hello})
}

func (a *Audit) ordering(version *versionFound, chosen, offered []tlsmsg.CipherSuite) func(ask) {
	return func(ask ask) { a.orderOld(ask, version, chosen, offered) }
}

// orderOld finds out whose order decides. What holds in TLS 1.2 is not asked
// again of older versions.
func (a *Audit) orderOld(ask ask, version *versionFound, chosen, offered []tlsmsg.CipherSuite) {
	v := version.id
	version.Preference = preference(chosen, offered, isChaCha, func(s []tlsmsg.CipherSuite) (tlsmsg.CipherSuite, bool) {
		if a.found.clientDecides && v < tlsmsg.VersionTLS12 {
			return s[0], true
		}
		return taken(a.askUnnamed(ask, "preference among the suites of "+v.String(), a.helloOld(v, s)))
	})
	if v == tlsmsg.VersionTLS12 {
		a.found.clientDecides = version.Preference == PreferenceClient
	}
	a.chacha(ask, version, chosen, func(s []tlsmsg.CipherSuite) *Hello { return a.helloOld(v, s) })
}

// taken is the suite that an answer names.
func taken(answer *Answer) (tlsmsg.CipherSuite, bool) {
	if !answer.agreed() || answer.Hello == nil {
		return 0, false
	}
	return answer.Hello.CipherSuite, true
}

// chacha asks a server with an order of its own whether a client that puts
// ChaCha20 first gets it, as some do for clients without AES in hardware.
func (a *Audit) chacha(ask ask, v *versionFound, chosen []tlsmsg.CipherSuite, hello func([]tlsmsg.CipherSuite) *Hello) *Answer {
	if v.Preference != PreferenceServer {
		return nil
	}
	i, wished := slices.IndexFunc(chosen, isChaCha), isChaCha
	if i == 0 { // it may have yielded to an order that did not begin with AES
		wished = func(id tlsmsg.CipherSuite) bool { return kindOf(id).aead && !isChaCha(id) }
		i = slices.IndexFunc(chosen, wished)
	}
	if i < 0 {
		return nil
	}
	order := append([]tlsmsg.CipherSuite{chosen[i]}, without(chosen, chosen[i])...)
	answer := a.askUnnamed(ask, "ChaCha20 by the client's wish", hello(order))
	got, ok := taken(answer)
	v.ChaChaFirst = ok && wished(got)
	return answer
}

func isChaCha(id tlsmsg.CipherSuite) bool { return kindOf(id).cipher == "CHACHA20_POLY1305_SHA256" }

// walkV2 asks for SSL 2.0, whose server names all of its ciphers at once.
func (a *Audit) walkV2(ask ask) {
	answer := ask(&Question{About: "SSL 2.0", V2: true})
	v := a.found.version(tlsmsg.VersionSSL20)
	v.judge(answer.V2 != nil, answer)
	if answer.V2 != nil {
		v.v2 = answer.V2
		a.found.chain(answer.V2.chain(), true)
	}
}
