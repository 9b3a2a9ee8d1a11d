// 0-RTT data from the server's side (RFC 9846, sections 2.3, 4.3.10 and 8).

package handshake

import (
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// Against replay there is only the driver's Once and the age of the ticket.

// maxAgeSkew bounds how far the age of a ticket may be from what the client says
// it is, in seconds (RFC 9846, section 8.3).
const maxAgeSkew = 60

// judgeEarly decides whether the early data that a client sends is taken.
func (s *Server) judgeEarly() {
	if !s.offer.early {
		return
	}
	if why := s.unfitEarly(); why != "" {
		s.refuseEarly(why)
		return
	}
	s.state.EarlyData = EarlyDataAccepted
	s.exchange13.early = s.exchange13.used.session.MaxEarly
	s.answer(&tlsmsg.EarlyData{})
	s.decide("early_data_accepted", "the early data of the client is taken: whoever has recorded it can send it once more")
}

func (s *Server) refuseEarly(why string) {
	s.state.EarlyData = EarlyDataRefused
	s.decide("early_data_refused", "the early data of the client is skipped: %s", why)
}

// unfitEarly says why early data is not taken, or "".
func (s *Server) unfitEarly() string {
	used := s.exchange13.used
	switch {
	case s.cfg.EarlyData == 0:
		return "this server takes none"
	case used == nil || used.session == nil || used.selected != 0:
		return "the session that it goes by is not resumed"
	case used.session.MaxEarly == 0:
		return "its ticket allows none"
	case used.session.CipherSuite != s.suite.ID:
		return "its session was one of " + used.session.CipherSuite.String()
	case used.session.ALPN != s.state.ALPN:
		return "its session was one of another protocol"
	case !used.once:
		return "it may have come before"
	}
	said := s.exchange13.psk.Identities[0].ObfuscatedTicketAge - used.session.AgeAdd
	if skew := time.Duration(int32(said-used.age)) * time.Millisecond; skew.Abs().Round(time.Second) > maxAgeSkew*time.Second {
		return "its ticket is older or younger than the client says"
	}
	return ""
}

// earlySecret returns client_early_traffic_secret where early data is taken, before
// the schedule goes on.
func (s *Server) earlySecret() []byte {
	if s.state.EarlyData != EarlyDataAccepted {
		return nil
	}
	traffic, exporter := s.tls13.schedule.Early(s.exchange13.hello)
	s.tellSecret13(suite.SecretClientEarly, traffic)
	s.tellSecret13(suite.SecretEarlyExporter, exporter)
	return traffic
}

// earlyData keeps early data for the reader, within the bound that the ticket has.
func (s *Server) earlyData(plaintext []byte) error {
	x := s.exchange13
	if n := uint32(len(plaintext)); n > x.early {
		return refuse(tlsmsg.AlertUnexpectedMessage, "ApplicationData", "more early data than the %d bytes that the ticket allows", s.cfg.EarlyData)
	} else {
		x.early -= n
	}
	return s.applicationData(plaintext)
}

// endOfEarlyData takes the client's keys of the handshake into use.
func (s *Server) endOfEarlyData(raw []byte) error {
	if err := s.decode(new(tlsmsg.EndOfEarlyData), raw); err != nil {
		return err
	}
	s.after = func(s *Server) error {
		if err := s.flightOver(); err != nil {
			return err
		}
		s.in.limit = s.in.next
		return s.unlock13(EpochHandshake, s.tls13.theirs)
	}
	return nil
}

// Early reports whether what Peek returns came as early data, which somebody else
// may have recorded and sent once more.
func (s *Server) Early() bool { return len(s.in.app) > 0 && s.epochs.in == EpochEarly }
