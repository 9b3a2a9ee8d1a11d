// The smaller registries. Spelling is IANA's, which for what RFC 5246 defines
// is that of its enums; names that only RFC 5246 or a predecessor has are kept
// under their number.

package tlsmsg

// RFC 5246, section 6.2.1, and its successors in the registry.
var contentTypes = registry[ContentType]{
	{20, "change_cipher_spec", ""},
	{21, "alert", ""},
	{22, "handshake", ""},
	{23, "application_data", ""},
	{24, "heartbeat", ""},                // RFC 6520
	{25, "tls12_cid", ""},                // RFC 9146
	{26, "ACK", ""},                      // RFC 9147
	{27, "return_routability_check", ""}, // RFC 9853
}

var versions = registry[Version]{
	{0x0002, "SSL 2.0", "ssl2"},
	{0x0300, "SSL 3.0", "ssl3"},
	{0x0301, "TLS 1.0", "tls1"},
	{0x0302, "TLS 1.1", "tls1_1"},
	{0x0303, "TLS 1.2", "tls1_2"},
	{0x0304, "TLS 1.3", "tls1_3"},
	{0xFEFC, "DTLS 1.3", "dtls1_3"},
	{0xFEFD, "DTLS 1.2", "dtls1_2"},
	{0xFEFF, "DTLS 1.0", "dtls1"},
}

var compressionMethods = registry[CompressionMethod]{
	{0, "null", ""},
	{1, "DEFLATE", ""}, // RFC 3749
	{64, "LZS", ""},    // RFC 3943
}

// RFC 8422, section 5.1.2.
var ecPointFormats = registry[ECPointFormat]{
	{0, "uncompressed", ""},
	{1, "ansiX962_compressed_prime", ""},
	{2, "ansiX962_compressed_char2", ""},
}

// RFC 8422, section 5.4.
var ecCurveTypes = registry[ECCurveType]{
	{1, "explicit_prime", ""},
	{2, "explicit_char2", ""},
	{3, "named_curve", ""},
}

var clientCertificateTypes = registry[ClientCertificateType]{
	{1, "rsa_sign", ""},
	{2, "dss_sign", ""},
	{3, "rsa_fixed_dh", ""},
	{4, "dss_fixed_dh", ""},
	{5, "rsa_ephemeral_dh", ""},
	{6, "dss_ephemeral_dh", ""},
	{20, "fortezza_dms", ""},
	{64, "ecdsa_sign", ""}, // RFC 8422
	{65, "rsa_fixed_ecdh", ""},
	{66, "ecdsa_fixed_ecdh", ""},
	{67, "gost_sign256", ""}, // RFC 9189
	{68, "gost_sign512", ""},
}

// RFC 5246, section 7.2.
var alertLevels = registry[AlertLevel]{
	{1, "warning", ""},
	{2, "fatal", ""},
}

var alertDescriptions = registry[AlertDescription]{
	{0, "close_notify", ""},
	{1, "end_of_early_data", ""}, // drafts of RFC 8446
	{10, "unexpected_message", ""},
	{20, "bad_record_mac", ""},
	{21, "decryption_failed", ""}, // TLS 1.0
	{22, "record_overflow", ""},
	{30, "decompression_failure", ""},
	{40, "handshake_failure", ""},
	{41, "no_certificate", ""}, // SSL 3.0
	{42, "bad_certificate", ""},
	{43, "unsupported_certificate", ""},
	{44, "certificate_revoked", ""},
	{45, "certificate_expired", ""},
	{46, "certificate_unknown", ""},
	{47, "illegal_parameter", ""},
	{48, "unknown_ca", ""},
	{49, "access_denied", ""},
	{50, "decode_error", ""},
	{51, "decrypt_error", ""},
	{52, "too_many_cids_requested", ""}, // RFC 9147
	{60, "export_restriction", ""},      // TLS 1.0
	{70, "protocol_version", ""},
	{71, "insufficient_security", ""},
	{80, "internal_error", ""},
	{86, "inappropriate_fallback", ""}, // RFC 7507
	{90, "user_canceled", ""},
	{100, "no_renegotiation", ""},
	{109, "missing_extension", ""}, // RFC 8446
	{110, "unsupported_extension", ""},
	{111, "certificate_unobtainable", ""}, // RFC 6066
	{112, "unrecognized_name", ""},
	{113, "bad_certificate_status_response", ""},
	{114, "bad_certificate_hash_value", ""},
	{115, "unknown_psk_identity", ""},    // RFC 4279
	{116, "certificate_required", ""},    // RFC 8446
	{117, "general_error", ""},           // RFC 9846
	{120, "no_application_protocol", ""}, // RFC 7301
	{121, "ech_required", ""},            // RFC 9849
}

var nameTypes = registry[NameType]{{0, "host_name", ""}}

var certificateStatusTypes = registry[CertificateStatusType]{
	{1, "ocsp", ""},
	{2, "ocsp_multi", ""}, // RFC 6961
}

var pskKeyExchangeModes = registry[PSKKeyExchangeMode]{
	{0, "psk_ke", ""},
	{1, "psk_dhe_ke", ""},
}

var keyUpdateRequests = registry[KeyUpdateRequest]{
	{0, "update_not_requested", ""},
	{1, "update_requested", ""},
}

// RFC 8879, section 7.3.
var certificateCompressionAlgorithms = registry[CertificateCompressionAlgorithm]{
	{1, "zlib", ""},
	{2, "brotli", ""},
	{3, "zstd", ""},
}

var echClientHelloTypes = registry[ECHClientHelloType]{{0, "outer", ""}, {1, "inner", ""}}

// IANA, "HPKE" (RFC 9180, section 7).
var (
	hpkeKEMs = registry[HPKEKEM]{
		{0x0010, "DHKEM(P-256, HKDF-SHA256)", ""},
		{0x0011, "DHKEM(P-384, HKDF-SHA384)", ""},
		{0x0012, "DHKEM(P-521, HKDF-SHA512)", ""},
		{0x0020, "DHKEM(X25519, HKDF-SHA256)", ""},
		{0x0021, "DHKEM(X448, HKDF-SHA512)", ""},
		{0x0040, "ML-KEM-512", ""},
		{0x0041, "ML-KEM-768", ""},
		{0x0042, "ML-KEM-1024", ""},
		{0x0050, "MLKEM768-P256", ""},
		{0x0051, "MLKEM1024-P384", ""},
		{0x647A, "MLKEM768-X25519", "X-Wing"},
	}
	hpkeKDFs = registry[HPKEKDF]{
		{1, "HKDF-SHA256", ""},
		{2, "HKDF-SHA384", ""},
		{3, "HKDF-SHA512", ""},
	}
	hpkeAEADs = registry[HPKEAEAD]{
		{1, "AES-128-GCM", ""},
		{2, "AES-256-GCM", ""},
		{3, "ChaCha20Poly1305", ""},
		{0xFFFF, "Export-only", ""},
	}
)

// RFC 5246, section 7.4.1.4.1: the two halves of what became SignatureScheme.
var (
	hashAlgorithms = registry[uint8]{
		{0, "none", ""}, {1, "md5", ""}, {2, "sha1", ""}, {3, "sha224", ""},
		{4, "sha256", ""}, {5, "sha384", ""}, {6, "sha512", ""},
	}
	signatureAlgorithms = registry[uint8]{
		{0, "anonymous", ""}, {1, "rsa_pkcs1", ""}, {2, "dsa", ""}, {3, "ecdsa", ""},
	}
)
