// The server's abbreviated handshakes (RFC 5246, section 7.3, figure 2; RFC
// 5077; RFC 7627, section 5.3).

package handshake

import (
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// contains reports whether both lists have x.
func contains[T comparable](a, b []T, x T) bool {
	return slices.Contains(a, x) && slices.Contains(b, x)
}

// answerHello answers the ClientHello, with an abbreviated handshake where it
// offers a session that the driver still knows.
func (s *Server) answerHello() error {
	w := LookupSessionWork{}
	switch {
	case s.ticketsSpoken() && len(s.offer.ticket) > 0:
		w.Ticket = s.offer.ticket
	case len(s.cfg.SessionID) > 0 && len(s.offer.hello.SessionID) > 0:
		w.ID = s.offer.hello.SessionID
	default:
		return s.fullHandshake()
	}
	s.yield(w, (*Server).sessionLookedUp)
	return nil
}

// ticketsSpoken reports whether both sides know tickets.
func (s *Server) ticketsSpoken() bool { return s.cfg.Tickets && s.offer.tickets }

func (s *Server) sessionLookedUp(r Result) error {
	result, ok := r.(LookupSessionResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.Session == nil {
		s.decide("session_unknown", "the session that the client offers is not known: a full handshake")
		return s.fullHandshake()
	}
	why, err := s.unfit(result.Session)
	if err != nil {
		return err
	}
	if why != "" {
		s.decide("session_unfit", "the session that the client offers is not resumed: %s", why)
		return s.fullHandshake()
	}
	s.state.Resumed, s.exchange.renew = true, result.Renew && s.ticketsSpoken()
	s.state.CipherSuite, s.master = result.Session.CipherSuite, result.Session.Master
	s.suite = suite.Lookup(result.Session.CipherSuite).For(s.state.Version)
	s.state.Chain = result.Session.Chain
	if len(s.state.Chain) == 0 {
		return s.resumeSession()
	}
	s.yield(VerifyChainWork{Chain: s.state.Chain, Client: true, Resumed: true}, (*Server).resumedChainJudged)
	return nil
}

func (s *Server) resumedChainJudged(r Result) error {
	if err := s.chainJudged(r); err != nil {
		return err
	}
	return s.resumeSession()
}

// resumeSession makes ServerHello, ChangeCipherSpec and Finished, which here
// come before the client's.
func (s *Server) resumeSession() error {
	s.state.SessionID = s.offer.hello.SessionID
	if err := s.sendServerHello(); err != nil {
		return err
	}
	s.transcript.Drop() // nothing will be signed
	s.tellSecret()
	if err := s.prepareStates(); err != nil {
		return err
	}
	return s.keepSession()
}

// keepSession has the driver keep the session, where it may be resumed later.
func (s *Server) keepSession() error {
	switch {
	case s.exchange.ticketPromised:
		s.yield(KeepSessionWork{Session: s.newSession()}, (*Server).ticketMade)
		return nil
	case !s.state.Resumed && len(s.state.SessionID) > 0:
		s.yield(KeepSessionWork{ID: s.state.SessionID, Session: s.newSession()}, (*Server).sessionKept)
		return nil
	}
	return s.sendFinished()
}

func (s *Server) sessionKept(r Result) error {
	if result, ok := r.(KeepSessionResult); !ok {
		return wrongResult(result, r)
	}
	return s.sendFinished()
}

// ticketMade makes NewSessionTicket (RFC 5077, section 3.3): an empty one where
// there is none after all.
func (s *Server) ticketMade(r Result) error {
	result, ok := r.(KeepSessionResult)
	if !ok {
		return wrongResult(result, r)
	}
	if result.Err != nil {
		s.decide("ticket_none", "no ticket is given: %v", result.Err)
		result.Ticket = nil
	}
	if err := s.send(&tlsmsg.NewSessionTicket{LifetimeHint: result.LifetimeHint, Ticket: result.Ticket}); err != nil {
		return err
	}
	return s.sendFinished()
}
