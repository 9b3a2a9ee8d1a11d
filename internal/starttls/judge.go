// Judges a dialogue that somebody has watched.

package starttls

import (
	"bytes"
	"errors"
	"strings"
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

// Watched is the error of a server that refuses what a client has asked for, in a
// protocol that an observer has recognized.
func Watched(title string, answer []byte) *Error {
	answer = bytes.TrimSpace(answer)
	_, asked, _ := strings.Cut(title, " ") // the protocol may be another with the same words
	e := &Error{Kind: Refused, Who: "the server", TLS: asked, Asked: asked}
	switch i := bytes.LastIndexByte(answer, '\n'); {
	case strings.HasPrefix(title, "HTTP "): // its status line comes first
		answer, _, _ = bytes.Cut(answer, []byte("\r\n"))
	case i >= 0:
		answer = answer[i+1:]
	}
	if title == "HTTP CONNECT" || strings.HasPrefix(title, "SOCKS") {
		e.Who, e.Asked, e.Proxy = "the proxy", title, true
	}
	e.Said = bytes.Clone(answer[:min(len(answer), maxSaid)])
	return e
}
