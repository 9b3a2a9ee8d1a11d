// What a server chooses besides the suite, and how it takes a fallback, a
// missing name, and a key of another group.

package audit

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// choices asks what depends on the versions and suites that were found.
func (a *Audit) choices() {
	if a.over {
		return
	}
	a.begin("groups and schemes", a.signed)
	a.begin("fallback", a.fallback)
	a.begin("server name", a.unnamed)
	a.begin("HelloRetryRequest", a.retryHabit)
	a.begin("tolerance", a.tolerance)
}

// signed finds groups and signature schemes of TLS 1.2, for RSA and for ECDSA
// keys apart, since a curve that is left out also rules out a certificate on it.
func (a *Audit) signed(ask ask) {
	v := a.found.versions[tlsmsg.VersionTLS12]
	if !v.speaks() {
		return
	}
	for _, ecdsa := range []bool{false, true} {
		ids := slices.DeleteFunc(v.ids(), func(id tlsmsg.CipherSuite) bool {
			k := kindOf(id)
			return k.static || k.anon || k.psk || k.ecdsa != ecdsa
		})
		a.signedBy(ask, ids, ecdsa)
	}
}

func (a *Audit) signedBy(ask ask, ids []tlsmsg.CipherSuite, ecdsa bool) {
	if elliptic := slices.DeleteFunc(slices.Clone(ids), func(id tlsmsg.CipherSuite) bool { return !kindOf(id).ecdh }); len(elliptic) > 0 {
		ids = elliptic
	}
	if len(ids) == 0 {
		return
	}
	about := "groups and signature schemes of TLS 1.2"
	try := func(groups []tlsmsg.NamedGroup, schemes []tlsmsg.SignatureScheme) (tlsmsg.NamedGroup, tlsmsg.SignatureScheme, bool) {
		hello := a.helloOld(tlsmsg.VersionTLS12, ids)
		hello.Groups, hello.Schemes = groups, schemes
		answer := a.askVaried(ask, about, hello)
		if !answer.agreed() || answer.KeyExchange == nil {
			return 0, 0, false
		}
		a.found.chain(answer.Chain, hello.ServerName != "")
		kx := answer.KeyExchange
		if kx.Group != 0 {
			a.found.group(kx.Group, tlsmsg.VersionTLS12)
		}
		if kx.Scheme != 0 {
			a.found.scheme(kx.Scheme, tlsmsg.VersionTLS12)
		}
		if !kindOf(ids[0]).ecdh {
			return groups[0], kx.Scheme, true // the groups do not matter
		}
		return kx.Group, kx.Scheme, true
	}
	schemes := slices.DeleteFunc(slices.Clone(allSchemes()), func(s tlsmsg.SignatureScheme) bool { return signsWithCurve(s) != ecdsa })
	switch {
	case ecdsa || !kindOf(ids[0]).ecdh:
		a.alone(schemes, func(left []tlsmsg.SignatureScheme) (tlsmsg.SignatureScheme, bool) {
			_, s, ok := try(curves(), left)
			return s, ok
		})
		if ecdsa {
			a.curvesBeside(ids, try, schemes)
		}
	default:
		grid(curves(), schemes, try)
	}
}

// alone finds what is chosen from one list.
func (a *Audit) alone(left []tlsmsg.SignatureScheme, try func([]tlsmsg.SignatureScheme) (tlsmsg.SignatureScheme, bool)) {
	for len(left) > 0 {
		s, ok := try(left)
		if !ok || !slices.Contains(left, s) {
			return
		}
		left = without(left, s)
	}
}

// curvesBeside finds the groups of a server that has only keys on curves: that
// of its certificate stays in the offer, at the end, as long as it chooses others.
func (a *Audit) curvesBeside(ids []tlsmsg.CipherSuite, try func([]tlsmsg.NamedGroup, []tlsmsg.SignatureScheme) (tlsmsg.NamedGroup, tlsmsg.SignatureScheme, bool), schemes []tlsmsg.SignatureScheme) {
	left := curves()
	for len(left) > 0 {
		g, _, ok := try(left, schemes)
		if !ok || !slices.Contains(left, g) {
			return
		}
		left = without(left, g)
	}
}

// signsWithCurve reports whether a scheme is of a key on a curve.
func signsWithCurve(s tlsmsg.SignatureScheme) bool {
	return uint8(s) == 3 && s>>8 < 8 || s == 0x0807 || s == 0x0808 || s >= 0x081a && s <= 0x081c
}

// fallback asks for a lower version than the server's best, as a client would
// that had failed before: a server that knows RFC 7507 refuses that.
func (a *Audit) fallback(ask ask) {
	best := a.found.best(tlsmsg.VersionTLS13)
	if best == nil || best.id == tlsmsg.VersionTLS10 {
		return
	}
	lower := a.found.best(best.id - 1)
	if lower == nil { // nothing to fall back to
		return
	}
	hello := a.helloOld(lower.id, lower.ids())
	hello.SCSV = true
	switch answer := ask(&Question{About: "fallback to " + lower.id.String(), Hello: hello}); {
	case answer.Outcome == Refused && answer.Alert.Description == tlsmsg.AlertInappropriateFallback:
		is(&a.found.features.FallbackSCSV, true)
	case answer.agreed():
		is(&a.found.features.FallbackSCSV, false)
	}
}

// unnamed asks for the certificate that is shown without server_name.
func (a *Audit) unnamed(ask ask) {
	v := a.found.best(tlsmsg.VersionTLS12)
	if a.o.ServerName == "" || v == nil {
		return
	}
	hello := a.helloOld(v.id, v.ids())
	hello.ServerName = ""
	if answer := ask(&Question{About: "the certificate without a server name", Hello: hello}); answer.agreed() {
		a.found.chain(answer.Chain, false)
	}
}

// retryHabit asks a server of TLS 1.3 with a key in a group that it takes, but
// likes less than another: does it use the key, or ask for one of the other?
func (a *Audit) retryHabit(ask ask) {
	v := a.found.versions[tlsmsg.VersionTLS13]
	if !v.speaks() {
		return
	}
	groups := a.found.groupsOf(tlsmsg.VersionTLS13)
	i := slices.IndexFunc(groups, func(g tlsmsg.NamedGroup) bool { return publicKeys[g] != nil })
	if i = max(i, 0); len(groups) < 2 {
		return
	}
	last := slices.IndexFunc(groups[i+1:], func(g tlsmsg.NamedGroup) bool { return publicKeys[g] != nil })
	if last < 0 {
		return
	}
	hello := a.hello13(v.ids(), groups)
	hello.Shares = []tlsmsg.NamedGroup{groups[i+1+last]}
	answer := ask(&Question{About: "when a HelloRetryRequest comes", Hello: hello})
	switch {
	case !answer.agreed() || answer.Version() != tlsmsg.VersionTLS13:
	case answer.Hello.IsHelloRetryRequest():
		a.found.features.HelloRetry = "for the group it prefers, although it could use the key that came"
	default:
		a.found.features.HelloRetry = "only if it can use no key that came"
	}
}

func (f *found) groupsOf(v tlsmsg.Version) (list []tlsmsg.NamedGroup) {
	for _, g := range f.groups {
		if slices.Contains(g.versions, v) {
			list = append(list, g.id)
		}
	}
	return list
}
