// Tables of numbers and names, and looking them up.

package tlsmsg

import "strconv"

// A registry is a table of numbers and names, sorted by number.
type registry[T ~uint8 | ~uint16] []registered[T]

// registered is one line of a registry.
type registered[T ~uint8 | ~uint16] struct {
	number T
	name   string // as the registry or RFC 5246 spells it
	alias  string // OpenSSL's usual name, or empty
}

// name returns the registered name of v, or "".
func (r registry[T]) name(v T) string {
	if i := r.find(v); i >= 0 {
		return r[i].name
	}
	return ""
}

// find returns the position of v, or -1.
func (r registry[T]) find(v T) int {
	// Every field of a message looks names up: a hand-written search takes a
	// third of the time of one that calls a function for each step.
	first, end := 0, len(r)
	for first < end {
		if middle := int(uint(first+end) / 2); r[middle].number < v {
			first = middle + 1
		} else {
			end = middle
		}
	}
	if first == len(r) || r[first].number != v {
		return -1
	}
	return first
}

func (r registry[T]) decimal(v T) string {
	if s := r.name(v); s != "" {
		return s
	}
	return strconv.Itoa(int(v))
}

func (r registry[T]) hex(v T) string {
	if s := r.name(v); s != "" {
		return s
	}
	return hex16(uint16(v))
}

// hex16 writes v as 0xC02B.
func hex16(v uint16) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{'0', 'x', digits[v>>12], digits[v>>8&15], digits[v>>4&15], digits[v&15]})
}

// isGREASE reports whether v is one of the sixteen values 0x0A0A, 0x1A1A, …
// 0xFAFA that RFC 8701 reserves in the registries of 16-bit numbers.
func isGREASE[T ~uint16](v T) bool {
	return v&0x0F0F == 0x0A0A && v>>8 == v&0xFF
}

// grease names a GREASE value: "GREASE (0x0A0A)".
func grease[T ~uint16](v T) string { return "GREASE (" + hex16(uint16(v)) + ")" }

// String returns the registered name, or the number in decimal.
func (t ContentType) String() string { return contentTypes.decimal(t) }

// String returns the registered name, or the number in decimal.
func (t HandshakeType) String() string { return handshakeTypes.decimal(t) }

// String returns the registered name, or the number in decimal.
func (m CompressionMethod) String() string { return compressionMethods.decimal(m) }

// String returns the registered name, or the number in decimal.
func (f ECPointFormat) String() string { return ecPointFormats.decimal(f) }

// String returns the registered name, or the number in decimal.
func (t ECCurveType) String() string { return ecCurveTypes.decimal(t) }

// String returns the registered name, or the number in decimal.
func (t ClientCertificateType) String() string { return clientCertificateTypes.decimal(t) }

// String returns the registered name, or the number in decimal.
func (l AlertLevel) String() string { return alertLevels.decimal(l) }

// String returns the registered name, or the number in decimal.
func (d AlertDescription) String() string { return alertDescriptions.decimal(d) }

// String returns the registered name, or the number in decimal.
func (t NameType) String() string { return nameTypes.decimal(t) }

// String returns the registered name, or the number in decimal.
func (t CertificateStatusType) String() string { return certificateStatusTypes.decimal(t) }

// String returns the registered name, or the number in decimal.
func (r KeyUpdateRequest) String() string { return keyUpdateRequests.decimal(r) }

// String returns the registered name, or the number in decimal.
func (t ECHClientHelloType) String() string { return echClientHelloTypes.decimal(t) }

// String returns the registered name, or the number in hexadecimal.
func (k HPKEKEM) String() string { return hpkeKEMs.hex(k) }

// String returns the registered name, or the number in hexadecimal.
func (k HPKEKDF) String() string { return hpkeKDFs.hex(k) }

// String returns the registered name, or the number in hexadecimal.
func (a HPKEAEAD) String() string { return hpkeAEADs.hex(a) }

// String returns the registered name, or the number in decimal.
func (a CertificateCompressionAlgorithm) String() string {
	return certificateCompressionAlgorithms.decimal(a)
}

// String names a mode; the registry sets 0x0B, 0x2A, 0x49, … 0xE4 aside for
// GREASE (RFC 8701, section 3).
func (m PSKKeyExchangeMode) String() string {
	if m%0x1F == 0x0B && m <= 0xE4 {
		return "GREASE (" + strconv.Itoa(int(m)) + ")"
	}
	return pskKeyExchangeModes.decimal(m)
}

// String returns the name in prose, "TLS 1.2".
func (v Version) String() string {
	switch {
	case isGREASE(v):
		return grease(v)
	case v>>8 == draft13: // RFC 8446's drafts, by number
		return "TLS 1.3 draft " + strconv.Itoa(int(v&0xFF))
	}
	return versions.hex(v)
}

// String returns IANA's name, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256.
func (s CipherSuite) String() string {
	if isGREASE(s) {
		return grease(s)
	}
	return cipherSuites.hex(s)
}

// String returns the registered name, that of a GREASE value (RFC 8701), or the number
// in decimal.
func (t ExtensionType) String() string {
	if isGREASE(t) {
		return grease(t)
	}
	return extensionTypes.decimal(t)
}

// String returns the registered name, that of a GREASE value (RFC 8701), or the number
// in decimal.
func (g NamedGroup) String() string {
	if isGREASE(g) {
		return grease(g)
	}
	return namedGroups.decimal(g)
}

// String returns the name of a scheme (RFC 9846, section 4.3.3). A pair of RFC
// 5246's HashAlgorithm and SignatureAlgorithm that never became a scheme is
// named by its halves: "dsa_sha256".
func (s SignatureScheme) String() string {
	if isGREASE(s) {
		return grease(s)
	}
	if name := signatureSchemes.name(s); name != "" {
		return name
	}
	hash := hashAlgorithms.name(uint8(s >> 8))
	signature := signatureAlgorithms.name(uint8(s))
	if hash == "" || signature == "" {
		return hex16(uint16(s))
	}
	return signature + "_" + hash
}

// Heading returns a message's name as RFC 5246 writes it in its headings,
// ClientHello; for an unknown type "HandshakeType 99".
func (t HandshakeType) Heading() string {
	if s := headings.name(t); s != "" {
		return s
	}
	return "HandshakeType " + strconv.Itoa(int(t))
}

// Heading returns the name of a content type's protocol or only message as RFC
// 5246 writes it in its headings: ChangeCipherSpec, Alert, Handshake,
// ApplicationData; for an unknown type "ContentType 99".
func (t ContentType) Heading() string {
	switch t {
	case ContentChangeCipherSpec:
		return "ChangeCipherSpec"
	case ContentAlert:
		return "Alert"
	case ContentHandshake:
		return "Handshake"
	case ContentApplicationData:
		return "ApplicationData"
	case ContentHeartbeat:
		return "Heartbeat"
	}
	return "ContentType " + strconv.Itoa(int(t))
}
