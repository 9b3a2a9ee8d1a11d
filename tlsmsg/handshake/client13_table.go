// The client's table of states and messages in TLS 1.3.

package handshake

import "github.com/rawshake/rawshake/tlsmsg"

// client13 is the client of TLS 1.3 from its ServerHello on: which message is
// taken in which phase, and what is waited for then (RFC 9846, appendix A.1).
// Whatever has no row is answered by unexpected_message. A handler may set
// the phase itself; next is then moot.
var client13 [numPhases][]step[*Client]

// client13Compressed is the same for a server that may compress its certificates
// (RFC 8879, section 4).
var client13Compressed [numPhases][]step[*Client]

func init() { // the first step leads back to them
	client13, client13Compressed = tableOf13(), tableOf13()
	for _, p := range []phase{phaseCertificateOrRequest, phaseCertificate} {
		client13Compressed[p] = append(client13Compressed[p],
			step[*Client]{kind(tlsmsg.TypeCompressedCertificate), (*Client).compressedCertificate13, phaseCertificateVerify})
	}
}

func tableOf13() [numPhases][]step[*Client] {
	return [numPhases][]step[*Client]{
		phaseServerHello: { // after a HelloRetryRequest
			{kind(tlsmsg.TypeServerHello), (*Client).serverHello, phaseEncryptedExtensions},
			changeCipherSpecIgnored,
		},
		phaseEncryptedExtensions: {
			{kind(tlsmsg.TypeEncryptedExtensions), (*Client).encryptedExtensions, phaseCertificateOrRequest},
			changeCipherSpecIgnored,
		},
		phaseCertificateOrRequest: {
			{kind(tlsmsg.TypeCertificateRequest), (*Client).certificateRequest13, phaseCertificate},
			{kind(tlsmsg.TypeCertificate), (*Client).certificate13, phaseCertificateVerify},
			changeCipherSpecIgnored,
		},
		phaseCertificate: {
			{kind(tlsmsg.TypeCertificate), (*Client).certificate13, phaseCertificateVerify},
			changeCipherSpecIgnored,
		},
		phaseCertificateVerify: {
			{kind(tlsmsg.TypeCertificateVerify), (*Client).certificateVerify13, phaseFinished},
			changeCipherSpecIgnored,
		},
		phaseFinished: {
			{kind(tlsmsg.TypeFinished), (*Client).finished13, phaseFlight},
			changeCipherSpecIgnored,
		},
		phaseConnected: {
			{kindApplicationData, (*Client).applicationData13, phaseConnected},
			{kind(tlsmsg.TypeNewSessionTicket), (*Client).newSessionTicket13, phaseConnected},
			{kind(tlsmsg.TypeKeyUpdate), (*Client).keyUpdate, phaseConnected},
			{kind(tlsmsg.TypeCertificateRequest), (*Client).certificateRequestLater, phaseConnected},
		},
	}
}

// changeCipherSpecIgnored is RFC 9846, section 5: for middlebox compatibility a
// ChangeCipherSpec may come during a handshake, and means nothing. The record
// layer has checked its content.
var changeCipherSpecIgnored = step[*Client]{kindChangeCipherSpec, func(*Client, []byte) error { return nil }, numPhases}
