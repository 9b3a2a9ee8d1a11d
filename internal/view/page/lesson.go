// What the story stops at, which fields it shows there, and what a class is asked.

package page

// A moment is a kind of packet or message in the story: what its screen is called, the
// ends of the paths of the fields that are shown, and a question, which the explanation
// of the field at the end answers (empty: that of the whole).
type moment struct {
	title  string
	fields []string
	ask    string
	answer string
}

// moments are by the name of the message, with 13 behind it where TLS 1.3 has another
// way, or by the flags of a segment.
var moments = map[string]moment{
	"SYN": {"SYN: the client asks for a connection", []string{"TCP.source_port", "TCP.destination_port", "TCP.sequence_number", "TCP.options.maximum_segment_size"},
		"Why does the numbering not begin at 0?", "TCP.sequence_number"},
	"SYN-ACK": {"SYN-ACK: the server agrees", []string{"TCP.sequence_number", "TCP.acknowledgment_number"},
		"How does the client know that this answers its own SYN?", "TCP.acknowledgment_number"},
	"ACK": {"ACK: the connection is open", []string{"TCP.acknowledgment_number"},
		"What does the server know once this has arrived?", ""},
	"ClientHello": {"ClientHello: what the client offers", []string{"ClientHello.client_version", "ClientHello.random", "ClientHello.cipher_suites", "host_name.bytes"},
		"What is the random for?", "ClientHello.random"},
	"ClientHello13": {"ClientHello: what the client offers, and a guess", []string{"ClientHello.random", "ClientHello.cipher_suites", "host_name.bytes",
		"supported_versions.versions", "client_shares.group", "client_shares.key_exchange.bytes", "encrypted_client_hello"},
		"Why does the client send a key before it knows what the server takes?", "extensions.key_share"},
	"HelloRetryRequest": {"HelloRetryRequest: the guess was wrong", []string{"HelloRetryRequest.random", "key_share.selected_group", "cookie.cookie"},
		"How can the client tell this from a ServerHello?", "HelloRetryRequest.random"},
	"ServerHello": {"ServerHello: what the server chooses", []string{"ServerHello.server_version", "ServerHello.random", "ServerHello.cipher_suite"},
		"Who chooses the cipher suite, and from what?", "ServerHello.cipher_suite"},
	"ServerHello13": {"ServerHello: the choice, and the server's half of the secret", []string{"ServerHello.random", "ServerHello.cipher_suite",
		"supported_versions.selected_version", "server_share.group", "server_share.key_exchange.bytes", "pre_shared_key.selected_identity"},
		"From which byte on can nobody else read along?", ""},
	"EncryptedExtensions": {"EncryptedExtensions: the rest of the answers", []string{"EncryptedExtensions.extensions", "application_layer_protocol_negotiation"},
		"Why are these not in the ServerHello?", ""},
	"CertificateRequest": {"CertificateRequest: the server asks who the client is", []string{"certificate_types", "supported_signature_algorithms", "certificate_authorities", "CertificateRequest.extensions"},
		"What can a client do that has no certificate?", ""},
	"Certificate in": {"Certificate: who the server says it is", []string{"Certificate.certificate_list", "tbsCertificate.validity.notAfter.value", "dNSName.value", "subjectPublicKeyInfo.subjectPublicKey.bits"},
		"Why does this message alone prove nothing?", ""},
	"Certificate out": {"Certificate: who the client says it is", []string{"Certificate.certificate_list", "tbsCertificate.validity.notAfter.value", "subjectPublicKeyInfo.subjectPublicKey.bits"},
		"What else has to come before the server believes it?", ""},
	"CertificateStatus": {"CertificateStatus: is the certificate still good?", []string{"CertificateStatus.status_type"}, "Why does the server send it, and not the CA?", ""},
	"ServerKeyExchange": {"ServerKeyExchange: the server's half of the secret, signed", []string{"params.named_curve", "params.public.bytes", "ServerKeyExchange.algorithm", "ServerKeyExchange.signature"},
		"How does the server prove that it owns the key of its certificate?", "ServerKeyExchange.signature"},
	"ServerHelloDone": {"ServerHelloDone: it is the client's turn", []string{"ServerHelloDone.msg_type"}, "What does the server wait for now?", ""},
	"ClientKeyExchange": {"ClientKeyExchange: the client's half of the secret", []string{"ecdh_Yc.bytes", "dh_Yc.bytes", "encrypted_pre_master_secret"},
		"Why can nobody else compute the secret from what has passed?", ""},
	"CertificateVerify": {"CertificateVerify: the client's proof", []string{"CertificateVerify.algorithm", "CertificateVerify.signature"},
		"What does the signature cover?", "CertificateVerify.signature"},
	"CertificateVerify13 in": {"CertificateVerify: the server's proof", []string{"CertificateVerify.algorithm", "CertificateVerify.signature"},
		"What does the signature cover?", "CertificateVerify.signature"},
	"CertificateVerify13 out": {"CertificateVerify: the client's proof", []string{"CertificateVerify.algorithm", "CertificateVerify.signature"},
		"What does the signature cover?", "CertificateVerify.signature"},
	"ChangeCipherSpec": {"ChangeCipherSpec: from here on it is encrypted", []string{"ChangeCipherSpec.type"},
		"What is different from the next byte on?", ""},
	"ChangeCipherSpec13": {"ChangeCipherSpec: a word for those on the way", []string{"ChangeCipherSpec.type"},
		"Why is it sent, if it means nothing?", ""},
	"Finished": {"Finished: we saw the same", []string{"Finished.verify_data"},
		"What would happen if somebody had changed a message before?", "Finished.verify_data"},
	"EndOfEarlyData":   {"EndOfEarlyData: the early data is over", nil, "Why is it needed?", ""},
	"NewSessionTicket": {"NewSessionTicket: a shorter way the next time", []string{"ticket_lifetime_hint", "ticket_lifetime", "NewSessionTicket.ticket"}, "What can the client do with it?", ""},
	"KeyUpdate":        {"KeyUpdate: other keys from the next record on", []string{"request_update"}, "What is safe if somebody learns a later key?", ""},
	"ApplicationData":  {"The first data, encrypted", nil, "What can somebody on the way still see of it?", ""},
	"Alert":            {"Alert", []string{"Alert.level", "Alert.description"}, "What would be missing without it?", ""},
	"FIN":              {"FIN: nothing more to send", []string{"TCP.sequence_number", "TCP.flags"}, "May the other side still send?", ""},
	"RST":              {"RST: the connection is over at once", []string{"TCP.sequence_number", "TCP.flags"}, "What can cause it?", ""},
}
