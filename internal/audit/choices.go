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
	for _, order := range a.found.later {
		a.begin(order)
	}
	a.begin(a.signed)
	a.begin(a.fallback)
	a.begin(a.unnamed)
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
	left := slices.DeleteFunc(slices.Clone(a.found.left12), func(s tlsmsg.SignatureScheme) bool { return signsWithCurve(s) != ecdsa })
	all := slices.DeleteFunc(slices.Clone(allSchemes), func(s tlsmsg.SignatureScheme) bool { return signsWithCurve(s) != ecdsa })
	known := a.found.groupsOf(tlsmsg.VersionTLS12)
	groups := a.found.leftCurves()
	schemesAlone := func() {
		takeAway(left, func(left []tlsmsg.SignatureScheme) (tlsmsg.SignatureScheme, bool) {
			_, s, ok := try(curves(), left)
			return s, ok
		})
	}
	groupsAlone := func() {
		takeAway(groups, func(left []tlsmsg.NamedGroup) (tlsmsg.NamedGroup, bool) {
			g, _, ok := try(left, all)
			return g, ok
		})
	}
	switch {
	case ecdsa || !kindOf(ids[0]).ecdh:
		schemesAlone()
		if ecdsa && len(known) > 0 {
			groupsAlone()
		}
	case len(left) == 0:
		groupsAlone()
	default:
		if foundGroups, _ := grid(groups, left, try); len(foundGroups) == 0 {
			// What is left of the one or of the other is nothing that the server
			// has: each is asked for beside all of the other.
			groupsAlone()
			schemesAlone()
		}
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
	if best == nil {
		return
	}
	lower := a.found.highest(best.id-1, tlsmsg.VersionSSL30)
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

// askUnnamed asks without server_name, if that was not done yet: the certificate
// that is shown then is found along the way.
func (a *Audit) askUnnamed(ask ask, about string, hello *Hello) *Answer {
	if hello.ServerName != "" && !a.found.triedUnnamed && !hello.offers13() {
		a.found.triedUnnamed = true
		if answer := a.askWithoutName(ask, about, hello); answer.agreed() {
			return answer
		}
	}
	return ask(&Question{About: about, Hello: hello})
}

// askWithoutName asks the same without server_name.
func (a *Audit) askWithoutName(ask ask, about string, hello *Hello) *Answer {
	without := hello.clone()
	without.ServerName = ""
	answer := ask(&Question{About: about + ", without a server name", Hello: without})
	if answer.agreed() {
		a.found.unnamed = true
		a.found.chain(answer.Chain, false)
	}
	return answer
}

// unnamed asks for the certificate without server_name if no other question has shown
// one: by all suites, as it may be of another kind than the certificate with a name.
func (a *Audit) unnamed(ask ask) {
	if a.o.ServerName == "" || a.found.unnamed {
		return
	}
	const about = "the certificate"
	if v := a.found.best(tlsmsg.VersionTLS12); v != nil {
		a.askWithoutName(ask, about, a.helloOld(v.id, suitesOf(v.id)))
		return
	}
	if cfg := a.known13(); len(cfg.CipherSuites) > 0 && len(cfg.Groups) > 0 { // it stands in an encrypted message
		cfg.ServerName = ""
		a.found.complete(ask(&Question{About: about + ", without a server name", Config: cfg}), false)
	}
}

// leftCurves are the groups of TLS 1.2 that are not known yet.
func (f *found) leftCurves() []tlsmsg.NamedGroup {
	if f.curvesKnown {
		return nil
	}
	known := f.groupsOf(tlsmsg.VersionTLS12)
	return slices.DeleteFunc(slices.Clone(curves()), func(g tlsmsg.NamedGroup) bool { return slices.Contains(known, g) })
}

func (f *found) groupsOf(v tlsmsg.Version) (list []tlsmsg.NamedGroup) {
	for _, g := range f.groups {
		if slices.Contains(g.versions, v) {
			list = append(list, g.id)
		}
	}
	return list
}
