// What a server must bear: each is tried along with a question that is asked
// anyway. Only if that fails is it asked again, plainly, to tell the two apart.

package audit

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// A variation is something in a ClientHello that must not matter.
type variation struct {
	name string
	how  string
	fits func(*Hello) bool
	vary func(*Hello)
}

func whichever(*Hello) bool { return true }

// short: one with long lists never has that length.
func short(h *Hello) bool {
	bare := h.clone()
	bare.PadTo = 1
	return !h.Plain && len(bare.message([32]byte{})) <= shortHello-4
}

const shortHello = 384

func old(h *Hello) bool { return h.offersOld() }

// variations, in the order in which they are tried.
var variations = []variation{
	{"grease", "reserved values among suites, groups, versions and extensions (RFC 8701)", whichever, func(h *Hello) { h.GREASE = true }},
	{"unknown_extension", "an extension that nobody knows", whichever, func(h *Hello) { h.Unknown = true }},
	{"split_hello", "a ClientHello in two records", whichever, func(h *Hello) { h.Split = 50 }},
	{"long_hello", "a ClientHello of 4,096 bytes, longer than a segment", whichever, func(h *Hello) { h.PadTo = 4096 }},
	{"record_version", "a record of TLS 1.2 around the ClientHello", whichever, func(h *Hello) { h.RecordVersion = tlsmsg.VersionTLS12 }},
	{"client_version", "a client_version of TLS 1.3, which is to be answered with a lower one", old, func(h *Hello) { h.Version = tlsmsg.VersionTLS13 }},
	{"hello_256_511", "a ClientHello of 384 bytes, a length at which some servers have failed", short, func(h *Hello) { h.PadTo = shortHello }},
}

// next takes a variation that fits and was not tried yet.
func (f *found) nextVariation(h *Hello) (variation, bool) {
	for _, v := range variations {
		if _, tried := f.bears[v.name]; !tried && !slices.Contains(f.trying, v.name) && v.fits(h) {
			f.trying = append(f.trying, v.name)
			return v, true
		}
	}
	return variation{}, false
}

// askVaried asks with a variation that is still open, and with the protocols that
// are.
func (a *Audit) askVaried(ask ask, about string, h *Hello) *Answer {
	if h.offersOld() && h.Version == tlsmsg.VersionTLS12 && len(a.found.protocols) > 0 {
		with := h.clone()
		with.ALPN = a.found.protocols
		answer := a.askVariation(ask, about, with)
		if answer.Outcome != Refused || answer.Alert.Description != tlsmsg.AlertNoApplicationProtocol {
			a.found.protocolsOf(with, answer)
			return answer
		}
		a.found.protocols = nil // a strict server, which has named all of its own
	}
	return a.askVariation(ask, about, h)
}

func (f *found) protocolsOf(h *Hello, answer *Answer) {
	if answer.agreed() && answer.Hello != nil {
		f.protocol(h, answer.Hello)
	}
}

func (a *Audit) askVariation(ask ask, about string, h *Hello) *Answer {
	v, ok := a.found.nextVariation(h)
	if !ok {
		return ask(&Question{About: about, Hello: h})
	}
	varied := h.clone()
	v.vary(varied)
	answer := ask(&Question{About: about + ", with " + v.how, Hello: varied})
	if answer.agreed() {
		a.found.settled(v, true)
		return answer
	}
	if answer.Outcome == NotAsked || answer.Outcome == Refused && answer.Alert.Description == tlsmsg.AlertNoApplicationProtocol {
		return answer
	}
	plain := ask(&Question{About: about, Hello: h})
	if plain.agreed() {
		a.found.settled(v, false)
	}
	return plain
}

// settled says whether the server bears a variation. What is not settled, since
// the server refuses the question in any form, is not tried along with others
// again, which may end as that did: tolerance has a question that it agrees to.
func (f *found) settled(v variation, bears bool) {
	f.trying = without(f.trying, v.name)
	f.bears[v.name] = bears
}

// tolerance tries what no other question had a place for.
func (a *Audit) tolerance(ask ask) {
	a.found.trying = nil
	for range variations {
		h := a.surely()
		if h == nil {
			return
		}
		if v, ok := a.found.nextVariation(h); ok {
			a.found.trying = without(a.found.trying, v.name)
			a.askVariation(ask, "tolerance", h) // protocols would make it longer
		}
	}
}

// surely is a hello that the server has agreed to, or nil.
func (a *Audit) surely() *Hello {
	if v := a.found.best(tlsmsg.VersionTLS12); v != nil && len(v.suites) > 0 {
		return a.helloOld(v.id, v.ids())
	}
	if v := a.found.versions[tlsmsg.VersionTLS13]; v != nil && len(v.suites) > 0 {
		return a.hello13(v.ids(), allGroups())
	}
	return nil
}

// Tolerances are all that is tried, as if a server bore everything.
func Tolerances() (list []Tolerance) {
	for _, v := range variations {
		list = append(list, Tolerance{Name: v.name, OK: true, How: v.how})
	}
	return list
}
