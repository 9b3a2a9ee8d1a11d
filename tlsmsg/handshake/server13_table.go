// The server's table of states and messages in TLS 1.3.

package handshake

import "github.com/rawshake/rawshake/tlsmsg"

// server13 is the server of TLS 1.3 from its answer to the first ClientHello on:
// which message is taken in which phase, and what is waited for then (RFC 9846,
// appendix A.2). Whatever has no row is answered by unexpected_message. A
// handler may set the phase itself; next is then moot.
var server13 [numPhases][]step[*Server]

// server13Compressed is the same for a client that may compress its certificates
// (RFC 8879, section 4).
var server13Compressed [numPhases][]step[*Server]

func init() { // the first step leads back to them
	server13, server13Compressed = tableOfServer13(), tableOfServer13()
	for p, take := range map[phase]func(*Server, []byte) error{
		phaseCertificate: (*Server).compressedCertificate13,
		phaseConnected:   (*Server).clientCertificateLater,
	} {
		server13Compressed[p] = append(server13Compressed[p], step[*Server]{kind(tlsmsg.TypeCompressedCertificate), take, phaseCertificateVerify})
	}
}

func tableOfServer13() [numPhases][]step[*Server] {
	return [numPhases][]step[*Server]{
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
