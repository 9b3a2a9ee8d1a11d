// Recognizes a protocol by the first octets of its server.

package starttls

import (
	"bytes"
)

// A Banner is a protocol that was recognized where TLS was expected.
type Banner struct {
	Protocol string   // as in "SMTP is spoken on this port"
	Names    []string // by which an option reaches TLS behind it; none: it has no such way
}

// banners are tried in this order.
var banners = []struct {
	begins, holds string
	Banner
}{
	{"HTTP/", "", Banner{"HTTP without TLS", nil}},
	{"SSH-", "", Banner{"SSH", nil}},
	{"* OK", "", Banner{"IMAP", []string{"imap"}}},
	{"* PREAUTH", "", Banner{"IMAP", []string{"imap"}}},
	{"* BYE", "", Banner{"IMAP", []string{"imap"}}},
	{"+OK", "", Banner{"POP3", []string{"pop3"}}},
	{"220", "LMTP", Banner{"LMTP", []string{"lmtp"}}},
	{"220", "SMTP", Banner{"SMTP", []string{"smtp"}}},
	{"554", "SMTP", Banner{"SMTP", []string{"smtp"}}},
	{"220", "FTP", Banner{"FTP", []string{"ftp"}}},
	{"220", "", Banner{"SMTP or FTP", []string{"smtp", "ftp"}}},
	{"421 ", "", Banner{"SMTP or FTP", []string{"smtp", "ftp"}}},
	{"200 ", "", Banner{"NNTP", []string{"nntp"}}},
	{"201 ", "", Banner{"NNTP", []string{"nntp"}}},
	{"\"IMPLEMENTATION\"", "", Banner{"ManageSieve", []string{"sieve"}}},
	{"<?xml", "jabber:server", Banner{"XMPP", []string{"xmpp-server"}}},
	{"<stream:", "jabber:server", Banner{"XMPP", []string{"xmpp-server"}}},
	{"<?xml", "stream", Banner{"XMPP", []string{"xmpp"}}},
	{"<stream:", "", Banner{"XMPP", []string{"xmpp"}}},
	{":", " NOTICE ", Banner{"IRC", []string{"irc"}}},
	{"NOTICE ", "", Banner{"IRC", []string{"irc"}}},
	{"ERROR :", "", Banner{"IRC", []string{"irc"}}},
	{"E\x00\x00", "SFATAL\x00", Banner{"PostgreSQL", []string{"postgres"}}},
	{"EFATAL", "", Banner{"PostgreSQL", []string{"postgres"}}},
	{"\x03\x00\x00", "", Banner{"RDP", []string{"rdp"}}},
	{"0", "1.3.6.1.4.1.1466.20036", Banner{"LDAP", []string{"ldap"}}},
	{"RFB ", "", Banner{"VNC", nil}},
	{"AMQP", "", Banner{"AMQP without TLS", nil}},
	{"-ERR", "", Banner{"POP3 or Redis", []string{"pop3"}}},
	{"\x05\xff", "", Banner{"SOCKS 5", nil}},
}

// Recognize finds the protocol whose server begins so.
func Recognize(first []byte) (b Banner, ok bool) {
	for i := range banners {
		if p := &banners[i]; bytes.HasPrefix(first, []byte(p.begins)) && bytes.Contains(first, []byte(p.holds)) {
			return p.Banner, true
		}
	}
	if isMySQL(first) {
		return Banner{"MySQL", []string{"mysql"}}, true
	}
	return b, false
}

// isMySQL recognizes MySQL's greeting, and its errors in the place of one.
func isMySQL(b []byte) bool {
	const errPacket, version10 = 0xff, 10
	return len(b) > 5 && b[2] == 0 && b[3] == 0 && (b[4] == version10 || b[4] == errPacket) && int(b[0])|int(b[1])<<8 >= len("5.5")
}

// OfPort finds the protocol that is usually spoken on a port, of those whose client
// speaks first: their servers are silent until they are asked.
func OfPort(port uint16) (d Dialect, ok bool) {
	for _, d := range dialects {
		if d.Port == port && d.steps[0].asks != "" {
			return d, true
		}
	}
	return d, false
}
