// Package starttls says what precedes TLS on a connection: the header of the
// PROXY protocol, a proxy that is asked for the way, and the words by which
// other protocols agree on TLS, such as STARTTLS of SMTP.
//
// A [Profile] is what all connections with the same options share. A [Machine]
// is one connection's, and does no I/O: the server's octets go in, ours come
// out, and when it is done TLS begins. Everything that a peer can send is
// bounded: the length of a line or of another unit, and the sum.
package starttls

import (
	"bytes"
	"net/netip"
	"strings"
)

const (
	// maxUnit bounds a line, or a message of a binary protocol, in octets.
	maxUnit = 8 << 10
	// maxTotal bounds all that the peer says before TLS.
	maxTotal = 64 << 10
	// maxHeard bounds the lines that are kept of it, and maxHeardLine one of
	// them, in octets.
	maxHeard     = 32
	maxHeardLine = 200
)

// An Identity is what distinguishes one connection from the others of its
// Profile.
type Identity struct {
	ServerName    string // TLS's; XMPP calls it the domain
	Host          string // whom a proxy is asked for: a name or an address
	Port          uint16
	Local, Remote netip.AddrPort // of the TCP connection, for the PROXY protocol
	// Addresses are the two, where they are known only once the connection is
	// established; may be nil.
	Addresses func() (local, remote netip.AddrPort)

	Events func(Event) // is told what passes; may be nil
}

// An Event is a [Said] or a [Begins].
type Event any

// Said is a run of octets that one side has said.
type Said struct {
	Sent        bool // by this side
	Raw         []byte
	Offset, End int64 // in its direction's byte stream
}

// Begins says that TLS begins, behind so many octets of each side.
type Begins struct {
	Ours, Theirs int64
	Title        string // of what was agreed on: "SMTP STARTTLS"
}

// A verdict is what a step makes of a unit.
type verdict uint8

const (
	more   verdict = iota // the reply goes on
	next                  // it is complete, and as it should be
	skip                  // so is the step after this one, which is not needed
	failed                // Err says how
)

// A step is one thing that this side says, and the reply that it waits for.
type step struct {
	asks  string                         // what was asked, in a sentence: "EHLO"; empty: nothing was, and a greeting is awaited
	say   func(*Machine) []byte          // what is said; nil: nothing
	unit  func(b []byte) int             // the length of the first line or message of b, 0 if it is not whole; nil: there is no reply
	judge func(*Machine, []byte) verdict // takes a unit
	who   *party

	secret []byte // of what is said: Events is told stars in its place
}

// A party is who answers.
type party struct {
	name  string // as in "the SMTP server"
	title string // as an observer calls the dialogue: "SMTP STARTTLS"
	tls   string // what it is asked for in the end: "STARTTLS"
	proxy bool
}

// A Machine is what one connection says before TLS.
type Machine struct {
	p   *Profile
	id  Identity
	at  int    // the step
	out []byte // what is still to be sent
	err error

	said, heard int64    // octets of each side that went by
	shown       int64    // octets of ours that Events was told of
	code        [3]byte  // of a reply of several lines, while it lasts
	listing     bool     // a list is under way
	offered     bool     // the list names what is wanted
	words       []string // that the list holds
	lines       []string // that the server said
	begun       bool     // it has said its first words
	over        bool     // Events was told that TLS begins
}

// NewMachine returns a machine that has not begun.
func NewMachine(p *Profile, id Identity) *Machine {
	m := new(Machine)
	m.Reset(p, id)
	return m
}

// Reset makes m what NewMachine returns, in place.
func (m *Machine) Reset(p *Profile, id Identity) {
	*m = Machine{p: p, id: id, words: m.words[:0], lines: m.lines[:0]}
}

// begin says the first words: the connection is established.
func (m *Machine) begin() {
	if m.begun {
		return
	}
	m.begun = true
	if m.id.Addresses != nil {
		m.id.Local, m.id.Remote = m.id.Addresses()
	}
	m.enter()
}

// enter begins the step at which m is, and passes those without a reply.
func (m *Machine) enter() {
	for ; m.at < len(m.p.steps); m.at++ {
		s := &m.p.steps[m.at]
		m.code, m.listing, m.offered, m.words = [3]byte{}, false, false, m.words[:0]
		if s.say != nil {
			b := s.say(m)
			m.tell(true, s.hidden(b), m.shown)
			m.shown += int64(len(b))
			if m.out = append(m.out, b...); m.err != nil {
				return
			}
		}
		if s.unit != nil {
			return
		}
	}
}

// Output is what is to be sent, once the connection is established. It is valid
// until the next call.
func (m *Machine) Output() []byte {
	m.begin()
	if m.err != nil {
		return nil
	}
	return m.out
}

// Sent says that the first n octets of Output were taken.
func (m *Machine) Sent(n int) {
	m.said += int64(n)
	if m.out = m.out[n:]; len(m.out) == 0 {
		m.out = nil
	}
}

// Receive takes as much of the peer's octets as belongs to what precedes TLS, a
// line or a message at a time, and returns how much that was. The rest is to be
// given again, with what follows it.
func (m *Machine) Receive(b []byte) (consumed int) {
	m.begin()
	told := 0 // so much of it was told of
	tell := func() {
		m.tell(false, b[told:consumed], m.heard-int64(consumed-told))
		told = consumed
	}
	defer tell()
	for m.err == nil && m.at < len(m.p.steps) {
		rest := b[consumed:]
		s := &m.p.steps[m.at]
		n := s.unit(rest)
		switch {
		case n <= 0 && len(rest) < maxUnit:
			return consumed
		case n <= 0 || n > maxUnit || m.heard+int64(n) > maxTotal:
			m.fail(TooMuch, rest)
			return consumed
		case n > len(rest):
			return consumed
		}
		m.heard += int64(n)
		consumed += n
		verdict := s.judge(m, rest[:n])
		if verdict == more || verdict == failed {
			continue
		}
		tell() // before what this side says to it
		if m.at++; verdict == skip {
			m.at++
		}
		m.enter()
	}
	return consumed
}

// Behind takes what stands behind all that was waited for, if anything does: this
// side is about to begin TLS. Where TLS was agreed on in plaintext, nobody may have sent
// them: who is on the way could, and a client that took them for the server's
// first octets under TLS would believe them (CVE-2011-0411 is the same mistake of
// servers).
func (m *Machine) Behind(b []byte) {
	switch {
	case !m.Done():
	case len(b) > 0 && !m.party().proxy:
		m.fail(Injected, b)
	case !m.over && m.id.Events != nil:
		m.over = true
		m.id.Events(Begins{m.said, m.heard, m.party().title})
	}
}

// EOF says that the peer has ended its stream.
func (m *Machine) EOF() {
	if m.err == nil && !m.Done() {
		m.fail(Closed, nil)
	}
}

// Begun reports whether m has begun: the connection was established.
func (m *Machine) Begun() bool { return m.begun }

// Done reports whether TLS may begin: all was said and answered.
func (m *Machine) Done() bool {
	return m.err == nil && m.at == len(m.p.steps) && len(m.out) == 0
}

// Err says why TLS cannot begin, or is nil. It is an [*Error].
func (m *Machine) Err() error { return m.err }

// Waiting is what m waits for: "the SMTP server's greeting".
func (m *Machine) Waiting() string {
	if m.at >= len(m.p.steps) {
		return "the peer to take what is said before TLS"
	}
	return m.p.steps[m.at].waits()
}

// After is the last thing that was asked, for "after …", or "" if nothing was.
func (m *Machine) After() string {
	if !m.begun {
		return ""
	}
	for i := min(m.at, len(m.p.steps)-1); i >= 0; i-- {
		if s := &m.p.steps[i]; s.asks != "" {
			return "our " + strings.TrimPrefix(s.asks, "the ")
		}
	}
	return ""
}

// Lines are what the server said, line by line, as far as it is kept.
func (m *Machine) Lines() []string { return m.lines }

// Octets are how many octets each side has said before TLS.
func (m *Machine) Octets() (ours, theirs int64) { return m.said, m.heard }

// party is who answers now, or who answered last.
func (m *Machine) party() *party {
	if len(m.p.steps) == 0 {
		return new(party)
	}
	return m.p.steps[min(m.at, len(m.p.steps)-1)].who
}

// hidden is what is said without its secret.
func (s *step) hidden(b []byte) []byte {
	if len(s.secret) == 0 {
		return b
	}
	return bytes.ReplaceAll(b, s.secret, bytes.Repeat([]byte("*"), len(s.secret)))
}

func (s *step) waits() string {
	if s.asks == "" {
		return "the greeting of " + s.who.name
	}
	return "the answer of " + s.who.name + " to " + s.asks
}

// tell tells of octets that begin at an offset.
func (m *Machine) tell(sent bool, b []byte, offset int64) {
	if m.id.Events != nil && len(b) > 0 {
		m.id.Events(Said{Sent: sent, Raw: append([]byte(nil), b...), Offset: offset, End: offset + int64(len(b))})
	}
}

// keep keeps a line of the server's, if there is room and it is wanted.
func (m *Machine) keep(line []byte) {
	if m.p.keep && len(m.lines) < maxHeard {
		m.lines = append(m.lines, string(line[:min(len(line), maxHeardLine)]))
	}
}
