// The end of a server's handshake in TLS 1.2.

package handshake

// finished checks that the client saw the handshake that we saw, and ends it
// (RFC 5246, section 7.4.9).
func (s *Server) finished(raw []byte) error {
	if err := s.checkVerifyData(raw); err != nil {
		return err
	}
	if s.state.Resumed {
		s.after = (*Server).done
	} else {
		s.after = (*Server).keepSession
	}
	return nil
}

// sendFinished makes ChangeCipherSpec and, under the new keys, Finished.
func (s *Server) sendFinished() error {
	if err := s.flightOver(); err != nil {
		return err
	}
	if err := s.sendChangeCipherSpec(); err != nil {
		return err
	}
	if err := s.sendVerifyData(); err != nil {
		return err
	}
	s.out.flush()
	if s.state.Resumed {
		s.phase = phaseChangeCipherSpec
		return nil
	}
	return s.done()
}

// done ends the handshake.
func (s *Server) done() error {
	s.phase = phaseConnected
	s.exchange = serverExchange{}
	s.handshakeDone()
	return nil
}
