// The server's table of states and messages in TLS 1.2.

package handshake

import "github.com/rawshake/rawshake/tlsmsg"

// server12 is the server of TLS 1.2: which message is taken in which phase,
// and what is waited for then (RFC 5246, section 7.3, figure 1). Whatever
// has no row is answered by unexpected_message. A handler may set the
// phase itself; next is then moot.
var server12 = [numPhases][]step[*Server]{
	phaseClientHello: {
		{kind(tlsmsg.TypeClientHello), (*Server).clientHello, phaseFlight},
	},
	phaseCertificate: { // asked for: an empty one is sent too (RFC 5246, section 7.4.6)
		{kind(tlsmsg.TypeCertificate), (*Server).clientCertificate, phaseClientKeyExchange},
	},
	phaseClientKeyExchange: {
		{kind(tlsmsg.TypeClientKeyExchange), (*Server).clientKeyExchange, phaseChangeCipherSpec},
	},
	phaseCertificateVerify: {
		{kind(tlsmsg.TypeCertificateVerify), (*Server).certificateVerify, phaseChangeCipherSpec},
	},
	phaseChangeCipherSpec: {
		{kindChangeCipherSpec, (*Server).changeCipherSpec, phaseFinished},
	},
	phaseFinished: {
		{kind(tlsmsg.TypeFinished), (*Server).finished, phaseFlight},
	},
	phaseConnected: {
		{kindApplicationData, (*Server).applicationData, phaseConnected},
		{kind(tlsmsg.TypeClientHello), (*Server).refuseRenegotiation, phaseConnected},
	},
}

// refuseRenegotiation answers a ClientHello on an established connection: this
// server does not renegotiate (RFC 5246, section 7.2.2; RFC 5746, section 4.5).
func (s *Server) refuseRenegotiation(raw []byte) error {
	if err := s.decode(new(tlsmsg.ClientHello), raw); err != nil {
		return err
	}
	if err := s.tolerate("ClientHellos or warning alerts"); err != nil {
		return err
	}
	s.sendAlert(tlsmsg.LevelWarning, tlsmsg.AlertNoRenegotiation, "ClientHello: this server does not renegotiate")
	return nil
}
