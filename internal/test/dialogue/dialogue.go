// Package dialogue has what servers of each protocol say before TLS, for tests: of
// the machine that speaks with them, of the observer, and of the commands.
package dialogue

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// A Turn is what the server says once it has heard the client.
type Turn struct{ Client, Server string }

// Good is a server of each protocol that agrees.
var Good = map[string][]Turn{
	"smtp": {{"", "220-mail.test\r\n220 ESMTP\r\n"}, {"EHLO [127.0.0.1]\r\n", "250-mail.test\r\n250-PIPELINING\r\n250-starttls\r\n250 SIZE 100\r\n"}, {"STARTTLS\r\n", "220 go ahead\r\n"}},
	"lmtp": {{"", "220 mail.test LMTP\r\n"}, {"LHLO [127.0.0.1]\r\n", "250-mail.test\r\n250 STARTTLS\r\n"}, {"STARTTLS\r\n", "220 2.0.0 go ahead\r\n"}},
	"imap": {{"", "* OK [CAPABILITY IMAP4rev1] ready\r\n"}, {"a1 CAPABILITY\r\n", "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na1 OK done\r\n"}, {"a2 STARTTLS\r\n", "* OK by the way\r\na2 OK begin\r\n"}},
	"pop3": {{"", "+OK ready\r\n"}, {"CAPA\r\n", "+OK list\r\nUIDL\r\nSTLS\r\n.\r\n"}, {"STLS\r\n", "+OK begin\r\n"}},
	"ftp":  {{"", "220 (vsFTPd)\r\n"}, {"FEAT\r\n", "211-Features:\r\n AUTH TLS\r\n UTF8\r\n211 End\r\n"}, {"AUTH TLS\r\n", "234 Proceed\r\n"}},
	"xmpp": {{"<?xml version='1.0'?><stream:stream to='host.test' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>",
		"<?xml version='1.0'?><stream:stream id='>' from=\"host.test\"><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls><mechanisms><mechanism>PLAIN</mechanism></mechanisms></stream:features>"},
		{"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"}},
	"xmpp-server": {{"<?xml version='1.0'?><stream:stream to='host.test' xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>",
		"<stream:stream id='1'><stream:features><starttls/></stream:features>"},
		{"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'></proceed>"}},
	"ldap":     {{"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037", "\x30\x24\x02\x01\x01\x78\x1f\x0a\x01\x00\x04\x00\x04\x00\x8a\x161.3.6.1.4.1.1466.20037"}},
	"postgres": {{"\x00\x00\x00\x08\x04\xd2\x16\x2f", "S"}},
	"mysql":    {{"", MySQL(mysqlSSL)}, {mysqlSaid, ""}},
	"nntp":     {{"", "201 ready\r\n"}, {"CAPABILITIES\r\n", "101 list\r\nVERSION 2\r\nSTARTTLS\r\n.\r\n"}, {"STARTTLS\r\n", "382 begin\r\n"}},
	"sieve":    {{"", "\"IMPLEMENTATION\" \"x\"\r\n\"SIEVE\" \"fileinto\"\r\n\"STARTTLS\"\r\nOK \"ready\"\r\n"}, {"STARTTLS\r\n", "OK \"begin\"\r\n"}},
	"irc":      {{"STARTTLS\r\n", ":irc.test NOTICE * :*** Looking up\r\n:irc.test 670 * :STARTTLS successful\r\n"}},
	"rdp":      {{"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00", "\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x1f\x08\x00\x02\x00\x00\x00"}},
}

// mysqlSSL is MySQL's capability of TLS, and mysqlSaid what asks for it.
const mysqlSSL = 0x800

var mysqlSaid = "\x20\x00\x00\x01\x01\x8a\x08\x00\x00\x00\x00\x01\x2d" + strings.Repeat("\x00", 23)

// MySQL is a greeting with some capabilities.
func MySQL(capabilities uint16) string {
	p := "\x0a8.0.1\x00" + "\x01\x00\x00\x00" + "12345678\x00" + string([]byte{byte(capabilities), byte(capabilities >> 8)}) + "\x2d\x02\x00\xff\xff"
	return string([]byte{byte(len(p)), 0, 0, 0}) + p
}

// Host is the name that the client has for the server in Good.
const Host = "host.test"

// Play takes the server's part, for a client that has another name for it.
func Play(c io.ReadWriter, turns []Turn, host string) error {
	for _, turn := range turns {
		want := []byte(strings.ReplaceAll(turn.Client, Host, host))
		got := make([]byte, len(want))
		if _, err := io.ReadFull(c, got); err != nil {
			return fmt.Errorf("the client said no more than %q: %w", got, err)
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("the client said %q, want %q", got, want)
		}
		if _, err := io.WriteString(c, turn.Server); err != nil {
			return err
		}
	}
	return nil
}
