// Remembers which full handshake a session comes from, since a resumed one has
// no master secret of its own.

package explain

import (
	"crypto/sha256"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/observe"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
)

const (
	// maxSessions bounds the session IDs and tickets that are remembered.
	maxSessions = 100_000
	// maxWatched bounds the handshakes that are followed at the same time to
	// learn their session IDs and tickets, and watchLimit how far, in bytes of
	// packets.
	maxWatched = 128
	watchLimit = 64 << 10
)

// sessions knows which handshake a session comes from: a later connection that
// resumes it has no master secret of its own (RFC 5246, section 7.3).
type sessions struct {
	origins map[[sha256.Size]byte]origin // by session ID or ticket
	watched map[*observe.Summary]*observe.Connection
}

// An origin is a full handshake.
type origin struct {
	random     [32]byte // the client's
	connection int
}

// origin finds the handshake that another one resumes, and how: by ID or by
// ticket.
func (s *sessions) origin(w *observe.Wanted) (o origin, how string) {
	if o, ok := s.origins[sha256.Sum256(w.Ticket)]; ok && len(w.Ticket) > 0 {
		return o, "ticket"
	}
	if o, ok := s.origins[sha256.Sum256(w.SessionID)]; ok && len(w.SessionID) > 0 {
		return o, "session ID"
	}
	return origin{}, ""
}

// packet follows a connection's handshake, from its first octets to the server's
// ChangeCipherSpec.
func (s *sessions) packet(of *observe.Summary, p *capture.Packet, ip []byte) {
	c := s.watched[of]
	if c == nil {
		if of.Segments != 1 || len(s.watched) == maxWatched {
			return
		}
		c = s.watch(of, p)
	}
	c.Packet(p, ip)
	if of.Closed() || of.Bytes > watchLimit {
		delete(s.watched, of)
	}
}

func (s *sessions) watch(of *observe.Summary, p *capture.Packet) *observe.Connection {
	if s.watched == nil {
		s.watched, s.origins = map[*observe.Summary]*observe.Connection{}, map[[sha256.Size]byte]origin{}
	}
	h := handshake{connection: of.Number}
	c := observe.NewConnection(of.Flow, p.At, transcript.KeepNothing, nil, func(e *transcript.Entry) {
		if e.Message != nil && s.message(&h, e) {
			delete(s.watched, of)
		}
	})
	s.watched[of] = c
	return c
}

// A handshake is what was seen of one so far.
type handshake struct {
	connection int
	observe.Wanted
}

// message learns from one message, and reports whether nothing more is needed.
func (s *sessions) message(h *handshake, e *transcript.Entry) (done bool) {
	if e.Message.Content == tlsmsg.ContentChangeCipherSpec {
		return e.Dir == transcript.In
	}
	m, err := e.Message.Handshake()
	if err != nil {
		return false
	}
	switch m := m.(type) {
	case *tlsmsg.ClientHello:
		h.Wanted = observe.Want(m)
	case *tlsmsg.ServerHello:
		s.learn(m.SessionID, h)
	case *tlsmsg.Certificate:
		h.Resumed = false
	case *tlsmsg.NewSessionTicket:
		s.learn(m.Ticket, h)
	}
	return false
}

// learn remembers a session by its ID or ticket. The first handshake with an ID
// is its origin; those that resume it repeat it. A ticket that a resumed
// session receives belongs to the origin too.
func (s *sessions) learn(name []byte, h *handshake) {
	key := sha256.Sum256(name)
	if _, known := s.origins[key]; known || len(name) == 0 || len(s.origins) >= maxSessions {
		return
	}
	o, how := s.origin(&h.Wanted)
	if how == "" || !h.Resumed {
		o = origin{connection: h.connection}
		copy(o.random[:], h.ClientRandom)
	}
	s.origins[key] = o
}
