// SSL 2.0 to TLS 1.2: each answer names a suite, which is then left out.

package audit

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// walk finds the suites of a version, and what else the same answers show.
func (a *Audit) walk(ask ask, v tlsmsg.Version) {
	about := "cipher suites of " + v.String()
	left := suitesOf(v)
	if v == tlsmsg.VersionSSL30 {
		left = slices.DeleteFunc(left, func(id tlsmsg.CipherSuite) bool { return kindOf(id).ecdh })
	}
	offered := slices.Clone(left)
	version := a.found.version(v)
	protocols := slices.Clone(alpnProtocols)
	var chosen []tlsmsg.CipherSuite
	for len(left) > 0 {
		hello := a.helloOld(v, left)
		if v == tlsmsg.VersionTLS12 {
			hello.ALPN = protocols
			hello.NoTicket = len(chosen) == 1
		}
		answer := a.walkStep(ask, about, hello, len(chosen))
		if answer.Outcome == Refused && answer.Alert.Description == tlsmsg.AlertNoApplicationProtocol && len(protocols) > 0 {
			protocols = nil // a strict server, which has named all of its own
			continue
		}
		if len(chosen) == 0 {
			version.judge(answer.agreed() && answer.Version() == v, answer)
		}
		if !answer.agreed() || answer.Hello == nil || answer.Version() != v || !slices.Contains(left, answer.Hello.CipherSuite) {
			break
		}
		id := answer.Hello.CipherSuite
		chosen, left = append(chosen, id), without(left, id)
		protocols = without(protocols, a.found.old(version, hello, answer))
	}
	version.Preference = preference(chosen, offered, func(s []tlsmsg.CipherSuite) (tlsmsg.CipherSuite, bool) {
		if a.found.clientDecides && v < tlsmsg.VersionTLS12 {
			return s[0], true // as in TLS 1.2, where it was asked
		}
		return taken(ask(&Question{About: "preference among the suites of " + v.String(), Hello: a.helloOld(v, s)}))
	})
	if v == tlsmsg.VersionTLS12 {
		a.found.clientDecides = version.Preference == PreferenceClient
	}
	a.chacha(ask, version, chosen, func(s []tlsmsg.CipherSuite) *Hello { return a.helloOld(v, s) })
}

// walkStep asks once. What else a server must bear is asked along, from the
// second answer on.
func (a *Audit) walkStep(ask ask, about string, hello *Hello, n int) *Answer {
	switch {
	case n == 0 && hello.Version == tlsmsg.VersionTLS12 && a.found.first12 != nil:
		first := a.found.first12
		a.found.first12 = nil
		return first
	case n > 0 && hello.Version == tlsmsg.VersionTLS12:
		return a.askVaried(ask, about, hello)
	}
	return ask(&Question{About: about, Hello: hello})
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
func (a *Audit) chacha(ask ask, v *versionFound, chosen []tlsmsg.CipherSuite, hello func([]tlsmsg.CipherSuite) *Hello) {
	if v.Preference != PreferenceServer {
		return
	}
	is := func(id tlsmsg.CipherSuite) bool { return kindOf(id).cipher == "CHACHA20_POLY1305_SHA256" }
	i := slices.IndexFunc(chosen, is)
	if i <= 0 {
		return
	}
	order := append([]tlsmsg.CipherSuite{chosen[i]}, without(chosen, chosen[i])...)
	got, ok := taken(ask(&Question{About: "ChaCha20 by the client's wish", Hello: hello(order)}))
	v.ChaChaFirst = ok && is(got)
}

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
