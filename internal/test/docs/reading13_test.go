package docs

import (
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/transcript"
)

// parts13 are the messages of TLS 1.3, after TCP's three.
var parts13 = []part{
	{"ClientHello", "client to server", 0, "ClientHello", transcript.Out,
		[]string{"ClientHello.client_version", "ClientHello.session_id.bytes", "ClientHello.cipher_suites",
			"ClientHello.extensions.supported_versions.versions", "ClientHello.extensions.key_share.client_shares.group",
			"ClientHello.extensions.key_share.client_shares.key_exchange.bytes"},
		"What was step 9, the client's half of the key agreement, goes with the first message. The client does not know yet which groups the server takes: it guesses. A wrong guess costs a round trip (`rawshake lab demo hello-retry`)."},
	{"ServerHello", "server to client", 0, "ServerHello", transcript.In,
		[]string{"ServerHello.server_version", "ServerHello.random", "ServerHello.cipher_suite",
			"ServerHello.extensions.supported_versions.selected_version", "ServerHello.extensions.key_share.server_share.key_exchange.bytes"},
		"With this both sides can compute the keys of the handshake: in TLS 1.2 that was so only after step 9. `--view keys` shows how, with the real values."},
	{"EncryptedExtensions", "server to client", 0, "EncryptedExtensions", transcript.In, []string{"EncryptedExtensions.extensions"}, ""},
	{"Certificate", "server to client", 0, "Certificate", transcript.In,
		[]string{"Certificate.certificate_list", "dNSName.value", "tbsCertificate.subjectPublicKeyInfo.subjectPublicKey.bits"}, ""},
	{"CertificateVerify", "server to client", 0, "CertificateVerify", transcript.In,
		[]string{"CertificateVerify.algorithm", "CertificateVerify.signature"},
		"In TLS 1.2 the server signed its half of the key agreement and the two randoms (step 7). Here it signs everything."},
	{"Finished", "server to client", 0, "Finished", transcript.In, []string{"Finished.verify_data"},
		"The server is first: it had the keys before the client."},
	{"Finished", "client to server", 0, "Finished", transcript.Out, []string{"Finished.verify_data"},
		"With it the client may send data: one round trip after its ClientHello, where TLS 1.2 takes two. But nobody has told it that the server agrees: if the server refuses the client's certificate, say, an alert comes now."},
}

// chapter13 writes the chapter about TLS 1.3.
func chapter13(t *testing.T, tr *transcript.Transcript) string {
	var b strings.Builder
	b.WriteString(`## The same in TLS 1.3

TCP's three steps are the same. Of the ten that follow, TLS 1.3 ([RFC 9846](https://www.rfc-editor.org/rfc/rfc9846)) keeps seven messages, moves some and drops others, so that one round trip is enough (` + "`rawshake lab demo tls13`" + ` makes such a handshake):

| flight | TLS 1.2 | TLS 1.3 | what moved, and what went |
| --- | --- | --- | --- |
| client | ClientHello (4) | ClientHello (4) | the client's half of the key agreement is here now, as a guess |
| server | ServerHello (5) | ServerHello (5) | with the server's half; **from here on all is encrypted** |
| | | EncryptedExtensions (6) | the answers to the client's extensions, which stood in the ServerHello |
| | Certificate (6) | Certificate (7) | nobody on the way can read it any more |
| | ServerKeyExchange (7) | CertificateVerify (8) | the half of the key agreement went to the ServerHello; the signature stayed, and covers everything |
| | ServerHelloDone (8) | Finished (9) | the server seals its flight at once |
| client | ClientKeyExchange (9) | | went to the ClientHello |
| | ChangeCipherSpec (10) | | means nothing any more; it may be sent for middleboxes |
| | Finished (11) | Finished (10) | and with it, data |
| server | ChangeCipherSpec (12), Finished (13) | | the second round trip |
| later | NewSessionTicket before its Finished | NewSessionTicket after the handshake, at any time | a ticket is the name of a pre-shared key |

Gone for good are RSA key exchange, whose recordings the server's key opens later; encryption without authentication of its own (CBC with a MAC beside it), RC4, 3DES; compression; renegotiation, in whose place KeyUpdate and questions after the handshake came. A pre-shared key takes the place of sessions, and with it data can go with the ClientHello, at a price (` + "`rawshake lab demo early-data`" + `).

`)
	tell(t, &b, tr, "###", 4, parts13)
	return strings.TrimRight(b.String(), "\n") + "\n"
}
