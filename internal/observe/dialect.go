// The protocols in which TLS may begin later, such as SMTP with STARTTLS.

package observe

import (
	"bytes"
	"encoding/binary"
	"regexp"
)

// A dialect is a protocol in which TLS may begin later: what its client sends
// last before TLS, and what its server answers.
type dialect struct {
	name   string
	asks   func(said []byte) bool // by the client's last octets before TLS
	agrees func(said []byte) bool // by the server's; nil: it sends nothing
}

// dialects are tried in this order.
var dialects = []dialect{
	{"LMTP STARTTLS", matches(`(?is)(?:^|\n)LHLO .*\nSTARTTLS[ \t]*\r?\n$`), reply(`220[ -].*`)},
	{"SMTP STARTTLS", line(`STARTTLS`), reply(`220[ -].*`)},
	{"NNTP STARTTLS", line(`STARTTLS`), reply(`382.*`)},
	{"Sieve STARTTLS", line(`STARTTLS`), reply(`OK.*`)},
	{"IRC STARTTLS", line(`STARTTLS`), reply(`(:\S+ )?670 .*`)},
	{"IMAP STARTTLS", line(`\S+ STARTTLS`), reply(`\S+ OK.*`)},
	{"POP3 STLS", line(`STLS`), reply(`\+OK.*`)},
	{"FTP AUTH TLS", line(`AUTH (TLS|SSL|TLS-C|TLS-P)`), reply(`[23]34.*`)},
	{"XMPP STARTTLS", matches(`<starttls[^<]*(/>|</starttls>)\s*$`), matches(`<(\w+:)?proceed[^<]*(/>|</(\w+:)?proceed>)\s*$`)},
	{"HTTP CONNECT", matches(`(?:^|\n)CONNECT \S+ HTTP/1\.\d\r?\n(?:[^\r\n]+\r?\n)*\r?\n$`), matches(`(?:^|\n)HTTP/1\.\d 2\d\d[^\n]*\n(?:[^\r\n]+\r?\n)*\r?\n`)},
	{"HTTP Upgrade", matches(`(?i)\nUpgrade:[^\n]*\bTLS/1[^\n]*\n`), matches(`(?:^|\n)HTTP/1\.1 101 [^\n]*\n(?:[^\r\n]+\r?\n)*\r?\n$`)},
	{"LDAP StartTLS", contains("1.3.6.1.4.1.1466.20037"), matches(`(?s)\x78[^\x0a]{1,5}\x0a\x01\x00`)},
	{"MySQL TLS", asksMySQL, matches(`(?s)^...\x00\x0a`)},
	{"PostgreSQL SSLRequest", endsWith("\x00\x00\x00\x08\x04\xd2\x16\x2f"), endsWith("S")},
	{tdsTLS, asksTDS, agreesTDS},
	{"RDP X.224", isX224(0xe0), agreesRDP},
	{"SOCKS 5", matches(`(?s)\x05\x01\x00[\x01\x03\x04].+$`), matches(`(?s)\x05\x00\x00[\x01\x03\x04].+$`)},
	{"SOCKS 4", matches(`(?s)\x04\x01.{6}.*\x00$`), matches(`(?s)\x00\x5a.{6}$`)},
	{"PROXY version 1", line(`PROXY (TCP4|TCP6|UNKNOWN).*`), nil},
	{"PROXY version 2", isProxy2, nil},
	{"AMQP TLS", endsWith("AMQP\x02\x01\x00\x00"), endsWith("AMQP\x02\x01\x00\x00")},
	{"TELNET START_TLS", contains("\xff\xfa\x2e\x01\xff\xf0"), contains("\xff\xfa\x2e\x01\xff\xf0")},
}

// agreed finds the dialect in which both sides have agreed on TLS. asked
// reports whether the client has asked for it in any.
func agreed(client, server []byte) (d *dialect, asked bool) {
	for i := range dialects {
		d := &dialects[i]
		if !d.asks(client) {
			continue
		}
		asked = true
		if d.agrees == nil || d.agrees(server) {
			return d, true
		}
	}
	return nil, asked
}

// askedFor names the dialect in which a client has asked for TLS last, or "". Several
// have the same words.
func askedFor(client []byte) (title string) {
	for i := range dialects {
		if d := &dialects[i]; d.asks(client) && d.agrees != nil {
			return d.name
		}
	}
	return ""
}

func matches(pattern string) func([]byte) bool { return regexp.MustCompile(pattern).Match }
func contains(s string) func([]byte) bool {
	return func(b []byte) bool { return bytes.Contains(b, []byte(s)) }
}
func endsWith(s string) func([]byte) bool {
	return func(b []byte) bool { return bytes.HasSuffix(b, []byte(s)) }
}

// line matches the last line, in upper or lower case.
func line(pattern string) func([]byte) bool {
	return matches(`(?i)(?:^|\n)` + pattern + `[ \t]*\r?\n$`)
}

// reply matches the last line of a server, which may come in lower case.
func reply(pattern string) func([]byte) bool { return line(pattern) }

// asksMySQL recognizes an SSLRequest: a handshake response of 32 bytes whose
// capabilities say CLIENT_SSL.
func asksMySQL(b []byte) bool {
	const length, ssl = 32, 0x800
	if len(b) != 4+length {
		return false
	}
	return b[0] == length && b[1] == 0 && b[2] == 0 && binary.LittleEndian.Uint32(b[4:])&ssl != 0
}

// isX224 recognizes a TPKT packet with a connection request (0xe0) or confirm
// (0xd0) of X.224. A regular expression would not do, since it reads UTF-8.
func isX224(kind byte) func([]byte) bool {
	return func(b []byte) bool { return len(b) >= 11 && b[0] == 3 && b[1] == 0 && b[5]&0xf0 == kind }
}

// agreesRDP recognizes the answer that chooses TLS, or a protocol above TLS.
func agreesRDP(b []byte) bool {
	const response, size = 2, 8
	n := len(b) - size
	return isX224(0xd0)(b) && n >= 11 && b[n] == response && b[n+2] == size && b[n+4] != 0
}

var proxy2 = []byte("\r\n\r\n\x00\r\nQUIT\n")

// proxy2Len is the length of the PROXY header of version 2 at the beginning of
// b, or 0.
func proxy2Len(b []byte) int {
	if len(b) < 16 || !bytes.HasPrefix(b, proxy2) {
		return 0
	}
	return 16 + int(binary.BigEndian.Uint16(b[14:]))
}

func isProxy2(b []byte) bool { return len(b) > 0 && proxy2Len(b) == len(b) }

// isHTTP reports whether a client's first octets are a request of HTTP/1 that
// asks for neither a tunnel nor TLS: what follows is its body, whatever it
// looks like.
var isHTTP = matches(`^(GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|TRACE|[A-Z-]{3,20}) \S+ HTTP/1\.`)
