package starttls

import (
	"net/netip"
	"strings"
	"testing"
)

func TestAsksAProxyForTheWay(t *testing.T) {
	ask := func(url string, id Identity) *Machine {
		t.Helper()
		p, err := ParseProxy(url)
		if err != nil {
			t.Fatal(err)
		}
		profile, err := NewProfile(Config{Proxy: p})
		if err != nil {
			t.Fatal(err)
		}
		return NewMachine(profile, id)
	}
	six := someone
	six.Host = "2001:db8::1"
	four := someone
	four.Host = "198.18.0.9"
	for _, c := range []struct {
		url   string
		id    Identity
		turns []turn
		kind  Kind // empty: it agrees
		text  string
	}{
		{"http://p:3128", someone, []turn{{"CONNECT host.test:465 HTTP/1.1\r\nHost: host.test:465\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"}}, "", ""},
		{"http://me:it%3A@p", six, []turn{{"CONNECT [2001:db8::1]:465 HTTP/1.1\r\nHost: [2001:db8::1]:465\r\nProxy-Authorization: Basic bWU6aXQ6\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n"}}, "", ""},
		{"http://p", someone, []turn{{"CONNECT host.test:465 HTTP/1.1\r\nHost: host.test:465\r\n\r\n", "HTTP/1.1 407 Who\r\n"}}, Refused, "407 Who"},
		{"http://p", someone, []turn{{"CONNECT host.test:465 HTTP/1.1\r\nHost: host.test:465\r\n\r\n", "HTTP/1.1 502 Bad Gateway\r\n"}}, Refused, "502 Bad Gateway"},
		{"socks5://p", someone, []turn{{"\x05\x01\x00", "\x05\x00"}, {"\x05\x01\x00\x03\x09host.test\x01\xd1", "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"}}, "", ""},
		{"socks5://p", four, []turn{{"\x05\x01\x00", "\x05\x00"}, {"\x05\x01\x00\x01\xc6\x12\x00\x09\x01\xd1", "\x05\x00\x00\x03\x01a\x00\x00"}}, "", ""},
		{"socks5://u:pw@p", someone, []turn{{"\x05\x02\x00\x02", "\x05\x02"}, {"\x01\x01u\x02pw", "\x01\x00"}, {"\x05\x01\x00\x03\x09host.test\x01\xd1", "\x05\x00\x00\x04" + strings.Repeat("\x00", 18)}}, "", ""},
		{"socks5://u:pw@p", someone, []turn{{"\x05\x02\x00\x02", "\x05\x00"}, {"\x05\x01\x00\x03\x09host.test\x01\xd1", "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"}}, "", ""},
		{"socks5://u:pw@p", someone, []turn{{"\x05\x02\x00\x02", "\x05\x02"}, {"\x01\x01u\x02pw", "\x01\x01"}}, Refused, "refuses user and password: status 1"},
		{"socks5://p", someone, []turn{{"\x05\x01\x00", "\x05\xff"}}, Refused, "none of the ways"},
		{"socks5://p", someone, []turn{{"\x05\x01\x00", "\x05\x02"}}, Unexpected, "neither"},
		{"socks5://p", someone, []turn{{"\x05\x01\x00", "\x05\x00"}, {"\x05\x01\x00\x03\x09host.test\x01\xd1", "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"}}, Refused, "connection refused (reply 5)"},
	} {
		for _, piece := range []int{1, 1 << 16} {
			m := ask(c.url, c.id)
			talk(t, m, c.turns, piece)
			if c.kind == "" {
				if !m.Done() {
					t.Errorf("%s: error %v, waiting for %s", c.url, m.Err(), m.Waiting())
				}
				m.Behind([]byte("SSH-2.0")) // which is for TLS to judge
				if m.Err() != nil {
					t.Error(m.Err())
				}
				continue
			}
			if e := failure(t, m); e.Kind != c.kind || !e.Proxy || !strings.Contains(e.Error(), c.text) {
				t.Errorf("%s: %v %q, want %v with %q", c.url, e.Kind, e, c.kind, c.text)
			}
		}
	}
}

func TestReadsProxies(t *testing.T) {
	for _, bad := range []string{"", "p:1", "https://p", "ftp://p", "http://", "http://p/x", "http://p:0", "http://p:99999", "socks5://u@p", "http://%zz"} {
		if p, err := ParseProxy(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, p)
		} else if strings.Contains(bad, "@") && strings.Contains(err.Error(), "u@") {
			t.Errorf("the error repeats a credential: %v", err)
		}
	}
	p, err := ParseProxy("socks5://u:p@[2001:db8::1]")
	if err != nil || *p != (Proxy{SOCKS: true, Host: "2001:db8::1", Port: 1080, User: "u", Password: "p", Authenticate: true}) {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestTheHeadersOfTheProxyProtocol(t *testing.T) {
	six := someone
	six.Local, six.Remote = netip.MustParseAddrPort("[fe80::1%eth0]:1"), netip.MustParseAddrPort("[fe80::2%eth0]:2")
	for _, c := range []struct {
		version int
		id      Identity
		want    string
	}{
		{1, someone, "PROXY TCP4 198.18.0.1 198.18.0.2 4321 25\r\n"},
		{1, six, "PROXY TCP6 fe80::1 fe80::2 1 2\r\n"},
		{1, Identity{}, "PROXY UNKNOWN\r\n"},
		{2, someone, "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc6\x12\x00\x01\xc6\x12\x00\x02\x10\xe1\x00\x19"},
		{2, six, "\r\n\r\n\x00\r\nQUIT\n\x21\x21\x00\x24\xfe\x80" + strings.Repeat("\x00", 13) + "\x01\xfe\x80" + strings.Repeat("\x00", 13) + "\x02\x00\x01\x00\x02"},
		{2, Identity{}, "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"},
	} {
		p, err := NewProfile(Config{Header: c.version})
		if err != nil {
			t.Fatal(err)
		}
		m := NewMachine(p, c.id)
		if got := said(m); got != c.want || !m.Done() {
			t.Errorf("version %d says %q, want %q", c.version, got, c.want)
		}
	}
}
