// What a proxy is asked: CONNECT of HTTP (RFC 9110, section 9.3.6), and SOCKS 5
// (RFC 1928, RFC 1929). A name is passed on as it is: the proxy looks it up.

package starttls

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/netip"
)

// httpConnect asks an HTTP proxy.
func httpConnect(p *Proxy) []step {
	credentials, secret := "", ""
	if p.Authenticate {
		secret = base64.StdEncoding.EncodeToString([]byte(p.User + ":" + p.Password))
		credentials = "Proxy-Authorization: Basic " + secret + "\r\n"
	}
	ask := func(m *Machine) []byte {
		at := m.id.hostPort()
		return []byte("CONNECT " + at + " HTTP/1.1\r\nHost: " + at + "\r\n" + credentials + "\r\n")
	}
	return []step{
		{asks: "CONNECT", say: ask, unit: statusLength, judge: judge(connected).line, secret: []byte(secret)},
		{asks: "CONNECT", unit: lineLength, judge: judge(header).line},
	}
}

const httpVersion = "HTTP/1."

// statusLength is the length of a status line, or of what is none.
func statusLength(b []byte) int {
	if n := min(len(b), len(httpVersion)); string(b[:n]) != httpVersion[:n] {
		return len(b)
	}
	return lineLength(b)
}

// header reads the rest of the head of a reply that agrees, which has no body,
// whatever its head says.
func header(_ *Machine, line []byte) verdict {
	if len(line) == 0 {
		return next
	}
	return more
}

// connected reads the status of the proxy's reply.
func connected(m *Machine, line []byte) verdict {
	const status = len(httpVersion + "1 ")
	if len(line) < status+3 || string(line[:len(httpVersion)]) != httpVersion {
		return m.fail(Unexpected, line)
	}
	switch code := string(line[status : status+3]); {
	case code[0] == '2':
		return next
	case code == "407":
		return m.deny(line, "")
	}
	return m.fail(Refused, line)
}

const (
	socksVersion     = 5
	socksNone        = 0    // no authentication
	socksPassword    = 2    // user and password
	socksNoneFits    = 0xff // none of those that were offered
	socksAuthVersion = 1

	socksIPv4 = 1
	socksName = 3
	socksIPv6 = 4
)

// socks5 asks a SOCKS proxy.
func socks5(p *Proxy) []step {
	hello := []byte{socksVersion, 1, socksNone}
	steps := []step{{asks: "the SOCKS greeting", say: func(*Machine) []byte { return hello }, unit: fixed(2), judge: socksMethod}}
	if p.Authenticate {
		hello = []byte{socksVersion, 2, socksNone, socksPassword}
		auth := append([]byte{socksAuthVersion, byte(len(p.User))}, p.User...)
		auth = append(append(auth, byte(len(p.Password))), p.Password...)
		steps = append(steps, step{asks: "user and password", say: func(*Machine) []byte { return auth }, unit: fixed(2), judge: socksAuthenticated, secret: []byte(p.Password)})
	}
	return append(steps, step{asks: "SOCKS CONNECT", say: socksRequest, unit: socksLength, judge: socksReply})
}

func fixed(n int) func([]byte) int { return func([]byte) int { return n } }

func socksMethod(m *Machine, b []byte) verdict {
	offered := m.p.steps[m.at+1].asks != "SOCKS CONNECT" // user and password
	switch {
	case b[0] != socksVersion:
		return m.fail(Unexpected, b)
	case b[1] == socksNone && offered:
		return skip
	case b[1] == socksNone, b[1] == socksPassword && offered:
		return next
	case b[1] == socksNoneFits:
		return m.deny(nil, "none of the ways to authenticate that were offered")
	}
	return m.fail(Unexpected, b)
}

func socksAuthenticated(m *Machine, b []byte) verdict {
	switch {
	case b[0] != socksAuthVersion:
		return m.fail(Unexpected, b)
	case b[1] != 0:
		return m.deny(nil, fmt.Sprintf("status %d", b[1]))
	}
	return next
}

func socksRequest(m *Machine) []byte {
	b := []byte{socksVersion, 1, 0}
	a, err := netip.ParseAddr(m.id.Host)
	switch {
	case err == nil && a.Unmap().Is4():
		b = append(append(b, socksIPv4), a.Unmap().AsSlice()...)
	case err == nil:
		b = append(append(b, socksIPv6), a.AsSlice()...)
	default:
		name := m.id.Host[:min(len(m.id.Host), 255)]
		b = append(append(b, socksName, byte(len(name))), name...)
	}
	return binary.BigEndian.AppendUint16(b, m.id.Port)
}

// socksLength is the length of a reply, which ends with an address.
func socksLength(b []byte) int {
	const head, port = 4, 2
	if len(b) > 1 && (b[0] != socksVersion || b[1] != 0) { // the address of a refusal may be anything, or not there
		return 2
	}
	if len(b) <= head {
		return 0
	}
	switch b[3] {
	case socksIPv4:
		return head + 4 + port
	case socksIPv6:
		return head + 16 + port
	case socksName:
		return head + 1 + int(b[head]) + port
	}
	return head
}

var socksErrors = []string{"", "general failure", "not allowed by its rules", "network unreachable", "host unreachable",
	"connection refused", "TTL expired", "command not supported", "address type not supported"}

func socksReply(m *Machine, b []byte) verdict {
	switch {
	case b[0] != socksVersion:
		return m.fail(Unexpected, b)
	case b[1] != 0 && int(b[1]) < len(socksErrors):
		return m.failCode(Refused, nil, fmt.Sprintf("%s (reply %d)", socksErrors[b[1]], b[1]))
	case b[1] != 0:
		return m.failCode(Refused, nil, fmt.Sprintf("reply %d", b[1]))
	case len(b) == 4: // an unknown kind of address
		return m.fail(Unexpected, b)
	}
	return next
}
