// The protocols in which TLS is asked for: what is said, and what is waited
// for.

package starttls

import (
	"slices"
)

// A Dialect is a protocol in which TLS may begin later.
type Dialect struct {
	Name  string // as an option spells it
	Title string // as an observer calls what was agreed on
	Port  uint16 // where it is spoken, if nobody says otherwise

	Direct uint16 // where it is spoken under TLS from the first byte; 0: nowhere in particular

	server string // as in "the SMTP server"
	asks   string // what is asked for
	steps  []step
}

// helo is the name that we give in EHLO: an address stands for a client without a
// name of its own (RFC 5321, section 4.1.3), and nobody need know which.
const helo = "[127.0.0.1]"

// dialects are all of them. Where a server lists what it can do, it is asked for
// TLS only if TLS is in the list.
var dialects = []Dialect{
	{"smtp", "SMTP STARTTLS", 25, 465, "SMTP", "STARTTLS", mail("EHLO")},
	{"lmtp", "LMTP STARTTLS", 24, 0, "LMTP", "STARTTLS", mail("LHLO")},
	{"imap", "IMAP STARTTLS", 143, 993, "IMAP", "STARTTLS", []step{
		greeting(untagged),
		command("a1 CAPABILITY", tagged("a1", "STARTTLS")),
		command("a2 STARTTLS", tagged("a2", "")),
	}},
	{"pop3", "POP3 STLS", 110, 995, "POP3", "STLS", []step{
		greeting(dotted("+OK", "-ERR", "")),
		command("CAPA", dotted("+OK", "-ERR", "STLS")),
		command("STLS", dotted("+OK", "-ERR", "")),
	}},
	{"ftp", "FTP AUTH TLS", 21, 990, "FTP", "AUTH TLS", []step{
		greeting(coded("", "220")),
		command("FEAT", coded("AUTH", "211")),
		command("AUTH TLS", coded("", "234", "334")),
	}},
	{"xmpp", "XMPP STARTTLS", 5222, 5223, "XMPP", "STARTTLS", xmpp("jabber:client")},
	{"xmpp-server", "XMPP STARTTLS", 5269, 5270, "XMPP", "STARTTLS", xmpp("jabber:server")},
	{"ldap", "LDAP StartTLS", 389, 636, "LDAP", "StartTLS", []step{
		message("the StartTLS request", startTLSRequest, ldapLength, ldapResponse),
	}},
	{"postgres", "PostgreSQL SSLRequest", 5432, 0, "PostgreSQL", "TLS", []step{
		message("SSLRequest", sslRequest, postgresLength, postgresAnswer),
	}},
	{"mysql", "MySQL TLS", 3306, 0, "MySQL", "TLS", []step{
		message("", nil, mysqlLength, mysqlGreeting),
		message("SSLRequest", mysqlRequest, nil, nil),
	}},
	{"nntp", "NNTP STARTTLS", 119, 563, "NNTP", "STARTTLS", []step{
		greeting(coded("", "200", "201")),
		command("CAPABILITIES", dotted("101", "5", "STARTTLS")),
		command("STARTTLS", coded("", "382")),
	}},
	{"sieve", "Sieve STARTTLS", 4190, 0, "ManageSieve", "STARTTLS", []step{
		greeting(sieve("STARTTLS")),
		command("STARTTLS", sieve("")),
	}},
	{"irc", "IRC STARTTLS", 6667, 6697, "IRC", "STARTTLS", []step{
		command("STARTTLS", irc),
	}},
	{"rdp", "RDP X.224", 3389, 0, "RDP", "TLS", []step{
		message("the connection request", x224Request, tpktLength, x224Confirm),
	}},
}

// mail is SMTP and LMTP (RFC 3207, RFC 2033), which differ in a word.
func mail(hello string) []step {
	return []step{
		greeting(coded("", "220")),
		command(hello+" "+helo, coded("STARTTLS", "250")),
		command("STARTTLS", coded("", "220")),
	}
}

// Names are the protocols as an option spells them.
func Names() []string {
	names := make([]string, len(dialects))
	for i := range dialects {
		names[i] = dialects[i].Name
	}
	return names
}

// Find returns a protocol by its name.
func Find(name string) (d Dialect, ok bool) { return find(name) }

func find(name string) (d Dialect, ok bool) {
	i := slices.IndexFunc(dialects, func(d Dialect) bool { return d.Name == name })
	if i < 0 {
		return d, false
	}
	return dialects[i], true
}
