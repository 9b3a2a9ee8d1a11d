package interop

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/link"
)

// page is what the servers of these tests answer: the protocol and a body of
// some segments.
var page = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	posted, _ := io.Copy(io.Discard, r.Body)
	fmt.Fprintf(w, "%s %s %d\n", r.Proto, r.URL.Path, posted)
	io.WriteString(w, strings.Repeat("x", 200_000))
})

// certificates are a CA, and a server's certificate for the nodes' addresses.
func certificates(t *testing.T, l *lab.Lab) (server tls.Certificate, roots *x509.CertPool, caFile string) {
	t.Helper()
	p, err := pki.New(pki.Options{ServerKey: pki.ECDSAP256, Addresses: []netip.Addr{l.Near().Addr(), l.Far().Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	server, err = tls.X509KeyPair(p.Server.CertPEM(), p.Server.KeyPEM())
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(p.CA.CertPEM())
	return server, roots, writeFile(t, "ca.pem", p.CA.CertPEM())
}

// serveHTTP runs a server over a listener until the test ends, with TLS and
// HTTP/2 where there is a certificate.
func serveHTTP(t *testing.T, ln net.Listener, cert *tls.Certificate) {
	t.Helper()
	s := &http.Server{Handler: page}
	t.Cleanup(func() { s.Close() })
	if cert == nil {
		go s.Serve(ln)
		return
	}
	s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*cert}}
	go s.ServeTLS(ln, "", "")
}

// ourTransport is an HTTP client's transport over our TCP.
func ourTransport(t *testing.T, l *lab.Lab) *http.Transport {
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		return dial(t, l, rawtcp.Dialer{}, address, 10*time.Second)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// TestHTTP2AndTLSWorkOverOurConn are net/http, its HTTP/2 and crypto/tls,
// unchanged, on a connection of ours to a server on the kernel's TCP.
func TestHTTP2AndTLSWorkOverOurConn(t *testing.T) {
	l := newLab(t)
	cert, roots, _ := certificates(t, l)
	for name, want := range map[string]struct {
		proto string
		h2    bool
	}{"TLS": {"HTTP/1.1", false}, "HTTP/2": {"HTTP/2.0", true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ln, err := l.Far().Listen("tcp", netip.AddrPortFrom(l.Far().Addr(), 0).String())
			if err != nil {
				t.Fatal(err)
			}
			serveHTTP(t, ln, &cert)
			transport := ourTransport(t, l)
			transport.TLSClientConfig = &tls.Config{RootCAs: roots}
			transport.ForceAttemptHTTP2 = want.h2
			client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
			done := make(chan error)
			for i := range 10 { // with HTTP/2, streams of one connection
				go func() { done <- fetchPage(client, "https://"+ln.Addr().String(), want.proto, i) }()
			}
			for range 10 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// fetchPage posts some bytes and checks the whole answer.
func fetchPage(client *http.Client, base, proto string, i int) error {
	resp, err := client.Post(fmt.Sprintf("%s/%d", base, i), "text/plain", strings.NewReader(strings.Repeat("y", 100_000)))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return checkPage(string(body), fmt.Sprintf("%s /%d 100000\n", proto, i), err)
}

func checkPage(body, first string, err error) error {
	want := first + strings.Repeat("x", 200_000)
	if err != nil || body != want {
		return fmt.Errorf("%d bytes that begin %.40q, want %d with %q: %v", len(body), body, len(want), first, err)
	}
	return nil
}

// TestTLSWorksOverOurConn is crypto/tls itself, with a half-close.
func TestTLSWorksOverOurConn(t *testing.T) {
	l := newLab(t)
	cert, roots, _ := certificates(t, l)
	address := serve(t, l, func(c *net.TCPConn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
		data, err := io.ReadAll(s)
		if err == nil {
			s.Write(data)
		}
		s.Close()
	})
	tcp, err := dial(t, l, rawtcp.Dialer{}, address, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	c := tls.Client(tcp, &tls.Config{RootCAs: roots, ServerName: l.Far().Addr().String()})
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	want := strings.Repeat("over our own TCP ", 50_000)
	if _, err := io.WriteString(c, want); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil || string(got) != want {
		t.Errorf("%d of %d bytes came back: %v", len(got), len(want), err)
	}
}

// TestCurlIsServedByOurListener has curl, on the kernel's TCP, fetch from
// net/http on our listener: in clear, over TLS, and by HTTP/2.
func TestCurlIsServedByOurListener(t *testing.T) {
	curl := needProgram(t, "curl")
	for _, kind := range []string{"packet", "raw"} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			cert, _, ca := certificates(t, l)
			plain := listenOurs(t, l.Near(), rawtcp.ListenConfig{Link: link.Kind(kind)})
			secure := listenOurs(t, l.Near(), rawtcp.ListenConfig{Link: link.Kind(kind)})
			serveHTTP(t, plain, nil)
			serveHTTP(t, secure, &cert)
			for name, c := range map[string]struct {
				args  []string
				proto string
			}{
				"HTTP":   {[]string{"http://" + plain.Addr().String() + "/c"}, "HTTP/1.1"},
				"TLS":    {[]string{"--http1.1", "https://" + secure.Addr().String() + "/c"}, "HTTP/1.1"},
				"HTTP/2": {[]string{"--http2", "https://" + secure.Addr().String() + "/c"}, "HTTP/2.0"},
			} {
				args := append([]string{"-sS", "--max-time", "30", "--noproxy", "*", "--cacert", ca, "--data", "12345"}, c.args...)
				out, err := l.Far().Command(curl, args...).CombinedOutput()
				if err := checkPage(string(out), c.proto+" /c 5\n", err); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}
