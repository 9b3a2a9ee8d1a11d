// Judges a dialogue that somebody has watched.

package starttls

import (
	"bytes"
	"errors"
)

// Judge finds why TLS did not begin in a dialogue whose octets of both sides are
// whole, from the first on, if its client says what a Machine says and the server
// does not agree; otherwise it returns nil.
func Judge(client, server []byte) *Error {
	for i := range dialects {
		p, err := NewProfile(Config{Protocol: dialects[i].Name})
		if err != nil {
			continue
		}
		if e := p.judge(client, server); e != nil {
			return e
		}
	}
	return nil
}

// judge plays the client's part, and compares. It needs something that the client
// has said: a greeting alone may be anything's.
func (p *Profile) judge(client, server []byte) *Error {
	m := NewMachine(p, Identity{ServerName: xmppDomain(client)})
	rest := server[m.Receive(server):]
	if len(m.out) == 0 || !bytes.HasPrefix(client, m.out) { // what it says after a refusal does not matter
		return nil
	}
	if m.err == nil {
		m.Sent(len(m.out))
		m.Behind(rest)
	}
	var e *Error
	if !errors.As(m.err, &e) || e.Kind == Unexpected { // which is another protocol's, maybe
		return nil
	}
	return e
}

// xmppDomain is whom the client of a stream asks for.
func xmppDomain(client []byte) string {
	_, rest, _ := bytes.Cut(client, []byte(" to='"))
	domain, _, _ := bytes.Cut(rest, []byte("'"))
	return string(domain)
}

// Watched is the error of a server whose last words refuse what a client has asked
// for in a protocol that was recognized.
func Watched(title string, lastSaid []byte) *Error {
	lastSaid = bytes.TrimSpace(lastSaid)
	if i := bytes.LastIndexByte(lastSaid, '\n'); i >= 0 {
		lastSaid = lastSaid[i+1:]
	}
	return &Error{Kind: Refused, Who: "the server", TLS: title, Asked: title, Said: bytes.Clone(lastSaid[:min(len(lastSaid), maxSaid)])}
}
