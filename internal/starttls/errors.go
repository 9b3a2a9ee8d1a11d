// Why TLS cannot begin.

package starttls

import (
	"bytes"
	"fmt"
	"strings"
)

// A Kind is a way in which what precedes TLS fails. Its text is a class for
// programs.
type Kind string

// The ways in which what precedes TLS fails.
const (
	NotOffered Kind = "not_offered"        // the server does not list it
	Refused    Kind = "refused"            // it says no
	Unexpected Kind = "unexpected_reply"   // nobody can tell what it says
	Closed     Kind = "closed_early"       // it ended the connection
	TooMuch    Kind = "too_much"           // it says more than anybody needs
	Injected   Kind = "injected_plaintext" // octets stand behind its agreement, in plaintext
)

// An Error says why TLS cannot begin.
type Error struct {
	Kind     Kind
	Who      string // "the SMTP server", "the HTTP proxy"
	Protocol string // what an option calls it: "smtp", or "" of a proxy
	Proxy    bool
	TLS      string // what is asked for: "STARTTLS"
	Asked    string // what was asked last: "STARTTLS"; empty: nothing, and a greeting was awaited
	Said     []byte // the peer's own words, cut to a line
	Code     string // their meaning, where it has a name of its own: "unwillingToPerform"
	Offered  []string
	Denied   bool // a proxy wants to know who asks, or does not believe it
}

// SpeaksTLS reports whether the peer's words are a record of TLS.
func (e *Error) SpeaksTLS() bool {
	const alert, handshake = 0x15, 0x16
	return len(e.Said) > 1 && (e.Said[0] == alert || e.Said[0] == handshake) && e.Said[1] == 3
}

// maxSaid bounds what an error quotes, in octets.
const maxSaid = 160

func (e *Error) Error() string {
	switch {
	case e.Kind == NotOffered:
		return fmt.Sprintf("%s does not offer %s%s", e.Who, e.TLS, e.instead())
	case e.Kind == Refused && e.Asked == "":
		return fmt.Sprintf("%s turns us away: %s", e.Who, e.quoted())
	case e.Kind == Refused:
		return fmt.Sprintf("%s refuses %s: %s", e.Who, e.Asked, e.quoted())
	case e.Kind == Closed:
		return fmt.Sprintf("%s ended the connection %s", e.Who, e.where())
	case e.Kind == TooMuch:
		return fmt.Sprintf("%s sends more than anybody needs %s", e.Who, e.where())
	case e.Kind == Injected:
		return fmt.Sprintf("plaintext stands behind the agreement of %s to %s: %s", e.Who, e.TLS, e.quoted())
	case e.Asked == "":
		return fmt.Sprintf("%s greets with %s, which is no greeting of this protocol", e.Who, e.quoted())
	}
	return fmt.Sprintf("%s answers %s with %s, which is neither yes nor no", e.Who, e.Asked, e.quoted())
}

// where says what was waited for.
func (e *Error) where() string {
	if e.Asked == "" {
		return "in the place of its greeting"
	}
	return "in the place of an answer to " + e.Asked
}

// instead says what a server says in place of the offer.
func (e *Error) instead() string {
	switch {
	case len(e.Offered) > 0:
		return ": it offers " + strings.Join(e.Offered, ", ")
	case len(e.Said) > 0 || e.Code != "":
		return ": " + e.quoted()
	}
	return ""
}

// quoted is what the peer said. A quoted string holds nothing that a terminal
// would obey.
func (e *Error) quoted() string {
	switch {
	case e.Code != "" && len(e.Said) > 0:
		return fmt.Sprintf("%s (%q)", e.Code, e.Said)
	case e.Code != "":
		return e.Code
	}
	return fmt.Sprintf("%q", e.Said)
}

// fail ends the machine.
func (m *Machine) fail(kind Kind, said []byte) verdict { return m.failCode(kind, said, "") }

// failCode ends it, with a code that has a name.
func (m *Machine) failCode(kind Kind, said []byte, code string) verdict {
	who := m.party()
	e := &Error{Kind: kind, Who: who.name, Protocol: m.p.protocol, Proxy: who.proxy, TLS: who.tls, Code: code}
	if who.proxy {
		e.Protocol = ""
	}
	if m.at < len(m.p.steps) {
		e.Asked = m.p.steps[m.at].asks
	}
	said = bytes.TrimRight(said, "\r\n")
	if line, _, ok := bytes.Cut(said, []byte("\n")); ok && kind != Injected {
		said = bytes.TrimRight(line, "\r")
	}
	e.Said = bytes.Clone(said[:min(len(said), maxSaid)])
	if kind == NotOffered {
		e.Offered = append([]string(nil), m.words...)
	}
	m.err = e
	return failed
}

// deny ends it because a proxy does not believe who asks.
func (m *Machine) deny(said []byte, code string) verdict {
	m.failCode(Refused, said, code)
	m.err.(*Error).Denied = true
	return failed
}
