// What precedes TLS on a connection: STARTTLS, a proxy, the PROXY protocol.

package conn

import (
	"github.com/rawshake/rawshake/internal/starttls"
)

// Precede has m speak before TLS, or before the driver does. It is called before
// Open.
func (s *Conn) Precede(m *starttls.Machine) { s.pre = m }

// Preamble returns what precedes TLS, or nil. It may be read between calls.
func (s *Conn) Preamble() *starttls.Machine { return s.pre }

// Preceding reports whether what precedes TLS is not over yet.
func (s *Conn) Preceding() bool { return s.pre != nil && !s.begun() && !s.pre.Done() }

// begun reports whether something was said behind it.
func (s *Conn) begun() bool { return s.started || s.spoke }

// precede moves what precedes TLS, and reports whether it is over.
func (s *Conn) precede() bool {
	if s.begun() {
		return true
	}
	p := s.pre
	if s.tcp.Err() != nil && !p.Begun() { // never established: nothing was said
		return false
	}
	for taken := -1; taken != 0; {
		s.say(p)
		taken = p.Receive(s.tcp.Peek())
		s.tcp.Discard(taken)
	}
	s.say(p)
	if s.tcp.EOF() {
		p.EOF()
	}
	p.Behind(s.tcp.Peek())
	if p.Err() != nil { // there is nothing more to say
		s.tcp.CloseWrite()
	}
	return p.Done()
}

// say gives its output to TCP.
func (s *Conn) say(p *starttls.Machine) {
	for out := p.Output(); len(out) > 0; out = p.Output() {
		n := s.tcp.Write(out)
		if n == 0 {
			return
		}
		p.Sent(n)
	}
}

// precedingErr says why what precedes TLS failed, or is nil. What TCP says of the
// same end comes second.
func (s *Conn) precedingErr() error {
	if err := s.pre.Err(); err != nil {
		return err
	}
	if err := s.tcp.Err(); err != nil && s.pre.After() != "" {
		return &TransportError{Err: err, After: s.pre.After()}
	}
	return s.tcp.Err()
}
