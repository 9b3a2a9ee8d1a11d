package interop

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/netem"
	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/internal/test/dialogue"
)

// A mailroom is servers of all protocols, with one certificate.
type mailroom struct {
	l   *lab.Lab
	ca  string // a file
	cfg *tls.Config

	mu     sync.Mutex
	faults []string
}

func newMailroom(t *testing.T) *mailroom {
	t.Helper()
	l := newLab(t)
	p, err := pki.New(pki.Options{Addresses: addresses(l.Far())})
	if err != nil {
		t.Fatal(err)
	}
	m := &mailroom{l: l, ca: writeFile(t, "ca.pem", p.CA.CertPEM()),
		cfg: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{p.Server.Cert.Raw}, PrivateKey: p.Server.Key}}}}
	t.Cleanup(func() {
		if len(m.faults) > 0 {
			t.Errorf("servers complain: %q", m.faults)
		}
	})
	return m
}

// handshake is the server's part of TLS, to its end.
func (m *mailroom) handshake(c net.Conn) {
	s := tls.Server(c, m.cfg)
	if s.Handshake() == nil {
		_, _ = io.Copy(io.Discard, s)
	}
}

// serves starts a server that agrees to TLS in a protocol, or says other things.
func (m *mailroom) serves(t *testing.T, turns []dialogue.Turn) string {
	t.Helper()
	return serve(t, m.l, func(c *net.TCPConn) {
		if err := dialogue.Play(c, turns, m.l.Far().Addr().String()); err != nil {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.faults = append(m.faults, err.Error())
			return
		}
		m.handshake(c)
	})
}

// In each protocol the handshake is reached over our own segments and the
// kernel's, by connect and by probe, over a good link and a lossy one; the views
// show the words that precede it, and explain tells the same of the capture.
func TestSTARTTLSReachesTheHandshakeInEachProtocol(t *testing.T) {
	m := newMailroom(t)
	for _, name := range starttls.Names() {
		at := m.serves(t, dialogue.Good[name])
		t.Run(name, func(t *testing.T) {
			pcap := writeFile(t, "c.pcapng", nil)
			r := rawshake(t, m.l.Near(), "connect", "--starttls", name, "--ca", m.ca, "--json", "--pcap", pcap, at).want(t, 0)
			live := entries(t, r.stdout)
			kernel := entries(t, rawshake(t, m.l.Near(), "connect", "--link", "kernel", "--starttls", name, "--ca", m.ca, "--json", at).want(t, 0).stdout)
			seen := entries(t, rawshake(t, m.l.Near(), "explain", "--json", pcap).want(t, 0).stdout)
			want := words(live)
			if len(want) == 0 || !strings.HasPrefix(want[len(want)-1], "begins: ") {
				t.Errorf("the words are %q", want)
			}
			for what, got := range map[string][]string{"over the kernel's TCP": words(kernel), "of the capture": words(seen)} {
				if !slices.Equal(got, want) {
					t.Errorf("%s they are %q, want %q", what, got, want)
				}
			}
			if got, want := places(seen), places(live); !slices.Equal(got, want) || len(want) == 0 {
				t.Errorf("the records of the capture stand at %q, those of the connection at %q", got, want)
			}
			if r := live[len(live)-1]; !r.PeerVerified || r.Handshake == 0 {
				t.Errorf("the result is %+v", r)
			}
			probed := rawshake(t, m.l.Near(), "probe", "--until", "finished", "--starttls", name, "--ca", m.ca, at).want(t, 0).stdout
			if !strings.Contains(probed, `"outcome":"finished"`) || !strings.Contains(probed, `"certificate_verified":true`) {
				t.Errorf("probe says %s", probed)
			}
		})
	}
}

// places are where the records stand in the streams.
func places(list []entry) (out []string) {
	for _, e := range list {
		if e.Type == "record" {
			out = append(out, fmt.Sprintf("%s %d+%d", e.Dir, e.Offset, e.Len))
		}
	}
	slices.Sort(out)
	return out
}

// The page and the fields have what precedes TLS, too.
func TestThePageShowsWhatPrecedesTLS(t *testing.T) {
	m := newMailroom(t)
	at, page := m.serves(t, dialogue.Good["imap"]), writeFile(t, "page.html", nil)
	r := rawshake(t, m.l.Near(), "connect", "--starttls", "imap", "--ca", m.ca, "--view", "fields", "--html", page, at).want(t, 0)
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if page := string(b); !strings.Contains(page, "a2 STARTTLS") || !strings.Contains(page, "TLS begins here") {
		t.Error("the page says nothing of STARTTLS")
	}
	if want := `preamble: "a2 STARTTLS\r\n"`; !strings.Contains(r.stdout, want) {
		t.Errorf("the fields do not say %s:\n%s", want, r.stdout)
	}
}

// A link that loses and reorders packets changes nothing of that.
func TestSTARTTLSOverALossyLink(t *testing.T) {
	m := newMailroom(t)
	if err := m.l.Impair(t.Context(), 0, netem.Impairment{Loss: 0.1, Reorder: 0.2, Latency: 5 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"smtp", "xmpp", "mysql", "postgres"} {
		at := m.serves(t, dialogue.Good[name])
		rawshake(t, m.l.Near(), "connect", "--starttls", name, "--timeout", "50s", "--ca", m.ca, at).want(t, 0)
		probed := rawshake(t, m.l.Near(), "probe", "--until", "finished", "--retries", "5", "--timeout", "50s", "--starttls", name, "--ca", m.ca, at).want(t, 0).stdout
		if !strings.Contains(probed, `"outcome":"finished"`) {
			t.Errorf("probe says %s", probed)
		}
	}
}

// words are what is said before TLS, and the decision that ends it.
func words(list []entry) (out []string) {
	for _, e := range list {
		switch {
		case e.Type == "octets" && len(out) > 0 && strings.HasPrefix(out[len(out)-1], e.Dir+" "):
			out[len(out)-1] += e.Text
		case e.Type == "octets":
			out = append(out, e.Dir+" "+e.Text)
		case e.Name == "tls_begins":
			out = append(out, "begins: "+e.Text)
		}
	}
	return out
}

// What a server says in place of yes is told with its words, and what to do.
func TestWhatASTARTTLSServerDoesInsteadIsNamed(t *testing.T) {
	m := newMailroom(t)
	smtp := dialogue.Good["smtp"]
	turn := func(client, server string) dialogue.Turn { return dialogue.Turn{Client: client, Server: server} }
	quiet := func(turns ...dialogue.Turn) func(*net.TCPConn) {
		return func(c *net.TCPConn) {
			_ = dialogue.Play(c, turns, "")
			_, _ = io.Copy(io.Discard, c)
		}
	}
	for _, tc := range []struct {
		name   string
		server func(*net.TCPConn)
		status int
		code   string
		says   []string

		watched bool // who watches it finds the same
	}{
		{"not offered", quiet(smtp[0], turn(smtp[1].Client, "250-x\r\n250 SIZE 1\r\n")), 6, "starttls_not_offered", []string{"does not offer STARTTLS", "SIZE", "465"}, true},
		{"refused", quiet(smtp[0], smtp[1], turn(smtp[2].Client, "454 4.7.0 TLS not \x1bavailable\r\n")), 6, "starttls_refused", []string{`454 4.7.0 TLS not \x1bavailable`, "log"}, true},
		{"turned away", quiet(turn("", "554 no\r\n")), 6, "starttls_refused", []string{"turns us away", "554 no"}, false},
		{"injected", quiet(smtp[0], smtp[1], turn(smtp[2].Client, "220 go\r\n250 injected\r\n")), 6, "injected_plaintext", []string{"plaintext", "250 injected", "CVE-2011-0411"}, true},
		{"an error after it", func(c *net.TCPConn) {
			_ = dialogue.Play(c, smtp, "")
			header := make([]byte, 5)
			_, _ = io.ReadFull(c, header)
			_, _ = io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint16(header[3:])))
			_, _ = io.WriteString(c, "454 no certificate\r\n")
			_, _ = io.Copy(io.Discard, c)
		}, 6, "starttls_then_plaintext", []string{"454 no certificate", "agreed to begin TLS"}, true},
		{"closed", func(c *net.TCPConn) {
			_ = dialogue.Play(c, smtp[:1], "")
			_, _ = c.Read(make([]byte, 100))
			_ = c.CloseWrite()
			_, _ = io.Copy(io.Discard, c)
		}, 6, "starttls_closed_early", []string{"EHLO"}, false},
		{"another protocol", quiet(turn("", "* OK IMAP4rev1\r\n")), 6, "starttls_unexpected_reply", []string{"IMAP is spoken", "--starttls imap"}, false},
		{"silent", quiet(), 5, "starttls_silent", []string{"the greeting of the SMTP server"}, false},
		{"endless", func(c *net.TCPConn) {
			for {
				if _, err := io.WriteString(c, "220-and so on\r\n"); err != nil {
					return
				}
			}
		}, 6, "starttls_too_much", []string{"more than anybody needs"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			at := serve(t, m.l, tc.server)
			args := []string{"--starttls", "smtp", "--timeout", "30s"}
			if tc.code == "starttls_silent" {
				args[3] = "2s"
			}
			pcap := writeFile(t, "c.pcapng", nil)
			for _, link := range []string{"auto", "kernel"} {
				args := args
				if link == "auto" {
					args = append(slices.Clone(args), "--pcap", pcap)
				}
				r := rawshake(t, m.l.Near(), append([]string{"connect", "--json", "--link", link, at}, args...)...).want(t, tc.status)
				res := last(t, r)
				if len(res.Reasons) == 0 || res.Reasons[0].Code != tc.code {
					t.Errorf("link %s: reasons %+v, want %s", link, res.Reasons, tc.code)
				}
				r.says(t, tc.says...)
			}
			if seen := last(t, rawshake(t, m.l.Near(), "explain", "--json", pcap)); tc.watched && (len(seen.Reasons) == 0 || seen.Reasons[0].Code != tc.code) {
				t.Errorf("explain gives the reasons %+v, want %s", seen.Reasons, tc.code)
			}
			connects := rawshake(t, m.l.Near(), append([]string{"connect", "--json", at}, args...)...)
			probes := rawshake(t, m.l.Near(), append([]string{"probe", "--rate", "0", at}, args...)...).want(t, 0)
			if !strings.Contains(probes.stdout, `"code":"`+tc.code+`"`) || !strings.Contains(probes.stdout, `"outcome":"`+last(t, connects).Outcome+`"`) {
				t.Errorf("probe says %s, connect %q", probes.stdout, last(t, connects).Outcome)
			}
		})
	}
}

// A banner where TLS was expected is named with the option that reaches TLS
// behind it.
func TestABannerIsNamedWithTheOptionThatReachesTLS(t *testing.T) {
	m := newMailroom(t)
	for name, option := range map[string]string{"smtp": "smtp", "imap": "imap", "pop3": "pop3", "ftp": "ftp", "nntp": "nntp", "sieve": "sieve", "mysql": "mysql", "lmtp": "lmtp"} {
		greeting := dialogue.Good[name][0].Server
		at := serve(t, m.l, func(c *net.TCPConn) { _, _ = io.WriteString(c, greeting); _, _ = io.Copy(io.Discard, c) })
		rawshake(t, m.l.Near(), "connect", at).want(t, 6).says(t, "is spoken on this port", "--starttls "+option)
	}
	at := serve(t, m.l, func(c *net.TCPConn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH\r\n"); _, _ = io.Copy(io.Discard, c) })
	rawshake(t, m.l.Near(), "connect", at).want(t, 6).says(t, "SSH is spoken on this port")
}

// httpProxy connects to whom it is asked for, if the credentials are right.
func (m *mailroom) httpProxy(t *testing.T, credentials string) string {
	return serve(t, m.l, func(c *net.TCPConn) {
		br := bufio.NewReader(c)
		r, err := http.ReadRequest(br)
		switch {
		case err != nil:
		case r.Header.Get("Proxy-Authorization") != credentials:
			_, _ = io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
		default:
			m.carry(c, r.Host, "HTTP/1.1 200 Connection established\r\n\r\n", "HTTP/1.1 502 Bad Gateway\r\n\r\n")
		}
	})
}

// socksProxy is the same with SOCKS 5, for names and IPv4 addresses.
func (m *mailroom) socksProxy(t *testing.T) string {
	return serve(t, m.l, func(c *net.TCPConn) {
		b := make([]byte, 300)
		_, _ = io.ReadFull(c, b[:3])
		_, _ = c.Write([]byte{5, 0})
		_, _ = io.ReadFull(c, b[:5])
		host := ""
		switch b[3] {
		case 1:
			_, _ = io.ReadFull(c, b[5:8])
			host = netip.AddrFrom4([4]byte(b[4:8])).String()
		case 3:
			n := int(b[4])
			_, _ = io.ReadFull(c, b[:n])
			host = string(b[:n])
		}
		_, _ = io.ReadFull(c, b[:2])
		m.carry(c, fmt.Sprintf("%s:%d", host, binary.BigEndian.Uint16(b)), "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00")
	})
}

// carry connects a client to somebody on the far node, whose name only the proxy
// knows.
func (m *mailroom) carry(c *net.TCPConn, to, yes, no string) {
	_, port, _ := net.SplitHostPort(to)
	s, err := m.l.Far().Dial(context.Background(), "tcp", net.JoinHostPort(m.l.Far().Addr().String(), port))
	if err != nil {
		_, _ = io.WriteString(c, no)
		return
	}
	defer s.Close()
	_, _ = io.WriteString(c, yes)
	go func() {
		_, _ = io.Copy(s, c)
		_ = s.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(c, s)
}

// Our TCP goes to the proxy, which looks up the name, and TLS to the server behind
// it.
func TestGoesThroughAProxy(t *testing.T) {
	m := newMailroom(t)
	direct := serve(t, m.l, func(c *net.TCPConn) { m.handshake(c) })
	mail := m.serves(t, dialogue.Good["imap"])
	web, socks := m.httpProxy(t, "Basic bWU6c2VjcmV0"), m.socksProxy(t)
	odd := serve(t, m.l, func(c *net.TCPConn) {
		_, _ = c.Read(make([]byte, 200))
		_, _ = io.WriteString(c, "\x05\xff")
		_, _ = io.Copy(io.Discard, c)
	})
	_, directPort, _ := net.SplitHostPort(direct)
	_, mailPort, _ := net.SplitHostPort(mail)
	run := func(args ...string) run {
		return rawshake(t, m.l.Near(), append([]string{"connect", "--ca", m.ca, "--servername", m.l.Far().Addr().String()}, args...)...)
	}
	for _, link := range []string{"auto", "kernel"} {
		for _, proxy := range []string{"http://me:secret@" + web, "socks5://" + socks} {
			r := run("--link", link, "--proxy", proxy, "nobody.knows.test:"+directPort).want(t, 0)
			if strings.Contains(r.stdout, "bWU6c2VjcmV0") {
				t.Errorf("the password is shown:\n%s", r.stdout)
			}
			run("--link", link, "--proxy", proxy, "--starttls", "imap", "nobody.knows.test:"+mailPort).want(t, 0)
			run("--link", link, "--proxy", proxy, "--until", "tcp", "nobody.knows.test:"+directPort).want(t, 0)
			run("--link", link, "--proxy", proxy, "--until", "tcp", "nobody.knows.test:9").want(t, 6).says(t, "proxy refuses")
		}
		run("--link", link, "--proxy", "http://"+web, "nobody.knows.test:"+directPort).want(t, 6).says(t, "407", "USER:PASSWORD")
		run("--link", link, "--proxy", "http://"+odd, "nobody.knows.test:"+directPort).want(t, 6).says(t, "socks5://HOST:PORT")
		run("--link", link, "--proxy", "socks5://"+web, "--timeout", "2s", "nobody.knows.test:"+directPort).want(t, 5).says(t, "SOCKS greeting", "kind")
	}
}

// The PROXY header names both ends of the connection, before anything else.
func TestSendsTheHeaderOfTheProxyProtocol(t *testing.T) {
	m := newMailroom(t)
	heard := make(chan string, 8)
	at := serve(t, m.l, func(c *net.TCPConn) {
		b := make([]byte, 1)
		var line []byte
		for !strings.HasSuffix(string(line), "\r\n") {
			if _, err := io.ReadFull(c, b); err != nil {
				return
			}
			line = append(line, b...)
		}
		_, port, _ := net.SplitHostPort(c.RemoteAddr().String())
		heard <- strings.ReplaceAll(string(line), " "+port+" ", " PORT ")
		m.handshake(c)
	})
	to := netip.MustParseAddrPort(at)
	want := fmt.Sprintf("PROXY TCP4 %v %v PORT %d\r\n", m.l.Near().Addr(), to.Addr(), to.Port())
	for _, args := range [][]string{{"connect", "--ca", m.ca}, {"connect", "--ca", m.ca, "--link", "kernel"}, {"probe", "--until", "finished", "--ca", m.ca}} {
		rawshake(t, m.l.Near(), append(args, "--proxy-protocol", "1", at)...).want(t, 0)
		if got := <-heard; got != want {
			t.Errorf("%v: the server heard %q, want %q", args, got, want)
		}
	}
}
