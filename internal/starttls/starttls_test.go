package starttls

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/test/dialogue"
)

var someone = Identity{ServerName: "host.test", Host: "host.test", Port: 465,
	Local: netip.MustParseAddrPort("198.18.0.1:4321"), Remote: netip.MustParseAddrPort("198.18.0.2:25")}

// newMachine is a machine of a connection in a protocol.
func newMachine(t testing.TB, c Config) *Machine {
	t.Helper()
	c.Keep = true
	p, err := NewProfile(c)
	if err != nil {
		t.Fatal(err)
	}
	return NewMachine(p, someone)
}

// A turn is what the server says once it has heard the client.
type turn struct{ Client, Server string }

// good is a server of each protocol that agrees.
var good = func() map[string][]turn {
	all := map[string][]turn{}
	for name, turns := range dialogue.Good {
		for _, t := range turns {
			all[name] = append(all[name], turn(t))
		}
	}
	return all
}()

func mysqlServer(capabilities uint16) string { return dialogue.MySQL(capabilities) }

// said takes all that the machine has to say.
func said(m *Machine) string {
	b := string(m.Output())
	m.Sent(len(b))
	return b
}

// hear gives the machine octets, in pieces of a size, and returns what is left.
func hear(m *Machine, b string, piece int) string {
	var buf []byte
	for len(b) > 0 && m.Err() == nil {
		n := min(piece, len(b))
		buf, b = append(buf, b[:n]...), b[n:]
		buf = buf[m.Receive(buf):]
	}
	return string(buf) + b
}

// talk plays turns until the machine is done or has failed.
func talk(t *testing.T, m *Machine, turns []turn, piece int) (left string) {
	t.Helper()
	for _, turn := range turns {
		if got := said(m); got != turn.Client {
			t.Fatalf("said %q, want %q", got, turn.Client)
		}
		if turn.Server != "" {
			left = hear(m, turn.Server, piece)
		}
	}
	return left
}

func failure(t *testing.T, m *Machine) *Error {
	t.Helper()
	var e *Error
	if !errors.As(m.Err(), &e) {
		t.Fatalf("error %v, want an *Error", m.Err())
	}
	return e
}

func TestAgreesInEachProtocol(t *testing.T) {
	for _, name := range Names() {
		if good[name] == nil {
			t.Errorf("%s has no test", name)
		}
		for _, piece := range []int{1, 7, 1 << 16} {
			m := newMachine(t, Config{Protocol: name})
			left := talk(t, m, good[name], piece)
			if !m.Done() || m.Err() != nil || left != "" {
				t.Errorf("%s, %d octets at a time: done %v, error %v, left %q, waiting for %s", name, piece, m.Done(), m.Err(), left, m.Waiting())
			}
		}
	}
}

// What stands behind the agreement is nobody's: it is not taken, and named.
func TestPlaintextBehindTheAgreementIsNamed(t *testing.T) {
	for _, name := range Names() {
		m := newMachine(t, Config{Protocol: name})
		turns := append([]turn(nil), good[name]...)
		last := len(turns) - 1
		if turns[last].Server == "" {
			last--
		}
		turns[last].Server += "250 injected\r\n"
		left := talk(t, m, turns, 1<<16)
		if left != "250 injected\r\n" || !m.Done() {
			t.Errorf("%s: left %q, done %v (%v)", name, left, m.Done(), m.Err())
			continue
		}
		m.Behind([]byte(left))
		if e := failure(t, m); e.Kind != Injected || !strings.Contains(e.Error(), "injected") || m.Done() {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestAnEndBeforeTheAgreementIsNamed(t *testing.T) {
	for _, name := range Names() {
		for cut := range good[name] {
			if good[name][cut].Server == "" {
				continue
			}
			m := newMachine(t, Config{Protocol: name})
			talk(t, m, good[name][:cut], 1<<16)
			said(m)
			hear(m, good[name][cut].Server[:len(good[name][cut].Server)/2], 1<<16)
			m.EOF()
			if e := failure(t, m); e.Kind != Closed {
				t.Errorf("%s: %v, want %v", name, e, Closed)
			}
		}
	}
}

// How servers say no, and what of it an error tells.
func TestSaysHowAServerDoesNotAgree(t *testing.T) {
	for _, c := range []struct {
		protocol string
		turns    []turn
		kind     Kind
		text     string
	}{
		{"smtp", []turn{{"", "554 no\r\n"}}, Refused, `turns us away: "554 no"`},
		{"smtp", []turn{{"", "SSH-2.0-x\r\n"}}, Unexpected, `greets with "SSH-2.0-x"`},
		{"smtp", []turn{good["smtp"][0], {"EHLO [127.0.0.1]\r\n", "250-mail.test\r\n250-PIPELINING\r\n250 SIZE 1\r\n"}}, NotOffered, "does not offer STARTTLS: it offers PIPELINING, SIZE"},
		{"smtp", []turn{good["smtp"][0], {"EHLO [127.0.0.1]\r\n", "250-mail.test\r\n250 \x1b[31mred\r\n"}}, NotOffered, "it offers ?[31mred"},
		{"smtp", []turn{good["smtp"][0], {"EHLO [127.0.0.1]\r\n", "502 what\r\n"}}, NotOffered, `"502 what"`},
		{"smtp", []turn{good["smtp"][0], good["smtp"][1], {"STARTTLS\r\n", "454 4.7.0 TLS not \x1b[31mavailable\r\n"}}, Refused, `refuses STARTTLS: "454 4.7.0 TLS not \x1b[31mavailable"`},
		{"smtp", []turn{good["smtp"][0], good["smtp"][1], {"STARTTLS\r\n", "354 go on\r\n"}}, Unexpected, `neither yes nor no`},
		{"imap", []turn{{"", "* PREAUTH hello\r\n"}}, Refused, "PREAUTH"},
		{"imap", []turn{good["imap"][0], {"a1 CAPABILITY\r\n", "* CAPABILITY IMAP4rev1 IDLE\r\na1 OK\r\n"}}, NotOffered, "it offers IMAP4rev1, IDLE"},
		{"imap", []turn{good["imap"][0], good["imap"][1], {"a2 STARTTLS\r\n", "a2 NO later\r\n"}}, Refused, "a2 NO later"},
		{"imap", []turn{good["imap"][0], {"a1 CAPABILITY\r\n", "* BYE\r\n"}}, Refused, "BYE"},
		{"pop3", []turn{{"", "-ERR busy\r\n"}}, Refused, "-ERR busy"},
		{"pop3", []turn{good["pop3"][0], {"CAPA\r\n", "+OK\r\nUIDL\r\n.\r\n"}}, NotOffered, "does not offer STLS: it offers UIDL"},
		{"pop3", []turn{good["pop3"][0], {"CAPA\r\n", "-ERR\r\n"}, {"STLS\r\n", "-ERR no\r\n"}}, Refused, "-ERR no"},
		{"ftp", []turn{good["ftp"][0], {"FEAT\r\n", "211-Features:\r\n UTF8\r\n211 End\r\n"}}, NotOffered, "does not offer AUTH TLS: it offers UTF8"},
		{"ftp", []turn{good["ftp"][0], {"FEAT\r\n", "500 what\r\n"}, {"AUTH TLS\r\n", "530 login first\r\n"}}, Refused, "530 login first"},
		{"nntp", []turn{good["nntp"][0], good["nntp"][1], {"STARTTLS\r\n", "580 no\r\n"}}, Refused, "580 no"},
		{"nntp", []turn{good["nntp"][0], {"CAPABILITIES\r\n", "101\r\nVERSION 2\r\n.\r\n"}}, NotOffered, "VERSION"},
		{"sieve", []turn{{"", "\"SIEVE\" \"a\"\r\nOK\r\n"}}, NotOffered, "SIEVE"},
		{"sieve", []turn{good["sieve"][0], {"STARTTLS\r\n", "NO \"x\"\r\n"}}, Refused, "NO"},
		{"irc", []turn{{"STARTTLS\r\n", ":i 691 * :no certificate\r\n"}}, Refused, "691"},
		{"irc", []turn{{"STARTTLS\r\n", ":i 451 * :register first\r\n"}}, NotOffered, "451"},
		{"xmpp", []turn{{good["xmpp"][0].Client, "<stream:stream><stream:features><bind/></stream:features>"}}, NotOffered, "bind"},
		{"xmpp", []turn{{good["xmpp"][0].Client, "<stream:stream><stream:error><host-unknown xmlns='x'/></stream:error></stream:stream>"}}, Refused, "host-unknown"},
		{"xmpp", []turn{good["xmpp"][0], {good["xmpp"][1].Client, "<failure xmlns='x'/></stream:stream>"}}, Refused, "failure"},
		{"xmpp", []turn{{good["xmpp"][0].Client, "220 mail.test\r\n"}}, Unexpected, "220 mail.test"},
		{"ldap", []turn{{good["ldap"][0].Client, "\x30\x10\x02\x01\x01\x78\x0b\x0a\x01\x35\x04\x00\x04\x04busy"}}, Refused, `resultCode 53, unwillingToPerform ("busy")`},
		{"ldap", []turn{{good["ldap"][0].Client, "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"}}, NotOffered, "protocolError"},
		{"ldap", []turn{{good["ldap"][0].Client, "HTTP/1.1 400\r\n"}}, Unexpected, "HTTP"},
		{"postgres", []turn{{sslSaid, "\x15\x03\x01\x00\x02\x02\x46"}}, Unexpected, `\x15\x03`},
		{"postgres", []turn{{sslSaid, "N"}}, NotOffered, `"N"`},
		{"postgres", []turn{{sslSaid, "E\x00\x00\x00\x1cSFATAL\x00C53300\x00Mtoo many\x00\x00"}}, Refused, `SQLSTATE "53300" ("too many")`},
		{"mysql", []turn{{"", mysqlServer(0)}}, NotOffered, "8.0.1"},
		{"mysql", []turn{{"", "\x10\x00\x00\x00\xff\x10\x04Too many conn"}}, Refused, `error 1040 ("Too many conn")`},
		{"mysql", []turn{{"", "SSH-2.0-OpenSSH\r\n"}}, Unexpected, "SSH"},
		{"rdp", []turn{{good["rdp"][0].Client, "\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x03\x00\x08\x00\x03\x00\x00\x00"}}, Refused, "SSL_CERT_NOT_ON_SERVER"},
		{"rdp", []turn{{good["rdp"][0].Client, "\x03\x00\x00\x0b\x06\xd0\x00\x00\x12\x34\x00"}}, NotOffered, "its own encryption only"},
	} {
		for _, piece := range []int{1, 1 << 16} {
			m := newMachine(t, Config{Protocol: c.protocol})
			if piece == 1 && c.kind == Unexpected { // a binary protocol sees it sooner
				continue
			}
			talk(t, m, c.turns, piece)
			if m.Err() == nil {
				t.Errorf("%s: %q is taken for a yes", c.protocol, c.turns[len(c.turns)-1].Server)
				continue
			}
			if e := failure(t, m); e.Kind != c.kind || !strings.Contains(e.Error(), c.text) {
				t.Errorf("%s: %v %q, want %v with %q", c.protocol, e.Kind, e, c.kind, c.text)
			}
		}
	}
}

const sslSaid = "\x00\x00\x00\x08\x04\xd2\x16\x2f"

// No peer makes a machine keep or read without end.
func TestWhatAPeerSaysIsBounded(t *testing.T) {
	for _, name := range Names() {
		for _, endless := range []string{"220-a\r\n", "x", "* x y\r\n", "<a>", "\"a\"\r\n", ":i NOTICE x\r\n", "\x30\x84\xff\xff\xff\xff", "E\xff\xff\xff\xff", "250-a\r\n", "+OK\r\n", "\x00"} {
			m := newMachine(t, Config{Protocol: name})
			left, total := "", 0
			for m.Err() == nil && !m.Done() && total <= 2*maxTotal {
				said(m)
				chunk := strings.Repeat(endless, 1+4096/len(endless))
				total += len(chunk)
				left = hear(m, left+chunk, 1<<16)
				if len(left) > maxUnit+len(chunk) {
					t.Fatalf("%s: %d octets wait", name, len(left))
				}
			}
			if m.Err() == nil && !m.Done() {
				t.Errorf("%s takes %q without end", name, endless)
			}
			if len(m.Lines()) > maxHeard || len(m.words) > maxWords {
				t.Errorf("%s keeps %d lines and %d words", name, len(m.Lines()), len(m.words))
			}
		}
	}
}

// A header, a proxy and a protocol follow each other on one connection, and the
// greeting of the server behind the proxy may come with the proxy's agreement.
func TestStepsFollowEachOther(t *testing.T) {
	m := newMachine(t, Config{Header: 1, Proxy: &Proxy{Host: "p", Port: 1}, Protocol: "smtp"})
	turns := append([]turn{{"PROXY TCP4 198.18.0.1 198.18.0.2 4321 25\r\nCONNECT host.test:465 HTTP/1.1\r\nHost: host.test:465\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n220 hello\r\n"}}, good["smtp"][1:]...)
	talk(t, m, turns, 1<<16)
	if !m.Done() {
		t.Errorf("error %v, waiting for %s", m.Err(), m.Waiting())
	}
}

// Who has watched a dialogue of ours finds the same error, and none where the server
// agrees.
func TestAWatcherJudgesAsTheMachineDoes(t *testing.T) {
	watch := func(protocol string, turns []turn) (client, server []byte, err error) {
		m := newMachine(t, Config{Protocol: protocol})
		for _, turn := range turns {
			client = append(client, said(m)...)
			server = append(server, turn.Server...)
			m.Behind([]byte(hear(m, turn.Server, 1<<16)))
		}
		m.EOF()
		return client, server, m.Err()
	}
	for _, name := range Names() {
		if client, server, _ := watch(name, good[name]); Judge(client, server) != nil {
			t.Errorf("%s: %v, of one that agrees", name, Judge(client, server))
		}
		no := append([]turn(nil), good[name]...)
		last := len(no) - 1
		if no[last].Server == "" {
			last--
		}
		no[last].Server += "injected"
		for cut := 1; cut <= len(no); cut++ {
			client, server, err := watch(name, no[:cut])
			var own *Error
			if errors.As(err, &own); len(client) == 0 || name == "mysql" || own.Kind == Closed {
				continue
			}
			if e := Judge(client, server); err == nil || e == nil || e.Error() != err.Error() {
				t.Errorf("%s, %d turns: %v, want %v", name, cut, e, err)
			}
		}
	}
	for protocol, turns := range map[string][]turn{
		"smtp": {good["smtp"][0], {good["smtp"][1].Client, "250 SIZE\r\n"}}, "ldap": {{good["ldap"][0].Client, "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"}},
		"imap": {good["imap"][0], good["imap"][1], {good["imap"][2].Client, "a2 NO later\r\n"}}, "postgres": {{sslSaid, "N"}},
	} {
		client, server, err := watch(protocol, turns)
		if e := Judge(client, server); err == nil || e == nil || e.Error() != err.Error() {
			t.Errorf("%s: %v, want %v", protocol, e, err)
		}
	}
	if e := Judge([]byte("GET / HTTP/1.0\r\n\r\n"), []byte("HTTP/1.0 200 OK\r\n\r\n")); e != nil {
		t.Errorf("of HTTP: %v", e)
	}
}

// What passes is told in order, by its place in the stream, and without passwords.
func TestTellsWhatPasses(t *testing.T) {
	var streams [2]bytes.Buffer
	id := someone
	begins := 0
	id.Events = func(event Event) {
		e, ok := event.(Said)
		if !ok {
			begins++
			return
		}
		s := &streams[0]
		if !e.Sent {
			s = &streams[1]
		}
		if e.Offset != int64(s.Len()) || e.End-e.Offset != int64(len(e.Raw)) {
			t.Errorf("octets %d to %d, after %d", e.Offset, e.End, s.Len())
		}
		s.Write(e.Raw)
	}
	p, err := NewProfile(Config{Proxy: &Proxy{User: "me", Password: "secret", Authenticate: true}, Protocol: "pop3"})
	if err != nil {
		t.Fatal(err)
	}
	m := NewMachine(p, id)
	said(m)
	hear(m, "HTTP/1.1 200 OK\r\n\r\n", 3)
	talk(t, m, good["pop3"], 5)
	if ours, theirs := m.Octets(); ours != int64(streams[0].Len()) || theirs != int64(streams[1].Len()) || theirs == 0 {
		t.Errorf("%d and %d octets, told of %d and %d", ours, theirs, streams[0].Len(), streams[1].Len())
	}
	m.Behind(nil)
	m.Behind(nil)
	if begins != 1 {
		t.Errorf("TLS begins %d times", begins)
	}
	if got := streams[0].String(); strings.Contains(got, "bWU6c2VjcmV0") || !strings.Contains(got, "Basic ****") {
		t.Errorf("told %q", got)
	}
}

// Whatever a peer says, in whatever pieces, a machine neither panics nor takes more
// than there is.
func FuzzMachine(f *testing.F) {
	for i, name := range Names() {
		var all string
		for _, t := range good[name] {
			all += t.Server
		}
		f.Add(uint8(i), uint8(3), []byte(all))
	}
	f.Fuzz(func(t *testing.T, which, piece uint8, b []byte) {
		c := Config{Protocol: Names()[int(which)%len(Names())], Keep: true}
		switch which >> 6 {
		case 1:
			c.Proxy = &Proxy{}
		case 2:
			c.Proxy = &Proxy{SOCKS: true, User: "u", Password: "p", Authenticate: true}
		}
		m := newMachine(t, c)
		var buf []byte
		for len(b) > 0 && m.Err() == nil && !m.Done() {
			said(m)
			n := min(int(piece)+1, len(b))
			buf, b = append(buf, b[:n]...), b[n:]
			taken := m.Receive(buf)
			if taken < 0 || taken > len(buf) {
				t.Fatalf("took %d of %d octets", taken, len(buf))
			}
			buf = buf[taken:]
		}
		m.EOF()
		if err := m.Err(); err != nil && err.Error() == "" || m.Waiting() == "" {
			t.Errorf("error %q, waiting for %q after %q", err, m.Waiting(), m.After())
		}
		m.Behind(buf)
		if e := Judge(buf, b); e != nil && e.Error() == "" {
			t.Error("an error without words")
		}
		Recognize(b)
	})
}
