// The server's table of states and messages in TLS 1.3.

package handshake

import "github.com/rawshake/rawshake/tlsmsg"

// server13 is the server of TLS 1.3 from its answer to the first ClientHello on:
// which message is taken in which phase, and what is waited for then (RFC 9846,
// appendix A.2). Whatever has no row is answered by unexpected_message. A
// handler may set the phase itself; next is then moot.
var server13 [numPhases][]step[*Server]

func init() { // its first step leads back to it
	server13 = [numPhases][]step[*Server]{
		phaseClientHello: { // after a HelloRetryRequest
			{kind(tlsmsg.TypeClientHello), (*Server).clientHello, phaseFlight},
			specIgnored,
		},
		phaseEarlyData: {
			{kindApplicationData, (*Server).earlyData, phaseEarlyData},
			{kind(tlsmsg.TypeEndOfEarlyData), (*Server).endOfEarlyData, phaseFinished},
			specIgnored,
		},
		phaseCertificate: { // asked for: an empty one is sent too (RFC 9846, section 4.5.1)
			{kind(tlsmsg.TypeCertificate), (*Server).clientCertificate13, phaseCertificateVerify},
			specIgnored,
		},
		phaseCertificateVerify: {
			{kind(tlsmsg.TypeCertificateVerify), (*Server).clientProof13, phaseFinished},
			specIgnored,
		},
		phaseFinished: {
			{kind(tlsmsg.TypeFinished), (*Server).finished13, phaseFlight},
			specIgnored,
		},
		phaseConnected: {
			{kindApplicationData, (*Server).applicationData13, phaseConnected},
			{kind(tlsmsg.TypeKeyUpdate), (*Server).keyUpdate, phaseConnected},
			{kind(tlsmsg.TypeCertificate), (*Server).clientCertificateLater, phaseCertificateVerify},
		},
	}
}

// specIgnored is changeCipherSpecIgnored for a server.
var specIgnored = step[*Server]{kindChangeCipherSpec, func(*Server, []byte) error { return nil }, numPhases}
