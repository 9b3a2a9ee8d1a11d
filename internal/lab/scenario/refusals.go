// Scenarios of handshakes that come to an end before their time.

package scenario

import (
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/tlsmsg"
)

// Exit statuses of connect.
const (
	exitReset      = 4
	exitTimeout    = 5
	exitTLS        = 6
	exitUnverified = 7
)

var badCertificate = Scenario{
	Name:  "bad-certificate",
	Title: "a certificate that does not verify: nothing is said to such a server",
	About: `The server's certificate is for another host. The handshake is finished and shown, but the request is not sent,
nor would a client certificate be.`,
	Serve: ours(service.Options{Fault: pki.WrongName}),
	Steps: []Step{{
		Args: "--max-version 1.2 --get /",
		Exit: exitUnverified,
		Shows: []string{"in certificate", "certificate_not_verified", "out client_key_exchange", "out finished", "in finished",
			"out alert"},
	}},
}

var badFinished = Scenario{
	Name:  "bad-finished",
	Title: "a server whose Finished is protected well and says the wrong thing",
	About: `The record of the server's Finished has the right MAC, so it comes from whoever holds the keys. But its
verify_data is not the hash of the messages that the client saw: somebody has changed one of them, or lies.
The client answers decrypt_error (RFC 5246, section 7.2.2), and sends nothing else.`,
	Serve: ours(service.Options{Wrong: service.ServerFault{
		Act: service.Corrupt, Message: service.HandshakeMessage(tlsmsg.TypeFinished), Offset: -1,
	}}),
	Steps: []Step{{
		Args:  "--max-version 1.2",
		Exit:  exitTLS,
		Shows: []string{"out finished", "in change_cipher_spec", "in finished", "out alert"},
	}},
}

var alert = Scenario{
	Name:  "alert",
	Title: "an alert: the two sides share no cipher suite",
	About: `The server speaks RSA key exchange alone, and the client offers none of that. The server cannot go on: it answers
the ClientHello with the alert handshake_failure, and ends the connection.`,
	Serve: ours(service.Options{Key: pki.RSA2048, CipherSuites: []tlsmsg.CipherSuite{0x009C}}),
	Steps: []Step{{
		Args:  "--ciphers TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
		Exit:  exitTLS,
		Shows: []string{"out client_hello", "in alert", "in FIN"},
	}},
}
