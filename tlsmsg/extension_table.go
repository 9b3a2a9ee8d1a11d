// The one table of extensions: what they are called, in which messages they are
// allowed, and what decodes and encodes them.

package tlsmsg

// places is a set of messages in which an extension is allowed.
type places uint8

const (
	client      places = 1 << iota // CH
	server                         // SH
	retry                          // HRR
	encrypted                      // EE
	certificate                    // CT
	request                        // CR
	ticket                         // NST
	unstated                       // a draft's, which does not say yet

	nowhere places = 0
)

// extensionRow is one extension.
type extensionRow struct {
	typ   ExtensionType
	name  string // as IANA spells it, or RFC 5246 and its like did
	alias string
	in13  places               // in TLS 1.3 (RFC 9846, section 4.3, and IANA's column of that name)
	in12  places               // before
	fresh func() ExtensionData // nil: it is not decoded further
}

// extensionRows are in the order of their numbers.
var extensionRows = [...]extensionRow{
	{0, "server_name", "", client | encrypted | request, client | server, freshData[ServerName]},
	{1, "max_fragment_length", "", client | encrypted, client | server, nil},
	{2, "client_certificate_url", "", nowhere, client | server, nil},
	{3, "trusted_ca_keys", "", nowhere, client | server, nil},
	{4, "truncated_hmac", "", nowhere, client | server, nil},
	{5, "status_request", "", client | request | certificate, client | server, freshData[StatusRequest]},
	{6, "user_mapping", "", nowhere, client | server, nil},
	{7, "client_authz", "", nowhere, client | server, nil},
	{8, "server_authz", "", nowhere, client | server, nil},
	{9, "cert_type", "", nowhere, client | server, nil},
	{10, "supported_groups", "elliptic_curves", client | encrypted, client, freshData[SupportedGroups]},
	{11, "ec_point_formats", "", nowhere, client | server, freshData[ECPointFormats]},
	{12, "srp", "", nowhere, client, nil},
	{13, "signature_algorithms", "", client | request, client, freshData[SignatureAlgorithms]},
	{14, "use_srtp", "", client | encrypted, client | server, nil},
	{15, "heartbeat", "", client | encrypted, client | server, nil},
	{16, "application_layer_protocol_negotiation", "alpn", client | encrypted, client | server, freshData[ALPN]},
	{17, "status_request_v2", "", nowhere, client | server, nil},
	{18, "signed_certificate_timestamp", "sct", client | request | certificate, client | server, freshData[SignedCertificateTimestamps]},
	{19, "client_certificate_type", "", client | encrypted, client | server, nil},
	{20, "server_certificate_type", "", client | encrypted, client | server, nil},
	{21, "padding", "", client, client, freshData[Padding]},
	{22, "encrypt_then_mac", "", nowhere, client | server, freshData[EncryptThenMAC]},
	{23, "extended_master_secret", "extended_main_secret", nowhere, client | server, freshData[ExtendedMasterSecret]}, // IANA's name is the other since RFC 9846
	{24, "token_binding", "", nowhere, client | server, nil},
	{25, "cached_info", "", nowhere, client | server, nil},
	{26, "tls_lts", "", nowhere, client | server, nil},
	{27, "compress_certificate", "", client | request, nowhere, freshData[CompressCertificate]},
	{28, "record_size_limit", "", client | encrypted, client | server, freshData[RecordSizeLimit]},
	{29, "pwd_protect", "", client, client, nil},
	{30, "pwd_clear", "", client, client, nil},
	{31, "password_salt", "", client | server | retry, client | server, nil},
	{32, "ticket_pinning", "", client | encrypted, nowhere, nil},
	{33, "tls_cert_with_extern_psk", "", client | server, nowhere, nil},
	{34, "delegated_credential", "", client | request | certificate, client | server, nil},
	{35, "session_ticket", "", nowhere, client | server, freshData[SessionTicket]},
	{36, "TLMSP", "", nowhere, client | server, nil},
	{37, "TLMSP_proxying", "", nowhere, client | server, nil},
	{38, "TLMSP_delegate", "", nowhere, client | server, nil},
	{39, "supported_ekt_ciphers", "", client | encrypted, client | server, nil},
	{41, "pre_shared_key", "", client | server, nowhere, freshData[PreSharedKey]},
	{42, "early_data", "", client | encrypted | ticket, nowhere, freshData[EarlyData]},
	{43, "supported_versions", "", client | server | retry, nowhere, freshData[SupportedVersions]},
	{44, "cookie", "", client | retry, nowhere, freshData[Cookie]},
	{45, "psk_key_exchange_modes", "", client, nowhere, freshData[PSKKeyExchangeModes]},
	{47, "certificate_authorities", "", client | request, nowhere, freshData[CertificateAuthorities]},
	{48, "oid_filters", "", request, nowhere, freshData[OIDFilters]},
	{49, "post_handshake_auth", "", client, nowhere, freshData[PostHandshakeAuth]},
	{50, "signature_algorithms_cert", "", client | request, client, freshData[SignatureAlgorithmsCert]},
	{51, "key_share", "", client | server | retry, nowhere, freshData[KeyShare]},
	{52, "transparency_info", "", client | request | certificate, client | server, nil},
	{53, "connection_id_deprecated", "", nowhere, client | server, nil},
	{54, "connection_id", "", client | server, client | server, nil},
	{55, "external_id_hash", "", client | encrypted, client | server, nil},
	{56, "external_session_id", "", client | encrypted, client | server, nil},
	{57, "quic_transport_parameters", "", client | encrypted, nowhere, nil},
	{58, "ticket_request", "", client | encrypted, nowhere, nil},
	{59, "dnssec_chain", "", client | certificate, client | server, nil},
	{60, "sequence_number_encryption_algorithms", "", unstated, unstated, nil},
	{61, "rrc", "", client | server, client | server, nil},
	{62, "tls_flags", "", unstated, unstated, nil},
	{13172, "next_protocol_negotiation", "", nowhere, client | server, nil},             // never registered
	{17513, "application_settings", "", client | encrypted, nowhere, nil},               // never registered
	{17613, "application_settings_new", "", client | encrypted, nowhere, nil},           // never registered
	{30032, "channel_id", "", client | encrypted, client | server, nil},                 // never registered
	{64768, "ech_outer_extensions", "", client, nowhere, freshData[ECHOuterExtensions]}, // RFC 9849
	{65037, "encrypted_client_hello", "ech", client | retry | encrypted, nowhere, freshData[EncryptedClientHello]},
	{65281, "renegotiation_info", "", nowhere, client | server, freshData[RenegotiationInfo]},
}

func freshData[T any, P interface {
	*T
	ExtensionData
}]() ExtensionData {
	return P(new(T))
}

// extensionTypes are the names of the table's rows.
var extensionTypes = func() (r registry[ExtensionType]) {
	for _, row := range extensionRows {
		r = append(r, registered[ExtensionType]{row.typ, row.name, row.alias})
	}
	return r
}()

// row returns the table's row, or nil.
func (t ExtensionType) row() *extensionRow {
	if i := extensionTypes.find(t); i >= 0 {
		return &extensionRows[i]
	}
	return nil
}

// NewExtensionData returns an empty typed view for t, or nil if this package
// has none.
func NewExtensionData(t ExtensionType) ExtensionData {
	if row := t.row(); row != nil && row.fresh != nil {
		return row.fresh()
	}
	return nil
}

// MayStandIn reports whether an extension is allowed in a message of a version
// (RFC 9846, section 4.3); in is TypeHelloRetryRequest for that. If it is not,
// the answer is the alert illegal_parameter. Known is false if nothing is
// registered for the extension: a receiver then goes by what it asked for.
//
// A ClientHello has no version yet: it may have the extensions of all versions.
func (t ExtensionType) MayStandIn(in HandshakeType, v Version) (may, known bool) {
	row := t.row()
	if row == nil || row.in13 == unstated {
		return false, false
	}
	allowed := row.in12
	switch {
	case in == TypeClientHello:
		allowed |= row.in13
	case Context{Version: v}.tls13():
		allowed = row.in13
	}
	return allowed&place(in) != 0, true
}

func place(in HandshakeType) places {
	switch in {
	case TypeClientHello:
		return client
	case TypeServerHello:
		return server
	case TypeHelloRetryRequest:
		return retry
	case TypeEncryptedExtensions:
		return encrypted
	case TypeCertificate:
		return certificate
	case TypeCertificateRequest:
		return request
	case TypeNewSessionTicket:
		return ticket
	}
	return nowhere
}
