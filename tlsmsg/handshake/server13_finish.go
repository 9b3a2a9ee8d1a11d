// The end of a server's handshake of TLS 1.3 (RFC 9846, section 4.5.3).

package handshake

import "github.com/rawshake/rawshake/tlsmsg/suite"

// endFlight13 makes Finished and the secrets of the application data, and waits for
// the client's flight.
func (s *Server) endFlight13() error {
	t := s.tls13
	if err := s.sendFinished13(t.ours); err != nil {
		return err
	}
	t.schedule.Main()
	t.theirNew, t.ours, t.exporter = t.schedule.Application(s.transcript.Sum())
	s.tellSecret13(suite.SecretClientApplication, t.theirNew)
	s.tellSecret13(suite.SecretServerApplication, t.ours)
	s.tellSecret13(suite.SecretExporter, t.exporter)
	if err := s.protect13(EpochApplication, t.ours); err != nil {
		return err
	}
	s.reach(StageHelloDone)
	s.out.flush()
	return nil
}

// finished13 checks that the client saw the handshake that we saw.
func (s *Server) finished13(raw []byte) error {
	if err := s.checkFinished13(raw, s.tls13.theirs); err != nil {
		return err
	}
	s.after = (*Server).done13
	return nil
}

// done13 takes the client's keys of the application data into use, and ends the
// handshake.
func (s *Server) done13() error {
	if err := s.flightOver(); err != nil {
		return err
	}
	t := s.tls13
	if s.stage == StageFinished { // of an answer to a later request
		s.forget13()
		s.exchange = serverExchange{}
		return nil
	}
	if s.offer.authLater {
		t.whole = s.transcript.Fork()
	}
	t.resumption = t.schedule.Resumption(s.transcript.Sum())
	t.theirs, t.theirNew, t.schedule = t.theirNew, nil, nil
	if err := s.unlock13(EpochApplication, t.theirs); err != nil {
		return err
	}
	s.phase, s.in.emptyRecords, s.in.skip = phaseConnected, 0, 0
	s.exchange, s.exchange13 = serverExchange{}, nil
	s.handshakeDone()
	return s.giveTicket()
}
