// RDP asks for TLS in its first packet (MS-RDPBCGR, section 2.2.1.1).

package starttls

import (
	"encoding/binary"
	"fmt"
)

const (
	tpktLen = 4 // of a TPKT header
	x224Len = 7 // of an X.224 connection request or confirm
	rdpLen  = 8 // of what RDP adds to them
)

// Kinds of what RDP adds.
const (
	rdpRequest  = 1
	rdpResponse = 2
	rdpFailure  = 3
)

// x224Request asks for TLS, or CredSSP, which stands above TLS.
func x224Request(*Machine) []byte {
	const request, protocols = 0xe0, 1 | 2
	b := []byte{3, 0, 0, tpktLen + x224Len + rdpLen, x224Len - 1 + rdpLen, request, 0, 0, 0, 0, 0}
	b = append(b, rdpRequest, 0, rdpLen, 0)
	return binary.LittleEndian.AppendUint32(b, protocols)
}

// tpktLength is the length of a TPKT packet (RFC 1006).
func tpktLength(b []byte) int {
	switch {
	case len(b) > 0 && b[0] != 3:
		return len(b)
	case len(b) < tpktLen:
		return 0
	}
	return max(int(binary.BigEndian.Uint16(b[2:])), tpktLen)
}

var rdpFailures = []string{"", "SSL_REQUIRED_BY_SERVER", "SSL_NOT_ALLOWED_BY_SERVER", "SSL_CERT_NOT_ON_SERVER", "INCONSISTENT_FLAGS", "HYBRID_REQUIRED_BY_SERVER",
	"SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER"}

func x224Confirm(m *Machine, unit []byte) verdict {
	const confirm = 0xd0
	if len(unit) < tpktLen+x224Len || unit[0] != 3 || unit[5]&0xf0 != confirm {
		return m.fail(Unexpected, unit)
	}
	added := unit[tpktLen+x224Len:]
	if len(added) < rdpLen { // a server that knows nothing but RDP's own encryption
		return m.failCode(NotOffered, nil, "its own encryption only")
	}
	switch value := binary.LittleEndian.Uint32(added[4:]); {
	case added[0] == rdpResponse && value == 0:
		return m.failCode(NotOffered, nil, "its own encryption only")
	case added[0] == rdpResponse:
		return next
	case added[0] == rdpFailure && value > 0 && value < uint32(len(rdpFailures)):
		return m.failCode(Refused, nil, fmt.Sprintf("%s (%d)", rdpFailures[value], value))
	case added[0] == rdpFailure:
		return m.failCode(Refused, nil, fmt.Sprintf("failure %d", value))
	}
	return m.fail(Unexpected, unit)
}
