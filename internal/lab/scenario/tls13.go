// Scenarios of TLS 1.3.

package scenario

import (
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/tlsmsg"
)

// hello13 and certificate13 are what the messages of a full handshake of TLS 1.3
// begin and go on with (RFC 9846, figure 1).
var (
	hello13       = []string{"out SYN", "in SYN-ACK", "out ACK", "out client_hello", "in server_hello", "in encrypted_extensions"}
	certificate13 = []string{"in certificate", "in certificate_verify", "in finished"}
)

func inOrder(parts ...[]string) (all []string) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

var tls13 = Scenario{
	Name:  "tls13",
	Title: "a full handshake of TLS 1.3, in one round trip",
	About: `The client guesses which group the server will take, and sends a key in it with its ClientHello. So the server can
encrypt all but its own hello: look at what the word "encrypted" stands beside, and at how soon the client is done.`,
	Serve: independent(service.Options{ClientAuth: service.NoClientAuth}),
	Steps: []Step{{
		Args:  "--groups x25519,secp256r1 --get /",
		Shows: inOrder(hello13, certificate13, []string{"out finished", "out application_data", "in application_data", "in alert"}),
	}},
}

var helloRetry = Scenario{
	Name:  "hello-retry",
	Title: "the client's guess was wrong: the server asks for a key in another group",
	About: `The server takes P-384 alone. The client offers it, but its ClientHello has a key in X25519 only. The server answers
with a HelloRetryRequest, which is a ServerHello with a random that everybody knows: one more round trip, as in TLS 1.2.`,
	Serve: ours(service.Options{Groups: []tlsmsg.NamedGroup{tlsmsg.GroupSecp384r1}}),
	Steps: []Step{{
		Args: "--groups x25519,secp384r1",
		Shows: inOrder([]string{"out client_hello", "in server_hello", "out client_hello", "in server_hello", "in encrypted_extensions"},
			certificate13, []string{"out finished"}),
	}},
}

var resumption13 = Scenario{
	Name:  "tls13-resumption",
	Title: "two connections, the second by a pre-shared key that the first one left",
	About: `Once the handshake is done the server gives a ticket: the name of a key that both can derive. The second ClientHello
offers it, with a proof that the client has the key (the binder), and a key exchange beside it all the same.
Look at what is missing there: no Certificate and no CertificateVerify.`,
	Serve: ours(service.Options{Tickets: true}),
	Steps: []Step{{
		Say:   "The first connection: a full handshake, and a ticket after it.",
		Args:  "--groups x25519 --get / --session-file session.json",
		Shows: inOrder(hello13, certificate13, []string{"out finished", "in new_session_ticket", "in application_data"}),
	}, {
		Say:   "The second connection: the ServerHello names the key that was offered, and the server is who it was.",
		Args:  "--groups x25519 --get / --session-file session.json",
		Shows: inOrder(hello13, []string{"in finished", "out finished", "in application_data"}),
	}},
}

var earlyData = Scenario{
	Name:  "early-data",
	Title: "a request that goes with the ClientHello, before the server has said anything",
	About: `With a ticket that allows it the client has a key before the handshake: it sends the request at once, in no round trip
of TLS. The price: whoever records these packets can send them to the server again, and the request has no forward
secrecy. So it is for requests that may come twice, and only by request.`,
	Serve: ours(service.Options{Tickets: true, EarlyData: true}),
	Steps: []Step{{
		Say:   "The first connection brings a ticket, with the number of bytes that it allows.",
		Args:  "--groups x25519 --get / --session-file session.json",
		Shows: inOrder(hello13, certificate13, []string{"out finished", "in new_session_ticket", "in application_data"}),
	}, {
		Say:  "The second one: the request leaves with the ClientHello, and the handshake goes on beneath it.",
		Args: "--groups x25519 --get / --session-file session.json --early-data",
		Shows: []string{"out client_hello", "out application_data", "in server_hello", "in encrypted_extensions", "in finished",
			"out end_of_early_data", "out finished", "in application_data"},
	}},
}

var clientAuth13 = Scenario{
	Name:  "tls13-client-auth",
	Title: "TLS 1.3 with a client certificate, which nobody on the way can read",
	About: `The server asks for a certificate in what is encrypted already, and the client answers in kind: in TLS 1.2 both went in
the clear. The client is done before the server has judged it. That one refuses is heard later, by an alert.`,
	Serve: independent(service.Options{ClientAuth: service.RequireClient}),
	Steps: []Step{{
		Say:  "With a certificate:",
		Args: "--groups x25519 --cert client.pem --key client-key.pem --get /",
		Shows: inOrder(hello13, []string{"in certificate_request"}, certificate13,
			[]string{"out certificate", "out certificate_verify", "out finished", "out application_data", "in application_data"}),
	}, {
		Say:   "Without: the handshake is complete on this side, and the server's alert comes after it.",
		Args:  "--groups x25519",
		Exit:  exitTLS,
		Shows: inOrder(hello13, []string{"in certificate_request"}, certificate13, []string{"out certificate", "out finished", "in alert"}),
	}},
}

var postHandshakeAuth = Scenario{
	Name:  "post-handshake-auth",
	Title: "the server asks for a certificate only once it has seen the request",
	About: `In TLS 1.2 that took a renegotiation, a second handshake inside the connection. In TLS 1.3 it is one message, and the
answer to it, if the client has said in its ClientHello that it may be asked (post_handshake_auth).`,
	Serve: ours(service.Options{ClientAuth: service.LaterClient}),
	Steps: []Step{{
		Args: "--groups x25519 --renegotiation --cert client.pem --key client-key.pem --get /",
		Shows: inOrder(hello13, certificate13, []string{"out finished", "out application_data",
			"in certificate_request", "out certificate", "out certificate_verify", "out finished", "in application_data"}),
	}},
}

var keyUpdate = Scenario{
	Name:  "key-update",
	Title: "both sides change their keys in the middle of the connection",
	About: `KeyUpdate says: what follows is under my next key, which is derived from this one. It may ask for the same of the
other side. Each direction changes on its own, and nobody who learns a later key can read what came before.`,
	Serve: ours(service.Options{KeyUpdate: true}),
	Steps: []Step{{
		Args: "--groups x25519 --key-update --get /",
		Shows: inOrder(hello13, certificate13, []string{"out finished", "out key_update", "out application_data",
			"in key_update", "in application_data"}),
	}},
}

var downgrade = Scenario{
	Name:  "downgrade",
	Title: "somebody on the way takes TLS 1.3 out of the ClientHello, and is found out",
	About: `Without its extension supported_versions a ClientHello offers TLS 1.2, and the server takes that. But a server that
could have spoken 1.3 says so in the last eight bytes of its random, "DOWNGRD" and a number (RFC 9846, section 4.2.3),
which the ServerKeyExchange signs. The client, which had offered 1.3, ends the connection.
Here the client leaves the extension out by itself, as if somebody had taken it away.`,
	Serve: ours(service.Options{}),
	Steps: []Step{{
		Args:  "--omit-extension supported_versions",
		Exit:  exitTLS,
		Shows: []string{"out client_hello", "in server_hello", "out alert"},
	}},
}

var postQuantum = Scenario{
	Name:  "post-quantum",
	Title: "a key exchange that a quantum computer of later years does not undo",
	About: `X25519MLKEM768 is two exchanges in one: ML-KEM-768, which rests on lattices, and X25519, in case that does not hold. The
secret is made of both (RFC 10024). The client's key has 1,216 bytes, so that the ClientHello takes two segments; the
server's answer, a ciphertext of ML-KEM and a key of X25519, has 1,120.`,
	Serve: independent(service.Options{ClientAuth: service.NoClientAuth}),
	Steps: []Step{{
		Args:  "--groups X25519MLKEM768,x25519 --get /",
		Shows: inOrder(hello13, certificate13, []string{"out finished", "out application_data", "in application_data"}),
	}},
}

var ech = Scenario{
	Name:  "ech",
	Title: "a ClientHello inside another: only the server reads which name is asked for",
	About: `All of TLS 1.3 is encrypted but the hellos, and so everybody on the way can read which site is visited. Here the server
has published a key (in DNS, as a rule). The client encrypts its true ClientHello to it, and puts it into another, which
asks for the name of whoever keeps the key: public.lab.test. Look for server.lab.test in the packets: it is not there.`,
	Serve: independent(service.Options{ECH: "public.lab.test", ClientAuth: service.NoClientAuth}),
	Steps: []Step{{
		Say:  "The server opens it, and says so in the last eight bytes of its random, which nobody else can make or tell:",
		Args: "--groups x25519 --ech-config ech.pem --get /",
		Shows: inOrder(hello13, certificate13,
			[]string{"ech_accepted", "out finished", "out application_data", "in application_data"}),
	}, {
		Say: `With a key that the server has no more: it goes on with the outer ClientHello, proves that it is public.lab.test, and
says by EncryptedExtensions which keys it has now. The client ends the connection, as that is not whom it asked for:`,
		Args:  "--groups x25519 --ech-config old-ech.pem",
		Exit:  exitTLS,
		Shows: inOrder(hello13, certificate13, []string{"ech_rejected", "out finished", "out alert"}),
	}},
}
