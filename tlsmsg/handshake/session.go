// What a client keeps of a session.

package handshake

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// A Session is what a handshake leaves behind for an abbreviated one (RFC 5246,
// section 7.3, figure 2; RFC 5077). It holds the master secret: whoever has it
// can read the connection. SessionEvent carries it, and Config.Session takes
// it; a Session is not changed after that.
type Session struct {
	Version              tlsmsg.Version
	CipherSuite          tlsmsg.CipherSuite
	Master               [suite.MasterSecretLen]byte
	ExtendedMasterSecret bool
	ID                   []byte // that the server gave; empty: it resumes by ticket alone
	Ticket               []byte // of NewSessionTicket; empty: it resumes by ID alone
	LifetimeHint         uint32 // of the ticket, in seconds; 0: the server does not say
	ServerName           string // that it was made for
	// Chain is the server's, DER, the leaf first. It is judged anew at each
	// resumption.
	Chain [][]byte

	// TLS 1.3 has these in place of Master and ID. Age, in milliseconds since the
	// ticket came, is for who offers the session to say, in a copy.
	PSK         []byte
	AgeAdd, Age uint32
	MaxEarly    uint32 // bytes of early data that the server takes; 0: none
	ALPN        string // of the handshake that gave it, which early data must have too
	PSKIdentity []byte // of the PSK from outside TLS that stood for a certificate there
}

// offeredID is the session_id that offers the session. With a ticket alone it
// is a hash of that: a server that takes the ticket repeats it, which is how
// the client learns of it (RFC 5077, section 3.4).
func (s *Session) offeredID() []byte {
	if len(s.ID) > 0 || len(s.Ticket) == 0 {
		return s.ID
	}
	sum := sha256.Sum256(s.Ticket)
	return sum[:]
}

// unfit says why a session is not offered under a Config to a server of that
// name, or "".
func (s *Session) unfit(cfg *Config, name string) string {
	known := suite.Lookup(s.CipherSuite)
	switch {
	case s.Version < tlsmsg.VersionTLS13 && (len(s.offeredID()) == 0 || len(s.ID) > 32):
		return "it has neither an ID nor a ticket"
	case s.ServerName != name:
		return "it was made for another server name"
	case s.Version < cfg.MinVersion || s.Version > cfg.MaxVersion:
		return "its version, " + s.Version.String() + ", is not offered"
	case s.Version >= tlsmsg.VersionTLS13 && s.unfit13(cfg) != "":
		return s.unfit13(cfg)
	case s.Version >= tlsmsg.VersionTLS13: // what else it has to hold is below
	case known == nil || known.For(s.Version) == nil || !slices.Contains(cfg.CipherSuites, s.CipherSuite):
		return "its cipher suite, " + s.CipherSuite.String() + ", is not offered"
	}
	switch {
	case s.PSKIdentity != nil && findPSK(cfg.PSKs, s.PSKIdentity) == nil:
		return "the key that it came from is not offered"
	case len(s.Chain) == 0 && s.PSKIdentity == nil:
		return "it does not hold the server's certificate"
	case len(s.Ticket) > maxTicket:
		return "its ticket is too long"
	}
	return ""
}

// newSession makes the session that this handshake leaves behind, or nil where
// the server keeps none and gives no ticket.
func (c *Client) newSession() *Session {
	if !c.state.Resumed && len(c.state.SessionID) == 0 && len(c.exchange.ticket) == 0 {
		return nil
	}
	s := &Session{
		Version: c.state.Version, CipherSuite: c.state.CipherSuite, Master: c.master,
		ExtendedMasterSecret: c.state.ExtendedMasterSecret,
		ID:                   c.state.SessionID,
		Ticket:               c.exchange.ticket,
		LifetimeHint:         c.exchange.lifetime,
		ServerName:           c.name,
		Chain:                c.state.Chain,
	}
	if c.state.Resumed && len(s.Ticket) == 0 {
		s.Ticket, s.LifetimeHint = c.session.Ticket, c.session.LifetimeHint
	}
	if c.state.Resumed { // the ID may be our own, made of the ticket
		s.ID = c.session.ID
	}
	if len(s.ID) == 0 && len(s.Ticket) == 0 {
		return nil
	}
	if c.pool != nil { // the session outlives the memory of the messages
		s.own()
	}
	return s
}

// own copies what lies in somebody else's memory.
func (s *Session) own() {
	s.ID = bytes.Clone(s.ID)
	s.Chain = slices.Clone(s.Chain)
	for i := range s.Chain {
		s.Chain[i] = bytes.Clone(s.Chain[i])
	}
}
