// The one table of handshake messages: what they are called, and what decodes
// and encodes them.

package tlsmsg

// messageRow is one message.
type messageRow struct {
	typ     HandshakeType
	name    string         // as IANA and RFC 5246's enum spell it
	heading string         // as RFC 5246 and its successors head their sections
	fresh   func() Message // nil: it is not decoded further
}

// messageRows are in the order of their numbers.
var messageRows = [...]messageRow{
	{0, "hello_request", "HelloRequest", fresh[HelloRequest]},
	{1, "client_hello", "ClientHello", fresh[ClientHello]},
	{2, "server_hello", "ServerHello", fresh[ServerHello]},
	{3, "hello_verify_request", "HelloVerifyRequest", nil},                 // RFC 6347
	{4, "new_session_ticket", "NewSessionTicket", fresh[NewSessionTicket]}, // RFC 5077
	{5, "end_of_early_data", "EndOfEarlyData", fresh[EndOfEarlyData]},
	{6, "hello_retry_request", "HelloRetryRequest", nil}, // drafts of RFC 8446
	{8, "encrypted_extensions", "EncryptedExtensions", fresh[EncryptedExtensions]},
	{9, "request_connection_id", "RequestConnectionId", nil}, // RFC 9147
	{10, "new_connection_id", "NewConnectionId", nil},
	{11, "certificate", "Certificate", fresh[Certificate]},
	{12, "server_key_exchange", "ServerKeyExchange", fresh[ServerKeyExchange]},
	{13, "certificate_request", "CertificateRequest", fresh[CertificateRequest]},
	{14, "server_hello_done", "ServerHelloDone", fresh[ServerHelloDone]},
	{15, "certificate_verify", "CertificateVerify", fresh[CertificateVerify]},
	{16, "client_key_exchange", "ClientKeyExchange", fresh[ClientKeyExchange]},
	{17, "client_certificate_request", "ClientCertificateRequest", nil}, // RFC 9261
	{20, "finished", "Finished", fresh[Finished]},
	{21, "certificate_url", "CertificateURL", nil},
	{22, "certificate_status", "CertificateStatus", fresh[CertificateStatus]},
	{23, "supplemental_data", "SupplementalData", nil},
	{24, "key_update", "KeyUpdate", fresh[KeyUpdate]},
	{25, "compressed_certificate", "CompressedCertificate", fresh[CompressedCertificate]}, // RFC 8879
	{26, "ekt_key", "EKTKey", nil},                                                        // RFC 8870
	{67, "next_protocol", "NextProtocol", nil},                                            // never registered; of next_protocol_negotiation
	{254, "message_hash", "MessageHash", fresh[MessageHash]},
}

func fresh[T any, P interface {
	*T
	Message
}]() Message {
	return P(new(T))
}

var (
	handshakeTypes = messageNames(func(r *messageRow) string { return r.name })
	headings       = messageNames(func(r *messageRow) string { return r.heading })
	freshMessages  = func() (by [1 << 8]func() Message) {
		for _, r := range messageRows {
			by[r.typ] = r.fresh
		}
		return by
	}()
)

func messageNames(of func(*messageRow) string) (r registry[HandshakeType]) {
	for i := range messageRows {
		r = append(r, registered[HandshakeType]{messageRows[i].typ, of(&messageRows[i]), ""})
	}
	return r
}

// New returns an empty message of type t, an [*UnknownMessage] for a type that
// this package does not decode further. It is never nil.
func New(t HandshakeType) Message {
	if fresh := freshMessages[t]; fresh != nil {
		return fresh()
	}
	return &UnknownMessage{HandshakeType: t}
}
