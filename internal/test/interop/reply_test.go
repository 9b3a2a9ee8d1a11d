package interop

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/pki"
)

// Replies by their paths: what is sent, and whether close_notify follows.
var replies = map[string]struct {
	text     string
	notified bool
	holds    bool // it ends nothing
}{
	"/length":      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, false},
	"/chunks":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n", false, false},
	"/none":        {"HTTP/1.1 204 No Content\r\n\r\n", false, false},
	"/interim":     {"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", true, false},
	"/headonly":    {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", false, false},
	"/kept":        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, true},
	"/close":       {"HTTP/1.0 200 OK\r\n\r\nhello", true, false},
	"/short":       {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", true, false},
	"/shortclosed": {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", false, false},
	"/shortchunks": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true, false},
	"/closed":      {"HTTP/1.0 200 OK\r\n\r\nhello", false, false},
	"/stalled":     {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", false, true},
	"/long":        {"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n" + strings.Repeat("x", 4000), true, false},
}

// serveReplies answers GETs with the replies, for certificates of a PKI.
func serveReplies(t *testing.T, n *lab.Node, protocols ...string) (ca string) {
	t.Helper()
	pki, err := pki.New(pki.Options{Addresses: addresses(n)})
	if err != nil {
		t.Fatal(err)
	}
	cfg := &tls.Config{MaxVersion: tls.VersionTLS12, NextProtos: protocols, Certificates: []tls.Certificate{
		{Certificate: [][]byte{pki.Server.Cert.Raw}, PrivateKey: pki.Server.Key}}}
	ln, err := n.Listen("tcp", hostPort(n, peerPort))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go reply(tls.Server(c, cfg), c)
		}
	}()
	return writeFile(t, "ca.pem", pki.CA.CertPEM())
}

func reply(c *tls.Conn, under net.Conn) {
	defer under.Close()
	from := bufio.NewReader(c)
	request, err := http.ReadRequest(from)
	if err != nil {
		return
	}
	r := replies[request.URL.Path]
	if _, err := c.Write([]byte(r.text)); err != nil {
		return
	}
	switch {
	case r.holds:
		_, _ = from.ReadByte() // until the other side ends it
	case r.notified:
		_ = c.CloseWrite()
		_, _ = from.ReadByte()
	}
}

// connect and probe say the same about a reply: whole if its own length or its
// end says so, whatever comes after it, and otherwise cut short.
func TestAReplyIsJudgedByItsOwnLength(t *testing.T) {
	l := newLab(t)
	ca := serveReplies(t, l.Far())
	at := hostPort(l.Far(), peerPort)
	for _, tc := range []struct {
		path   string
		status int // of connect
		says   string
		ok     bool // of probe
		end    string
		class  string
	}{
		{"/length", 0, "", true, "complete", ""},
		{"/chunks", 0, "", true, "complete", ""},
		{"/none", 0, "", true, "complete", ""},
		{"/interim", 0, "", true, "complete", ""},
		{"/kept", 0, "", true, "complete", ""},
		{"/close", 0, "", true, "close_notify", ""},
		{"/short", 6, "45 of the 50 bytes", false, "close_notify", "reply_cut"},
		{"/shortclosed", 6, "45 of the 50 bytes", false, "closed", "closed_early"},
		{"/shortchunks", 6, "the last chunk is missing, after 5 bytes", false, "close_notify", "reply_cut"},
		{"/closed", 6, "close_notify", false, "closed", "closed_early"},
		{"/stalled", 5, "the rest of the reply", false, "timeout", ""},
		{"/long", 0, "", true, "limit", ""},
	} {
		c := rawshake(t, l.Near(), "connect", "-q", "--timeout", "3s", "--get", tc.path, "--ca", ca, at)
		if c.status != tc.status || !strings.Contains(c.stderr, tc.says) || !strings.Contains(replies[tc.path].text, c.stdout) || c.stdout == "" {
			t.Errorf("connect --get %s: status %d, expected %d and %q: %q\n%s", tc.path, c.status, tc.status, tc.says, c.stdout, c.stderr)
		}
		p := runProbe(t, l, "", "-q", "--timeout", "3s", "--get", tc.path, "--ca", ca, at).records(t)
		if len(p) != 1 {
			t.Fatalf("%d records", len(p))
		}
		r := p[0]
		class, _ := r["class"].(string)
		if r["ok"] != tc.ok || r["data_end"] != tc.end || class != tc.class || r["certificate_verified"] != true {
			t.Errorf("probe --get %s: %v", tc.path, r)
		}
	}
}

// A reply is bounded as a whole, by its size and by its time.
func TestAReplyIsBoundedAsAWhole(t *testing.T) {
	l := newLab(t)
	ca := serveReplies(t, l.Far())
	at := hostPort(l.Far(), peerPort)
	r := rawshake(t, l.Near(), "connect", "-q", "--get", "/long", "--max-size", "1000", "--ca", ca, at).want(t, 1).says(t, "--max-size", "1000 bytes")
	if r.stdout != replies["/long"].text[:1000] {
		t.Errorf("%d bytes came out, expected the first 1000", len(r.stdout))
	}
	rawshake(t, l.Near(), "connect", "-q", "--get", "/stalled", "--max-time", "500ms", "--ca", ca, at).want(t, 5).says(t, "--max-time")
	rawshake(t, l.Near(), "connect", "--max-time", "1s", at).want(t, 2).says(t, "--get")
}

// HTTP/1.1 is not spoken if the server chose another protocol.
func TestARequestIsNotSentInAnotherProtocol(t *testing.T) {
	l := newLab(t)
	ca := serveReplies(t, l.Far(), "h2", "http/1.1")
	at := hostPort(l.Far(), peerPort)
	rawshake(t, l.Near(), "connect", "-q", "--alpn", "h2,http/1.1", "--get", "/length", "--ca", ca, at).want(t, 1).says(t, `"h2"`, "--alpn http/1.1")
	rawshake(t, l.Near(), "connect", "-q", "--alpn", "http/1.1", "--get", "/length", "--ca", ca, at).want(t, 0)
	for alpn, ok := range map[string]bool{"h2,http/1.1": false, "http/1.1": true} {
		if r := runProbe(t, l, "", "-q", "--alpn", alpn, "--get", "/length", "--ca", ca, at).records(t); len(r) != 1 || r[0]["ok"] != ok {
			t.Errorf("probe --alpn %s: %v", alpn, r)
		}
	}
}

// A stapled "revoked" ends the trust of connect and probe alike, even if the
// goal is the certificate.
func TestAStapledRevocationEndsTheTrust(t *testing.T) {
	l := newLab(t)
	pki, err := pki.New(pki.Options{Addresses: addresses(l.Far())})
	if err != nil {
		t.Fatal(err)
	}
	ca := writeFile(t, "ca.pem", pki.CA.CertPEM())
	at := hostPort(l.Far(), peerPort)
	for status, want := range map[int]struct {
		exit int
		word string
	}{ocsp.Good: {0, "good"}, ocsp.Revoked: {7, "revoked"}} {
		staple, err := ocsp.CreateResponse(pki.CA.Cert, pki.CA.Cert, ocsp.Response{Status: status, SerialNumber: pki.Server.Cert.SerialNumber,
			ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour), RevokedAt: time.Now().Add(-time.Hour)}, pki.CA.Key)
		if err != nil {
			t.Fatal(err)
		}
		ln, err := l.Far().Listen("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		cfg := &tls.Config{MaxVersion: tls.VersionTLS12, Certificates: []tls.Certificate{
			{Certificate: [][]byte{pki.Server.Cert.Raw}, PrivateKey: pki.Server.Key, OCSPStaple: staple}}}
		go func() {
			for c, err := ln.Accept(); err == nil; c, err = ln.Accept() {
				go func() { _ = tls.Server(c, cfg).Handshake(); _, _ = c.Read(make([]byte, 1)); c.Close() }()
			}
		}()
		for _, until := range []string{"certificate", "finished"} {
			r := rawshake(t, l.Near(), "connect", "-q", "--until", until, "--ca", ca, at).want(t, want.exit)
			if status == ocsp.Revoked {
				r.says(t, "was revoked on")
			}
		}
		p := runProbe(t, l, "", "-q", "--until", "finished", "--ca", ca, at).records(t)
		if len(p) != 1 || p[0]["ocsp_status"] != want.word || p[0]["certificate_verified"] != (want.exit == 0) {
			t.Errorf("probe: %v", p)
		}
		ln.Close()
	}
}

// The reply to HEAD has no body, whatever length it says; and a request on
// standard input has its reply judged as --get has.
func TestTheReplyToARequestOnStandardInputIsJudgedByItsOwnLength(t *testing.T) {
	l := newLab(t)
	ca := serveReplies(t, l.Far())
	at := hostPort(l.Far(), peerPort)
	for _, tc := range []struct {
		request string
		status  int
		says    string
	}{
		{"GET /length HTTP/1.1\r\nHost: x\r\n\r\n", 0, ""},
		{"HEAD /headonly HTTP/1.1\r\nHost: x\r\n\r\n", 0, ""},
		{"GET /headonly HTTP/1.1\r\nHost: x\r\n\r\n", 6, "50 of the 50 bytes of its body are missing"},
		{"GET /short HTTP/1.1\r\nHost: x\r\n\r\n", 6, "45 of the 50 bytes of its body are missing"},
		{"GET /closed HTTP/1.1\r\nHost: x\r\n\r\n", 6, "close_notify"},
		{"GET /length HTTP/1.1\r\nHost: x\r\n\r\nGET /length HTTP/1.1\r\nHost: x\r\n\r\n", 6, "close_notify"}, // there may be another
	} {
		c := execute(t, func(ctx context.Context) *netns.Cmd {
			cmd := l.Near().CommandContext(ctx, program, "connect", "-q", "--timeout", "3s", "--ca", ca, at)
			cmd.Stdin = strings.NewReader(tc.request)
			return cmd
		})
		if c.status != tc.status || !strings.Contains(c.stderr, tc.says) || !strings.HasPrefix(c.stdout, "HTTP/1.") {
			t.Errorf("%q: status %d, expected %d and %q: %q\n%s", tc.request, c.status, tc.status, tc.says, c.stdout, c.stderr)
		}
	}
}
