package interop

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/test/peers"
	"github.com/rawshake/rawshake/tlsmsg"
)

func TestClosedPort(t *testing.T) {
	l := newLab(t)
	p := peers.Start(t, l, service.Closed)
	r := rawshake(t, l.Near(), "connect", "--json", p.String()).want(t, 4).says(t, "refused")
	if res := last(t, r); res.Outcome != "closed" || res.OK {
		t.Errorf("result %+v", res)
	}
}

// TestSilentHost checks that the SYN goes out again after 1, 3 and 7 seconds.
func TestSilentHost(t *testing.T) {
	l := newLab(t)
	p := peers.Start(t, l, service.Silent)
	r := rawshake(t, l.Near(), "connect", "--json", "--timeout", "8s", p.String()).want(t, 5).says(t, "timed out", "SYN-ACK")
	var at []float64
	for _, e := range entries(t, r.stdout) {
		if e.Type == "segment" && e.Dir == "out" && slices.Equal(e.Flags, []string{"SYN"}) {
			at = append(at, e.Time)
		}
	}
	if len(at) != 4 {
		t.Fatalf("SYNs at %v ms, want four", at)
	}
	for i, due := range []float64{0, 1000, 3000, 7000} {
		if at[i] < due {
			t.Errorf("SYN %d at %v ms, too early: due at %v", i, at[i], due)
		}
	}
	ladder := rawshake(t, l.Near(), "connect", "--timeout", "1500ms", p.String()).want(t, 5)
	if strings.Count(ladder.stdout, "SYN") < 2 || !strings.Contains(ladder.stdout, "again") {
		t.Errorf("the ladder does not show the SYN's retransmission:\n%s", ladder.stdout)
	}
}

func TestMuteServerTimesOutNamingTheMessage(t *testing.T) {
	l := newLab(t)
	p := peers.Start(t, l, service.Mute)
	rawshake(t, l.Near(), "connect", "--timeout", "1s", p.String()).want(t, 5).says(t, "ClientHello")
}

// A peer that always has something to say, and never says enough, is dropped
// when the time is up, with what it owed.
func TestSlowServerTimesOutNamingTheMessage(t *testing.T) {
	l := newLab(t)
	p := peers.Start(t, l, service.Tarpit)
	r := rawshake(t, l.Near(), "connect", "--json", "--timeout", "3s", p.String()).want(t, 5).says(t, "timed out", "the rest of an answer to our ClientHello", "began an answer and did not end it")
	if res := last(t, r); res.Outcome != "timeout" {
		t.Errorf("result %+v", res)
	}
	if !strings.Contains(r.stdout, `"user_canceled"`) {
		t.Errorf("the peer is not told that we left:\n%s", r.stdout)
	}
}

func TestPlainHTTP(t *testing.T) {
	l := newLab(t)
	p := peers.Start(t, l, service.HTTP)
	r := rawshake(t, l.Near(), "connect", "--json", p.String()).want(t, 6).says(t, "HTTP/1.1 400")
	if res := last(t, r); res.Outcome != "not_tls" {
		t.Errorf("result %+v", res)
	}
}

func TestServerOfTLS13Only(t *testing.T) {
	l := newLab(t)
	s, err := l.StartTLSServer(service.Options{MinVersion: tlsmsg.VersionTLS13, MaxVersion: tlsmsg.VersionTLS13})
	if err != nil {
		t.Fatal(err)
	}
	r := rawshake(t, l.Near(), "connect", "--json", "--max-version", "1.2", s.Addr().String()).want(t, 6).says(t, "protocol_version")
	if res := last(t, r); res.Outcome != "alert" {
		t.Errorf("result %+v", res)
	}
}

// TestUnverifiedCertificates checks the verdict, that nothing was entrusted to
// the server, and that --insecure makes it a remark.
func TestUnverifiedCertificates(t *testing.T) {
	for fault, words := range map[pki.Fault][]string{
		pki.Expired:    {"expired"},
		pki.SelfSigned: {"self-signed"},
		pki.WrongName:  {pki.ServerName},
	} {
		t.Run(string(fault), func(t *testing.T) {
			l := newLab(t)
			s, err := l.StartTLSServer(service.Options{Fault: fault})
			if err != nil {
				t.Fatal(err)
			}
			args := []string{"connect", "--json", "--get", "/", "--ca", s.CAFile(), "--cert", s.ClientCertFile(), "--key", s.ClientKeyFile(),
				"--resolve", pki.ServerName + ":" + s.Addr().Addr().String(), pki.ServerName}
			rawshake(t, l.Near(), args...).want(t, 7).says(t, append(words, "--insecure")...)
			seen := next(t, s)
			if !seen.Complete || len(seen.State.PeerCertificates) != 0 || len(seen.Request) != 0 {
				t.Errorf("the server got: complete=%v, %d certificates, request %q",
					seen.Complete, len(seen.State.PeerCertificates), seen.Request)
			}
			r := rawshake(t, l.Near(), append(args, "--insecure")...).want(t, 0)
			if !strings.HasPrefix(r.stdout, "HTTP/1.1 200") {
				t.Errorf("no page with --insecure:\n%s", r.stdout)
			}
			if seen := next(t, s); len(seen.State.PeerCertificates) == 0 {
				t.Error("no client certificate with --insecure")
			}
		})
	}
}

// TestTamperedHandshakes checks what we say, and what alert the server hears.
func TestTamperedHandshakes(t *testing.T) {
	const serverKeyExchange = 12
	for _, tc := range []struct {
		name  string
		fault peers.Fault
		alert string // as crypto/tls words what it heard
		words []string
	}{
		{"signature", peers.FlipMessage(serverKeyExchange, -1), "error decrypting message", []string{"ServerKeyExchange", "signature", "decrypt_error"}},
		{"record MAC", peers.FlipFinished(), "bad record MAC", []string{"bad_record_mac"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := newLab(t)
			s, err := l.StartTLSServer(service.Options{MaxVersion: tlsmsg.VersionTLS12})
			if err != nil {
				t.Fatal(err)
			}
			p := peers.StartRelay(t, l, s.Addr(), tc.fault)
			r := rawshake(t, l.Near(), "connect", "--json", "--ca", s.CAFile(), p.String()).want(t, 6).says(t, tc.words...)
			if res := last(t, r); res.Outcome != "protocol" {
				t.Errorf("result %+v", res)
			}
			if seen := next(t, s); seen.Err == nil || !strings.Contains(seen.Err.Error(), tc.alert) {
				t.Errorf("the server heard %v, want the alert %q", seen.Err, tc.alert)
			}
		})
	}
}

// TestServerEndsAtAnyPoint cuts the connection after each of the server's
// messages, by FIN and by RST.
func TestServerEndsAtAnyPoint(t *testing.T) {
	l := newLab(t)
	s, err := l.StartTLSServer(service.Options{MaxVersion: tlsmsg.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	// After ServerHelloDone, and after ChangeCipherSpec, our Finished is the last
	// handshake message.
	after := []string{"ClientHello", "ServerHello", "Certificate", "ServerKeyExchange", "CertificateRequest", "our Finished", "our Finished"}
	for n, message := range after {
		for _, reset := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d/reset=%v", n, reset), func(t *testing.T) {
				fault, status, word := peers.CutAfterMessages(n), 6, message
				if reset {
					fault, status, word = fault.ByReset(), 4, "reset"
				}
				p := peers.StartRelay(t, l, s.Addr(), fault)
				rawshake(t, l.Near(), "connect", "--ca", s.CAFile(), p.String()).want(t, status).says(t, word)
			})
		}
	}
}

func TestNoCapability(t *testing.T) {
	setpriv := needProgram(t, "setpriv")
	l := newLab(t)
	out, err := l.Near().Command(setpriv, "--inh-caps=-net_raw", "--bounding-set=-net_raw", "--", program, "connect", hostPort(l.Far(), 443)).CombinedOutput()
	var exit interface{ ExitCode() int }
	if !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Fatalf("%v, want exit status 3\n%s", err, out)
	}
	for _, word := range []string{"CAP_NET_RAW", "setcap cap_net_raw+ep " + program, "rawshake lab"} {
		if !strings.Contains(string(out), word) {
			t.Errorf("the error does not say %q:\n%s", word, out)
		}
	}
}

func TestWrongUsage(t *testing.T) {
	l := newLab(t)
	for _, args := range [][]string{
		{"connect"}, {"connect", "a", "b"}, {"connect", "--no-such-flag", "a"}, {"nonsense"},
		{"connect", "300.1.2.3"}, {"connect", "198.18.0.2:0"}, {"connect", "198.18.0.2:99999"}, {"connect", "198.18.0.2:x"},
		{"connect", "bad host"}, {"connect", "a\x1b[31m"}, {"connect", ""},
		{"connect", "--view", "pretty", "198.18.0.2"}, {"connect", "--until", "end", "198.18.0.2"},
		{"connect", "--link", "magic", "198.18.0.2"}, {"connect", "--guard", "magic", "198.18.0.2"},
		{"connect", "--ciphers", "NOT-A-SUITE", "198.18.0.2"}, {"connect", "--groups", "p-1", "198.18.0.2"},
		{"connect", "--ca", "/nonexistent", "198.18.0.2"}, {"connect", "--cert", "/nonexistent", "198.18.0.2"},
		{"connect", "--key", "k", "198.18.0.2"}, {"connect", "--timeout", "0s", "198.18.0.2"},
		{"connect", "--source-ip", "nowhere", "198.18.0.2"}, {"connect", "--resolve", "a", "a"},
		{"connect", "--get", "x", "198.18.0.2"}, {"connect", "--get", "/", "--until", "tcp", "198.18.0.2"},
		{"connect", "--pcap", "/nonexistent/x.pcapng", "198.18.0.2"}, {"connect", "-o", "/nonexistent/x", "198.18.0.2"},
		{"connect", "--json", "--view", "ladder", "198.18.0.2"}, {"connect", "--json", "-q", "198.18.0.2"},
		{"connect", "--get", "", "198.18.0.2"}, {"connect", "--get", "/a b", "198.18.0.2"}, {"connect", "--get", "/\r\nX: y", "198.18.0.2"},
		{"connect", "--servername", strings.Repeat("a", 300), "198.18.0.2"}, {"connect", "--servername", "a\x1b", "198.18.0.2"},
		{"connect", "--alpn", strings.Repeat("a", 300), "198.18.0.2"}, {"connect", "http://198.18.0.2/"},
		{"connect", "-o", "/", "198.18.0.2"}, {"lab", "demo", "extra"}, {"lab", "nonsense"}, {"lab"},
	} {
		r := rawshake(t, l.Near(), args...)
		if r.status != 2 || r.stderr == "" {
			t.Errorf("%q: exit status %d, want 2, with an error:\n%s", args, r.status, r.stderr)
		}
		if strings.ContainsRune(r.stderr, '\x1b') {
			t.Errorf("%q: the error holds a terminal escape: %q", args, r.stderr)
		}
	}
}

func TestNoWay(t *testing.T) {
	l := newLab(t)
	rawshake(t, l.Near(), "connect", "198.19.0.1").want(t, 4).says(t, "no route", "ip route")
	rawshake(t, l.Near(), "connect", "--interface", "nope0", hostPort(l.Far(), 443)).want(t, 2).says(t, "nope0")
	rawshake(t, l.Near(), "connect", "--timeout", "5s", "198.18.0.77").want(t, 4).says(t, "198.18.0.77", "ARP")
	rawshake(t, l.Near(), "connect", "--link", "packet", "127.0.0.1").want(t, 4).says(t, "--link auto")
	rawshake(t, l.Near(), "connect", "--link", "raw", "--source-ip", "198.18.0.77", "198.18.0.2").want(t, 4).says(t, "--link auto")
	for _, args := range [][]string{{"127.0.0.1"}, {"--link", "raw", "198.18.0.2"}} {
		rawshake(t, l.Near(), append([]string{"connect", "--guard", "tcx"}, args...)...).want(t, 1).says(t, "packet link", "--guard auto")
	}
}

// A name that cannot be looked up is the same to connect and to probe, and told
// without the resolver's own words.
func TestANameWithoutAResolverIsTheSameToConnectAndProbe(t *testing.T) {
	l := newLab(t) // in which nobody serves names
	const name = "no-such.invalid"
	args := []string{"--timeout", "5s", name}
	r := last(t, rawshake(t, l.Near(), append([]string{"connect", "--json"}, args...)...))
	list := runProbe(t, l, "", append([]string{"-q"}, args...)...).records(t)
	if len(list) != 1 || len(r.Reasons) != 1 {
		t.Fatalf("%v, %v", list, r)
	}
	if outcome, codes := list[0]["outcome"], codesOf(list[0]); outcome != r.Outcome || r.Outcome != "unresolved" || len(codes) != 1 || codes[0] != r.Reasons[0].Code {
		t.Errorf("connect says %s %v, probe %v %v", r.Outcome, r.Reasons, outcome, codes)
	}
	for _, text := range []string{r.Error, fmt.Sprint(list[0]["error"])} {
		if !strings.Contains(text, name) || strings.Contains(text, "lookup") || strings.Contains(text, "udp") {
			t.Errorf("%q", text)
		}
	}
}

// TestTerminalEscapesAreShownEscaped looks at every view of a certificate
// whose name wants to take over the terminal.
func TestTerminalEscapesAreShownEscaped(t *testing.T) {
	l := newLab(t)
	s, err := l.StartTLSServer(service.Options{Fault: pki.Escapes})
	if err != nil {
		t.Fatal(err)
	}
	for _, view := range []string{"ladder", "fields", "hex", "json"} {
		r := rawshake(t, l.Near(), "connect", "--view", view, "--ca", s.CAFile(), s.Addr().String()).want(t, 0)
		for _, bad := range []string{"\x1b", "\a", "\u202e"} {
			if strings.Contains(r.stdout+r.stderr, bad) {
				t.Errorf("the %s view lets %q through", view, bad)
			}
		}
		if view == "ladder" && !strings.Contains(r.stdout, `\x1b[2J`) {
			t.Errorf("the ladder does not show the name at all:\n%s", r.stdout)
		}
	}
}

// last is the result line of a JSON view on standard output or error.
func last(t *testing.T, r run) entry {
	t.Helper()
	view := r.stdout
	if !strings.HasPrefix(view, "{") {
		view = r.stderr[strings.Index(r.stderr, "{"):]
	}
	if i := strings.Index(view, "\nrawshake: "); i >= 0 {
		view = view[:i]
	}
	list := entries(t, view)
	return list[len(list)-1]
}

// next waits for what the server saw of the connection that ended last.
func next(t *testing.T, s *service.TLSServer) service.Session[tls.ConnectionState] {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	seen, err := s.Next(ctx)
	if err != nil {
		t.Fatalf("the server saw no connection end: %v", err)
	}
	return seen
}

// TestAVerdictOutlivesTheAlertThatFollowsIt: an unverified server that wants a
// client certificate gets none, and ends the handshake. The cause is the verdict.
func TestAVerdictOutlivesTheAlertThatFollowsIt(t *testing.T) {
	l := newLab(t)
	s, err := l.StartTLSServer(service.Options{Fault: pki.Expired, ClientAuth: service.RequireClient})
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"connect", "-q", "--ca", s.CAFile(), s.Addr().String()}
	rawshake(t, l.Near(), append(args, "--max-version", "1.2", "--cert", s.ClientCertFile(), "--key", s.ClientKeyFile())...).want(t, 7).says(t, "expired", "--insecure", "alert")
	rawshake(t, l.Near(), append(args, "--cert", s.ClientCertFile(), "--key", s.ClientKeyFile())...).want(t, 7).says(t, "expired", "--insecure")
	rawshake(t, l.Near(), append(args, "--insecure")...).want(t, 6).says(t, "client certificate", "--cert")
}

// TestZeroWindowIsProbed lets the server's first window be closed: our
// ClientHello must get through all the same.
func TestZeroWindowIsProbed(t *testing.T) {
	l := newLab(t)
	s, err := l.StartTLSServer(service.Options{})
	if err != nil {
		t.Fatal(err)
	}
	nft := l.Far().Command(needProgram(t, "nft"), "-f", "-")
	nft.Stdin = strings.NewReader(`table ip z {
  chain out { type filter hook output priority mangle; tcp sport 443 tcp flags & syn == syn tcp window set 0; }
}`)
	if out, err := nft.CombinedOutput(); err != nil {
		t.Fatalf("nft: %v\n%s", err, out)
	}
	r := rawshake(t, l.Near(), "connect", "--ca", s.CAFile(), s.Addr().String()).want(t, 0)
	if !strings.Contains(r.stdout, "window probe") {
		t.Errorf("the ladder shows no window probe:\n%s", r.stdout)
	}
}

func TestAFailedConnectionLeavesTheOutputFileAlone(t *testing.T) {
	l := newLab(t)
	p := peers.Start(t, l, service.Closed)
	path := writeFile(t, "reply", []byte("precious"))
	rawshake(t, l.Near(), "connect", "-q", "--get", "/", "-o", path, p.String()).want(t, 4)
	if kept, err := os.ReadFile(path); err != nil || string(kept) != "precious" {
		t.Errorf("the file holds %q, %v", kept, err)
	}
}

func TestAReplyMustBeWhole(t *testing.T) {
	l := newLab(t)
	p, err := pki.New(pki.Options{Addresses: addresses(l.Far())})
	if err != nil {
		t.Fatal(err)
	}
	ca := writeFile(t, "ca.pem", p.CA.CertPEM())
	config := &tls.Config{Certificates: []tls.Certificate{p.Server.TLS()}, MaxVersion: tls.VersionTLS12}
	for _, tc := range []struct {
		name   string
		reply  func(c *tls.Conn)
		status int
		word   string
	}{
		{"stops", func(c *tls.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n"); <-t.Context().Done() }, 5, "rest of the reply"},
		{"never comes", func(c *tls.Conn) { <-t.Context().Done() }, 5, "reply"},
		{"is empty", func(c *tls.Conn) { c.Close() }, 6, "without a reply"},
		{"ends without close_notify", func(c *tls.Conn) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			c.NetConn().(*net.TCPConn).CloseWrite()
		}, 6, "close_notify"},
	} {
		address := serve(t, l, func(c *net.TCPConn) {
			s := tls.Server(c, config)
			s.Read(make([]byte, 1000))
			tc.reply(s)
		})
		r := rawshake(t, l.Near(), "connect", "-q", "--timeout", "1s", "--get", "/", "--ca", ca, address)
		if r.status != tc.status || !strings.Contains(r.stderr, tc.word) {
			t.Errorf("a reply that %s: exit status %d, want %d and %q:\n%s", tc.name, r.status, tc.status, tc.word, r.stderr)
		}
	}
}
