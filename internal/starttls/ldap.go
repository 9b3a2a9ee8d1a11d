// LDAP asks for TLS by an extended operation (RFC 4511, section 4.14).

package starttls

import (
	"fmt"
)

// message says the messages of a binary protocol, and waits for one.
func message(asks string, say func(*Machine) []byte, length func([]byte) int, judge func(*Machine, []byte) verdict) step {
	return step{asks: asks, say: say, unit: length, judge: judge}
}

const startTLS = "1.3.6.1.4.1.1466.20037"

// startTLSRequest is message 1: an ExtendedRequest with the name of StartTLS.
func startTLSRequest(*Machine) []byte {
	const sequence, integer, request, name = 0x30, 0x02, 0x77, 0x80
	b := []byte{sequence, byte(3 + 2 + 2 + len(startTLS)), integer, 1, 1, request, byte(2 + len(startTLS)), name, byte(len(startTLS))}
	return append(b, startTLS...)
}

// ldapLength is the length of an LDAPMessage in BER. What is none, or too long, is
// longer than anything that is taken.
func ldapLength(b []byte) int {
	if len(b) > 0 && b[0] != 0x30 {
		return len(b)
	}
	_, _, size, ok := berHead(b)
	if !ok {
		return 0
	}
	return size
}

// berHead reads an element's tag and length: where its content begins, and how
// long the element is.
func berHead(b []byte) (tag byte, content, size int, ok bool) {
	if len(b) < 2 {
		return 0, 0, 0, false
	}
	n := int(b[1])
	if n < 0x80 {
		return b[0], 2, 2 + n, true
	}
	octets := n & 0x7f
	if octets == 0 || octets > 4 {
		return b[0], 2, maxUnit + 1, true
	}
	if len(b) < 2+octets {
		return 0, 0, 0, false
	}
	n = 0
	for _, v := range b[2 : 2+octets] {
		if n = n<<8 | int(v); n > maxUnit {
			return b[0], 2 + octets, maxUnit + 1, true
		}
	}
	return b[0], 2 + octets, 2 + octets + n, true
}

// ber takes an element off b; content is nil if it is not whole.
func ber(b []byte) (tag byte, content, rest []byte) {
	tag, at, size, ok := berHead(b)
	if !ok || size > len(b) {
		return 0, nil, nil
	}
	return tag, b[at:size:size], b[size:]
}

// resultCodes are those that an ExtendedResponse may have here (RFC 4511, appendix
// A).
var resultCodes = map[byte]string{1: "operationsError", 2: "protocolError", 3: "timeLimitExceeded", 7: "authMethodNotSupported", 8: "strongerAuthRequired",
	10: "referral", 11: "adminLimitExceeded", 12: "unavailableCriticalExtension", 13: "confidentialityRequired", 48: "inappropriateAuthentication",
	50: "insufficientAccessRights", 51: "busy", 52: "unavailable", 53: "unwillingToPerform", 80: "other"}

func ldapResponse(m *Machine, unit []byte) verdict {
	const integer, enumerated, response = 0x02, 0x0a, 0x78
	_, content, _ := ber(unit)
	tag, id, rest := ber(content)
	if tag != integer || len(id) == 0 {
		return m.fail(Unexpected, unit)
	}
	tag, content, _ = ber(rest)
	if tag != response {
		return m.fail(Unexpected, unit)
	}
	tag, code, rest := ber(content)
	if tag != enumerated || len(code) != 1 {
		return m.fail(Unexpected, unit)
	}
	_, _, rest = ber(rest) // matchedDN
	_, diagnostic, _ := ber(rest)
	switch name, ok := resultCodes[code[0]]; {
	case code[0] == 0:
		return next
	case code[0] == 2: // how a server says that it knows no such operation
		return m.failCode(NotOffered, diagnostic, "resultCode 2, protocolError")
	case ok:
		return m.failCode(Refused, diagnostic, fmt.Sprintf("resultCode %d, %s", code[0], name))
	}
	return m.failCode(Refused, diagnostic, fmt.Sprintf("resultCode %d", code[0]))
}
