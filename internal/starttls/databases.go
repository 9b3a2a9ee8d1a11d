// PostgreSQL and MySQL ask for TLS by a message of their own.

package starttls

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// sslRequest is PostgreSQL's (its manual, "SSL Session Encryption").
func sslRequest(*Machine) []byte { return []byte("\x00\x00\x00\x08\x04\xd2\x16\x2f") }

// postgresLength is that of its answer: one octet, or an ErrorResponse.
func postgresLength(b []byte) int {
	switch {
	case len(b) == 0:
		return 0
	case b[0] == 'S' || b[0] == 'N':
		return 1
	case b[0] != 'E': // all of it tells best what it is
		return len(b)
	case len(b) < 5:
		return 0
	}
	return 1 + int(min(binary.BigEndian.Uint32(b[1:]), maxUnit))
}

func postgresAnswer(m *Machine, unit []byte) verdict {
	switch unit[0] {
	case 'S':
		return next
	case 'N':
		return m.fail(NotOffered, unit)
	case 'E':
		return m.failCode(Refused, postgresField(unit, 'M'), postgresCode(unit))
	}
	return m.fail(Unexpected, unit)
}

// postgresField is a field of an ErrorResponse.
func postgresField(unit []byte, kind byte) []byte {
	for _, f := range bytes.Split(unit[min(5, len(unit)):], []byte{0}) {
		if len(f) > 0 && f[0] == kind {
			return f[1:]
		}
	}
	return nil
}

func postgresCode(unit []byte) string {
	code := postgresField(unit, 'C')
	if len(code) != 5 {
		return "an error"
	}
	return fmt.Sprintf("SQLSTATE %q", code)
}

// Capabilities of MySQL (its manual, "Capabilities Flags").
const (
	mysqlLongPassword = 1
	mysqlProtocol41   = 0x200
	mysqlSSL          = 0x800
	mysqlSecure       = 0x8000
	mysqlPluginAuth   = 0x80000
)

// mysqlLength is the length of a packet: three octets of length, one of number. What
// would be long is another protocol's.
func mysqlLength(b []byte) int {
	if len(b) < 4 {
		return 0
	}
	n := 4 + int(b[0]) + int(b[1])<<8 + int(b[2])<<16
	if n > maxUnit {
		return len(b)
	}
	return n
}

// mysqlGreeting reads the server's greeting, or an error in its place.
func mysqlGreeting(m *Machine, unit []byte) verdict {
	const errPacket, version10, salt = 0xff, 10, 4 + 8 + 1
	p := unit[4:]
	switch {
	case len(p) >= 3 && p[0] == errPacket:
		return m.failCode(Refused, p[3:], fmt.Sprintf("error %d", binary.LittleEndian.Uint16(p[1:])))
	case len(p) == 0 || p[0] != version10 || unit[3] != 0:
		return m.fail(Unexpected, unit)
	}
	version, rest, ok := bytes.Cut(p[1:], []byte{0})
	if !ok || len(rest) < salt+2 {
		return m.fail(Unexpected, unit)
	}
	m.keep(version)
	if binary.LittleEndian.Uint16(rest[salt:])&mysqlSSL == 0 {
		return m.fail(NotOffered, version)
	}
	return next
}

// mysqlRequest asks for TLS. The server says nothing to it.
func mysqlRequest(*Machine) []byte {
	const length, maxPacket, utf8mb4 = 32, 1 << 24, 45
	b := []byte{length, 0, 0, 1}
	b = binary.LittleEndian.AppendUint32(b, mysqlLongPassword|mysqlProtocol41|mysqlSSL|mysqlSecure|mysqlPluginAuth)
	b = binary.LittleEndian.AppendUint32(b, maxPacket)
	return append(b, append([]byte{utf8mb4}, make([]byte, length-9)...)...)
}
