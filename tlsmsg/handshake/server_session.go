// What a server keeps of a session, and its encoding.

package handshake

import (
	"encoding/binary"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// A ServerSession is what a server needs for an abbreviated handshake (RFC
// 5246, section 7.3, figure 2). It holds the master secret: whoever has it can
// read the connection. It is not changed once it is made.
type ServerSession struct {
	Version              tlsmsg.Version
	CipherSuite          tlsmsg.CipherSuite
	Master               [suite.MasterSecretLen]byte
	ExtendedMasterSecret bool
	ServerName           string   // that the client asked for
	Chain                [][]byte // the client's, DER, the leaf first; judged anew at each resumption

	// TLS 1.3 has these in place of Master.
	PSK      []byte
	AgeAdd   uint32 // ticket_age_add
	MaxEarly uint32 // max_early_data_size, bytes
	ALPN     string
}

// sessionFormat tells this encoding from others, should there be any.
const sessionFormat = 2

// Append appends the session's encoding, for a ticket or a store.
func (s *ServerSession) Append(b []byte) []byte {
	b = append(b, sessionFormat, byte(s.Version>>8), byte(s.Version), byte(s.CipherSuite>>8), byte(s.CipherSuite), 0)
	if s.ExtendedMasterSecret {
		b[len(b)-1] = 1
	}
	if s.Version >= tlsmsg.VersionTLS13 {
		b = append(append(b, byte(len(s.PSK))), s.PSK...)
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, s.AgeAdd), s.MaxEarly)
		b = append(append(b, byte(len(s.ALPN))), s.ALPN...)
	} else {
		b = append(b, s.Master[:]...)
	}
	b = append(b, byte(len(s.ServerName)>>8), byte(len(s.ServerName)))
	b = append(b, s.ServerName...)
	chain := tlsmsg.Certificate{Chain: s.Chain}
	return chain.AppendBody(b, tlsmsg.Context{})
}

// ParseServerSession decodes what Append made.
func ParseServerSession(b []byte) (*ServerSession, error) {
	s := new(ServerSession)
	c := field.New("session", b)
	if f := c.Uint8("format"); f != sessionFormat {
		c.Failf("%d, expected %d", f, sessionFormat)
	}
	s.Version = field.Enum16[tlsmsg.Version](&c, "version")
	s.CipherSuite = field.Enum16[tlsmsg.CipherSuite](&c, "cipher_suite")
	s.ExtendedMasterSecret = c.Uint8("extended_master_secret") == 1
	if s.Version >= tlsmsg.VersionTLS13 {
		s.PSK = c.Opaque8("psk", 0, 1<<8-1)
		s.AgeAdd, s.MaxEarly = c.Uint32("ticket_age_add"), c.Uint32("max_early_data_size")
		s.ALPN = string(c.Opaque8("protocol_name", 0, 1<<8-1))
	} else {
		copy(s.Master[:], c.Bytes("master_secret", len(s.Master)))
	}
	s.ServerName = string(c.Opaque16("server_name", 0, 1<<16-1))
	var chain tlsmsg.Certificate
	err := chain.Decode(&c, tlsmsg.Context{})
	s.Chain = chain.Chain
	return s, err
}

// newSession makes the session that this handshake leaves behind.
func (s *Server) newSession() *ServerSession {
	return &ServerSession{
		Version: s.state.Version, CipherSuite: s.state.CipherSuite, Master: s.master,
		ExtendedMasterSecret: s.state.ExtendedMasterSecret, ServerName: s.offer.name, Chain: s.state.Chain,
	}
}

// unfit says why the ClientHello does not resume a session, or "". The error is
// for a client that must not go on at all.
func (s *Server) unfit(old *ServerSession) (why string, err error) {
	hello := &s.offer.hello
	known := suite.Lookup(old.CipherSuite)
	switch {
	case old.Version != s.state.Version:
		return "it is of " + old.Version.String(), nil
	case old.ExtendedMasterSecret && !s.state.ExtendedMasterSecret: // RFC 7627, section 5.3
		return "", refuse(tlsmsg.AlertHandshakeFailure, "ClientHello.extensions", "no extended_master_secret, which the session to resume has")
	case !old.ExtendedMasterSecret && s.state.ExtendedMasterSecret:
		return "it has no extended master secret", nil
	case known == nil || known.For(old.Version) == nil || !contains(hello.CipherSuites, s.cfg.CipherSuites, old.CipherSuite):
		return "its cipher suite, " + old.CipherSuite.String() + ", is not offered", nil
	case old.ServerName != s.offer.name: // RFC 6066, section 3
		return "it was made for another server name", nil
	case s.cfg.ClientAuth == ClientAuthRequire && len(old.Chain) == 0:
		return "it holds no client certificate", nil
	}
	return "", nil
}
