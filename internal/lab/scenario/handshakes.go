// Scenarios of handshakes that succeed.

package scenario

import (
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/tlsmsg"
)

var mutualTLS = Scenario{
	Name:  "mutual-tls",
	Title: "a full handshake with client authentication, against Go's crypto/tls",
	About: "A server made of Go's crypto/tls, behind the kernel's TCP, asks for a client certificate.\nLook for CertificateRequest, and at what the client answers with: Certificate and CertificateVerify.",
	Serve: independent(service.Options{}),
	Steps: []Step{{
		Args:  "--max-version 1.2 --get / --cert client.pem --key client-key.pem",
		Shows: append(mutual(true), "out application_data", "in application_data", "in alert"),
	}},
}

// exchange is a scenario of one key exchange, with client authentication.
func exchange(name, title, about string, suite tlsmsg.CipherSuite, group tlsmsg.NamedGroup) Scenario {
	o := service.Options{
		Key: pki.RSA2048, ClientKey: pki.RSA2048, ClientAuth: service.RequireClient,
		CipherSuites: []tlsmsg.CipherSuite{suite},
	}
	if group != 0 {
		o.Groups = []tlsmsg.NamedGroup{group}
	}
	return Scenario{
		Name: name, Title: title, About: about, Serve: ours(o),
		Steps: []Step{{
			Args:  "--max-version 1.2 --get / --cert client.pem --key client-key.pem",
			Shows: append(mutual(group != 0), "out application_data", "in application_data"),
		}},
	}
}

var rsa = exchange("rsa", "RSA key exchange: the client encrypts the secret to the server's key",
	`The server speaks TLS_RSA_WITH_AES_128_GCM_SHA256 alone. There is no ServerKeyExchange: ClientKeyExchange
carries a secret that only the server's private key can read. Who gets that key later can read it all.`,
	0x009C, 0)

var dhe = exchange("dhe", "Diffie-Hellman in a finite field, signed by the server",
	`The server speaks TLS_DHE_RSA_WITH_AES_128_GCM_SHA256 alone. ServerKeyExchange carries a prime of 2048 bits
(ffdhe2048, RFC 7919), a generator and the server's number, signed with its RSA key.`,
	0x009E, tlsmsg.GroupFFDHE2048)

var ecdhe = exchange("ecdhe", "Diffie-Hellman on a curve, signed by the server",
	`The server speaks TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 on P-256 alone. ServerKeyExchange carries a point
of 65 bytes, signed with the server's RSA key.`,
	0xC02F, tlsmsg.GroupSecp256r1)

var resumption = Scenario{
	Name:  "resumption",
	Title: "two connections, the second by an abbreviated handshake",
	About: `The server gives a session ticket at the end of a full handshake. The second connection offers it.
Look at what is missing there: no Certificate, no key exchange, and the server is the first to say Finished.`,
	Serve: ours(service.Options{Tickets: true, SessionIDs: true}),
	Steps: []Step{{
		Say:  "The first connection: a full handshake, in two round trips.",
		Args: "--max-version 1.2 --session-file session.json",
		Shows: []string{"out client_hello", "in server_hello", "in certificate", "in server_key_exchange", "in server_hello_done",
			"out client_key_exchange", "out change_cipher_spec", "out finished",
			"in new_session_ticket", "in change_cipher_spec", "in finished"},
	}, {
		Say:  "The second connection: an abbreviated handshake, in one.",
		Args: "--max-version 1.2 --session-file session.json",
		Shows: []string{"out client_hello", "in server_hello", "in change_cipher_spec", "in finished",
			"out change_cipher_spec", "out finished"},
	}},
}
