package explain

import (
	"crypto/tls"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
)

var (
	mysqlGreeting = "\x4a\x00\x00\x00\x0a8.0.36\x00" + strings.Repeat("\x21", 65)
	mysqlAsks     = "\x20\x00\x00\x01\x05\xae\xff\x19\x00\x00\x00\x01\xff" + strings.Repeat("\x00", 23)
	ldapAsks      = "\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
	ldapAgrees    = "\x30\x24\x02\x01\x01\x78\x1f\x0a\x01\x00\x04\x00\x04\x00\x8a\x161.3.6.1.4.1.1466.20037"
	rdpAsks       = "\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00"
	rdpAgrees     = "\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x1f\x08\x00\x02\x00\x00\x00"
	proxy2        = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc6\x12\x00\x01\xc6\x12\x00\x02\x9c\x40\x01\xbb"
)

// preambles are what is said before TLS, in each protocol.
var preambles = []struct {
	name string // of the dialect, or "" where none is known
	said []said
}{
	{"SMTP STARTTLS", []said{{in, "220 mail.example ESMTP\r\n"}, {out, "EHLO me\r\n"}, {in, "250-mail.example\r\n250 STARTTLS\r\n"}, {out, "STARTTLS\r\n"}, {in, "220 2.0.0 Ready\r\n"}}},
	{"LMTP STARTTLS", []said{{in, "220 lmtp.example LMTP\r\n"}, {out, "LHLO me\r\n"}, {in, "250 STARTTLS\r\n"}, {out, "starttls\r\n"}, {in, "220 go\r\n"}}},
	{"IMAP STARTTLS", []said{{in, "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"}, {out, "a1 STARTTLS\r\n"}, {in, "a1 OK Begin TLS negotiation now.\r\n"}}},
	{"POP3 STLS", []said{{in, "+OK hello\r\n"}, {out, "CAPA\r\n"}, {in, "+OK\r\nSTLS\r\n.\r\n"}, {out, "STLS\r\n"}, {in, "+OK Begin TLS\r\n"}}},
	{"FTP AUTH TLS", []said{{in, "220 (vsFTPd)\r\n"}, {out, "AUTH TLS\r\n"}, {in, "234 Proceed with negotiation.\r\n"}}},
	{"NNTP STARTTLS", []said{{in, "200 news\r\n"}, {out, "STARTTLS\r\n"}, {in, "382 Continue with TLS negotiation\r\n"}}},
	{"Sieve STARTTLS", []said{{in, "\"IMPLEMENTATION\" \"x\"\r\n\"STARTTLS\"\r\nOK \"ready\"\r\n"}, {out, "STARTTLS\r\n"}, {in, "OK \"Begin TLS\"\r\n"}}},
	{"IRC STARTTLS", []said{{out, "STARTTLS\r\n"}, {in, ":irc.example 670 * :STARTTLS successful\r\n"}}},
	{"XMPP STARTTLS", []said{{out, "<?xml version='1.0'?><stream:stream to='x'>"}, {in, "<stream:stream from='x'><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"},
		{out, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"}, {in, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"}}},
	{"LDAP StartTLS", []said{{out, ldapAsks}, {in, ldapAgrees}}},
	{"MySQL TLS", []said{{in, mysqlGreeting}, {out, mysqlAsks}}},
	{"PostgreSQL SSLRequest", []said{{out, "\x00\x00\x00\x08\x04\xd2\x16\x2f"}, {in, "S"}}},
	{"PostgreSQL SSLRequest", []said{{out, "\x00\x00\x00\x08\x04\xd2\x16\x30"}, {in, "N"}, {out, "\x00\x00\x00\x08\x04\xd2\x16\x2f"}, {in, "S"}}},
	{"RDP X.224", []said{{out, rdpAsks}, {in, rdpAgrees}}},
	{"HTTP CONNECT", []said{{out, "CONNECT made.example:443 HTTP/1.1\r\nHost: made.example\r\n\r\n"}, {in, "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n"}}},
	{"HTTP CONNECT", []said{{out, "CONNECT made.example:443 HTTP/1.1\r\n\r\n"}, {in, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"},
		{out, "CONNECT made.example:443 HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\n\r\n"}, {in, "HTTP/1.0 200 OK\r\n\r\n"}}},
	{"HTTP Upgrade", []said{{out, "OPTIONS * HTTP/1.1\r\nUpgrade: TLS/1.2\r\nConnection: Upgrade\r\n\r\n"}, {in, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: TLS/1.2, HTTP/1.1\r\n\r\n"}}},
	{"SOCKS 5", []said{{out, "\x05\x01\x00"}, {in, "\x05\x00"}, {out, "\x05\x01\x00\x03\x0cmade.example\x01\xbb"}, {in, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"}}},
	{"SOCKS 4", []said{{out, "\x04\x01\x01\xbb\xc6\x12\x00\x02me\x00"}, {in, "\x00\x5a\x00\x00\x00\x00\x00\x00"}}},
	{"AMQP TLS", []said{{out, "AMQP\x02\x01\x00\x00"}, {in, "AMQP\x02\x01\x00\x00"}}},
	{"PROXY version 1", []said{{out, "PROXY TCP4 198.18.0.1 198.18.0.2 40000 443\r\n"}}},
	{"PROXY version 2", []said{{out, proxy2}}},
	{"", []said{{out, "tls, please\n"}, {in, "as you wish\n"}}},
	{"", []said{{in, "\x01\x02\x03 who are you?"}, {out, "\x00\xff\x16x"}, {in, "\x00"}}},
}

// TLS that begins later in a stream is found, is decrypted as any other, and has
// what was said before it in the ladder; the list has the name.
func TestTLSIsFoundBehindWhatIsSaidBefore(t *testing.T) {
	dialogue, keys := shake(t, tls.VersionTLS12)
	for i, tc := range preambles {
		for _, joined := range []bool{false, true} {
			talk := append(append([]said{}, tc.said...), dialogue...)
			if last := &talk[len(tc.said)-1]; joined && last.dir == out { // the ClientHello comes in the same segment
				last.data += dialogue[0].data
				talk = append(talk[:len(tc.said)], dialogue[1:]...)
			} else if joined && tc.name == "" {
				continue
			} else if joined { // or before the server has agreed
				talk[len(tc.said)-1], talk[len(tc.said)] = talk[len(tc.said)], talk[len(tc.said)-1]
			}
			path := newMade().open().talk(talk).close().file(t, keys)
			list, ladder, r := events(t, path, Options{})
			begins := named(list, "tls_begins")
			if !readBoth(list) || !r.Transcript.Result().OK || len(begins) != 1 || !strings.Contains(begins[0], tc.name) || len(named(list, "not_tls")) > 0 {
				t.Errorf("%d, %s (joined: %v): %q:\n%s", i, tc.name, joined, begins, ladder)
			}
			if name := r.Matching[0].ServerName; name != "made.example" {
				t.Errorf("%d, %s (joined: %v): the list has the name %q", i, tc.name, joined, name)
			}
			for _, s := range tc.said {
				first := strings.TrimRight(strings.SplitN(s.data, "\n", 2)[0], "\r")
				if len(first) > 3 && !strings.Contains(ladder, plain.Escape(first)[:min(len(plain.Escape(first)), 20)]) {
					t.Errorf("%d, %s: the ladder does not have %q:\n%s", i, tc.name, first, ladder)
				}
			}
		}
	}
}

// What looks like a ClientHello in the middle of something else is no TLS, unless
// the server answers it as TLS does.
func TestAClientHelloInsideOfSomethingElseIsNone(t *testing.T) {
	dialogue, _ := shake(t, tls.VersionTLS12)
	hello, answer := dialogue[0].data, dialogue[1].data
	for name, talk := range map[string][]said{
		"in the body of a request":    {{out, fmt.Sprintf("POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n", len(hello))}, {out, hello}, {in, "HTTP/1.1 200 OK\r\n\r\n"}},
		"in the segment of a request": {{out, "POST / HTTP/1.1\r\n\r\n" + hello + "\n" + hello}, {in, "HTTP/1.1 200 OK\r\n\r\n"}},
		"in the body, never answered": {{out, "PUT /x HTTP/1.1\r\n\r\n"}, {out, hello}},
		"in the body of an answer":    {{out, "GET / HTTP/1.1\r\n\r\n"}, {in, "HTTP/1.1 200 OK\r\n\r\n"}, {in, hello}, {in, answer}},
		"in both bodies":              {{out, "POST / HTTP/1.1\r\n\r\n"}, {out, hello}, {in, "HTTP/1.1 200 OK\r\n\r\n"}, {in, answer}},
		"answered in text":            {{out, "blob\n"}, {out, hello}, {in, "thank you\n"}, {out, "bye\n"}},
		"echoed":                      {{out, "echo\n"}, {in, "echo\n"}, {out, hello}, {in, hello}},
	} {
		list, ladder, r := events(t, newMade().open().talk(talk).close().file(t, nil), Options{})
		for _, e := range list {
			if e.Record != nil || e.Message != nil {
				t.Errorf("%s: TLS is seen:\n%s", name, ladder)
				break
			}
		}
		if res := r.Transcript.Result(); res.OK || res.Outcome != "not_tls" || len(named(list, "tls_begins")) > 0 {
			t.Errorf("%s: %+v\n%s", name, res, ladder)
		}
	}
}

// Where a server denies what a client asks for, that is the reason why there is no
// TLS, whatever they say to each other afterwards.
func TestATLSThatIsDeniedIsNamed(t *testing.T) {
	for name, tc := range map[string]struct {
		talk       []said
		code, text string
	}{
		"SMTP":           {[]said{{in, "220 x\r\n"}, {out, "EHLO me\r\n"}, {in, "250 STARTTLS\r\n"}, {out, "STARTTLS\r\n"}, {in, "454 not now\r\n"}, {out, "QUIT\r\n"}, {in, "221 bye\r\n"}}, "starttls_refused", `the server refuses STARTTLS: "454 not now"`},
		"POP3":           {[]said{{in, "+OK\r\n"}, {out, "STLS\r\n"}, {in, "-ERR no\r\n"}}, "starttls_refused", `the server refuses STLS: "-ERR no"`},
		"PostgreSQL":     {[]said{{out, "\x00\x00\x00\x08\x04\xd2\x16\x2f"}, {in, "N"}}, "starttls_not_offered", `the PostgreSQL server does not offer TLS`},
		"our own client": {[]said{{in, "220 x\r\n"}, {out, "EHLO [127.0.0.1]\r\n"}, {in, "250-x\r\n250 SIZE\r\n"}}, "starttls_not_offered", "it offers SIZE"},
		"a proxy":        {[]said{{out, "CONNECT a.example:443 HTTP/1.1\r\nHost: a\r\n\r\n"}, {in, "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"}}, "proxy_refused", `the proxy refuses HTTP CONNECT: "HTTP/1.1 503 Busy"`},
		"after a yes":    {[]said{{in, "220 x\r\n"}, {out, "STARTTLS\r\n"}, {in, "220 go\r\n"}, {out, "QUIT\r\n"}, {in, "221 bye\r\n"}}, "not_tls", ""},
	} {
		_, ladder, r := events(t, newMade().open().talk(tc.talk).close().file(t, nil), Options{})
		res := r.Transcript.Result()
		if len(res.Reasons) != 1 || res.Reasons[0].Code != tc.code || !strings.Contains(res.Error, tc.text) || res.OK {
			t.Errorf("%s: %+v, want %s\n%s", name, res, tc.code, ladder)
		}
	}
}

// OpenSSL's s_server took this one, of a client written for it: both Finished are
// made of the hello without its header.
func TestAHandshakeThatBeginsInSSL2sFormIsDecrypted(t *testing.T) {
	list, ladder, r := events(t, filepath.Join("testdata", "ssl2-hello.pcap"), Options{})
	if res := r.Transcript.Result(); !res.OK || res.CipherSuite != tlsmsg.TLS_RSA_WITH_AES_128_CBC_SHA256 || len(named(list, "handshake_finished")) != 1 {
		t.Errorf("%+v\n%s", res, ladder)
	}
}

// Sending what looks like a ClientHello again and again costs no more than
// sending anything else: after a while nothing is looked up any more.
func TestManyDoubtsEnd(t *testing.T) {
	dialogue, _ := shake(t, tls.VersionTLS12)
	talk := []said{{out, "text\n"}}
	for range 200 {
		talk = append(talk, said{out, dialogue[0].data}, said{in, "what?\n"})
	}
	list, _, r := events(t, newMade().open().talk(append(talk, dialogue...)).close().file(t, nil), Options{})
	if len(named(list, "tls_begins")) > 0 || r.Transcript.Result().Outcome != "not_tls" {
		t.Errorf("%+v", r.Transcript.Result())
	}
}

// Text before TLS comes from the network, and does nothing to a terminal.
func TestAPreambleIsEscaped(t *testing.T) {
	talk := []said{{in, "220 \x1b[31mred\u202e\x9b\r\n" + strings.Repeat("250-x\r\n", 200)}, {out, "QUIT\r\n"}}
	_, ladder, _ := events(t, newMade().open().talk(talk).close().file(t, nil), Options{})
	if strings.ContainsAny(ladder, "\x1b\u202e\r") || strings.Contains(ladder, "\x9b") || !strings.Contains(ladder, `\x1b[31mred`) || strings.Count(ladder, "250-x") > 60 {
		t.Errorf("%q", ladder)
	}
}

// A capture that begins inside a record is followed from the next credible
// record on, wherever that begins.
func TestACaptureThatBeginsInsideARecordIsFollowed(t *testing.T) {
	record := func(n int) string {
		return string(tlsmsg.AppendRecord(nil, tlsmsg.Record{Type: tlsmsg.ContentApplicationData, Version: tlsmsg.VersionTLS12, Fragment: []byte(strings.Repeat("\xa5", n))}))
	}
	whole := record(5000) + record(700) + record(16000) + record(30) + record(2000)
	for _, dir := range []transcript.Dir{out, in} {
		for _, from := range []int{1, 3, 5, 6, 1000, 4999, 5004, 5100, 6000, 20000} {
			list, ladder, r := events(t, newMade().say(dir, whole[from:]).file(t, nil), Options{})
			want, at := 0, 0
			for _, n := range []int{5000, 700, 16000, 30, 2000} {
				if at >= from {
					want++
				}
				at += n + 5
			}
			records := 0
			for _, e := range list {
				if e.Record != nil {
					records++
				}
			}
			if records != want || len(named(list, "resynchronized")) != 1 || len(named(list, "not_tls")) > 0 || r.Transcript.Result().Outcome != "incomplete" {
				t.Errorf("%v, from byte %d: %d records, want %d:\n%s", dir, from, records, want, ladder)
			}
		}
	}
}

// A client that says hello in the form of SSL 2.0 is followed: its suites are
// read, and what it agrees on is checked with it (RFC 5246, appendix E.2).
func TestAClientHelloOfSSL2IsFollowed(t *testing.T) {
	v2 := "\x01\x03\x03\x00\x09\x00\x00\x00\x10" + "\x00\xc0\x2b" + "\x01\x00\x80" + "\x00\x00\x2f" + "0123456789abcdef"
	hello := fmt.Sprintf("\x80%c", len(v2)) + v2
	dialogue, _ := shake(t, tls.VersionTLS12)
	for name, first := range map[string][]said{"whole": {{out, hello}}, "in pieces": {{out, hello[:1]}, {out, hello[1:3]}, {out, hello[3:20]}, {out, hello[20:]}}} {
		list, ladder, r := events(t, newMade().open().talk(append(first, dialogue[1:]...)).close().file(t, nil), Options{})
		var m *tlsmsg.ClientHello
		for _, e := range list {
			if e.Message != nil && m == nil {
				parsed, err := e.Message.Handshake()
				m, _ = parsed.(*tlsmsg.ClientHello)
				if err != nil || m == nil {
					t.Fatalf("%s: %v\n%s", name, err, ladder)
				}
			}
		}
		if m == nil || m.Version != tlsmsg.VersionTLS12 || len(m.CipherSuites) != 2 || string(m.Random[16:]) != "0123456789abcdef" || m.Random[0] != 0 {
			t.Errorf("%s: %+v\n%s", name, m, ladder)
		}
		if !r.Transcript.Result().OK || len(named(list, "ssl2_hello")) != 1 {
			t.Errorf("%s:\n%s", name, ladder)
		}
	}
}
