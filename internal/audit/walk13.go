// TLS 1.3: the ClientHello offers no key, so that the server answers with a
// HelloRetryRequest, which names a suite and a group at once and costs it
// nothing.

package audit

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// hello13 offers TLS 1.3 alone.
func (a *Audit) hello13(suites []tlsmsg.CipherSuite, groups []tlsmsg.NamedGroup) *Hello {
	return &Hello{Version: tlsmsg.VersionTLS12, Versions: only13, Suites: suites, Groups: groups, Schemes: allSchemes(), ServerName: a.o.ServerName}
}

// hello12 offers a version before TLS 1.3.
func (a *Audit) helloOld(v tlsmsg.Version, suites []tlsmsg.CipherSuite) *Hello {
	h := &Hello{Version: v, Suites: suites, ServerName: a.o.ServerName, Deflate: true}
	if v == tlsmsg.VersionSSL30 {
		h.Plain = true
		return h
	}
	h.Groups = curves()
	if v == tlsmsg.VersionTLS12 {
		h.Schemes = allSchemes()
	}
	return h
}

// curves are the groups offered before TLS 1.3. Those of RFC 7919 are not among
// them: who offers one may be given no other Diffie-Hellman group, and is to see
// the server's own.
func curves() []tlsmsg.NamedGroup {
	return slices.DeleteFunc(slices.Clone(allGroups()), func(g tlsmsg.NamedGroup) bool { return g >= tlsmsg.GroupFFDHE2048 })
}

// reach asks whether there is a TLS server at all: the first question of TLS
// 1.3, or if that has no answer the first of TLS 1.2.
func (a *Audit) reach(ask ask) {
	a.found.first13 = ask(&Question{About: "TLS 1.3", Hello: a.hello13(suitesOf(tlsmsg.VersionTLS13), allGroups())})
	switch a.found.first13.Outcome {
	case Agreed, Refused:
		return
	case Unreachable:
		a.over = true
		return
	}
	a.found.first12 = ask(&Question{About: "TLS 1.2", Hello: a.helloOld(tlsmsg.VersionTLS12, suitesOf(tlsmsg.VersionTLS12))})
	if a.found.first12.known() {
		return
	}
	if o := a.found.first12.Outcome; o == Unreachable || o == Silent || o == Strange {
		a.over = true // another form of ClientHello changes nothing
	}
}

// walk13 finds suites and groups of TLS 1.3.
func (a *Audit) walk13(ask ask) {
	const about = "cipher suites and groups of TLS 1.3"
	suites, groups := suitesOf(tlsmsg.VersionTLS13), allGroups()
	first := a.found.first13
	var last *Answer
	try := func(s []tlsmsg.CipherSuite, g []tlsmsg.NamedGroup) (tlsmsg.CipherSuite, tlsmsg.NamedGroup, bool) {
		last, first = first, nil
		if last == nil {
			last = a.askVaried(ask, about, a.hello13(s, g))
		}
		return taken13(last)
	}
	foundSuites, foundGroups := grid(suites, groups, try)
	v := a.found.version(tlsmsg.VersionTLS13)
	v.judge(len(foundSuites) > 0, last)
	for _, s := range foundSuites {
		v.add(s, nil)
	}
	for _, g := range foundGroups {
		a.found.group(g, tlsmsg.VersionTLS13)
	}
	v.Preference = preference(foundSuites, suites, func(s []tlsmsg.CipherSuite) (tlsmsg.CipherSuite, bool) {
		got, _, ok := taken13(ask(&Question{About: "preference among the suites of TLS 1.3", Hello: a.hello13(s, foundGroups)}))
		return got, ok
	})
	a.found.groupOrder = preference(foundGroups, groups, func(g []tlsmsg.NamedGroup) (tlsmsg.NamedGroup, bool) {
		_, got, ok := taken13(ask(&Question{About: "preference among the groups", Hello: a.hello13(foundSuites, g)}))
		return got, ok
	})
	a.chacha(ask, v, foundSuites, func(s []tlsmsg.CipherSuite) *Hello { return a.hello13(s, foundGroups) })
}

// taken13 is what an answer of TLS 1.3 shows.
func taken13(answer *Answer) (s tlsmsg.CipherSuite, g tlsmsg.NamedGroup, ok bool) {
	if !answer.agreed() || answer.Hello == nil || answer.Version() != tlsmsg.VersionTLS13 {
		return 0, 0, false
	}
	return answer.Hello.CipherSuite, groupOf(answer.Hello), true
}

// groupOf is the group of a ServerHello's or HelloRetryRequest's key_share.
func groupOf(m *tlsmsg.ServerHello) tlsmsg.NamedGroup {
	var share tlsmsg.KeyShare
	if found, err := m.DecodeExtension(&share); !found || err != nil || len(share.Shares) == 0 {
		return 0
	}
	return share.Shares[0].Group
}
